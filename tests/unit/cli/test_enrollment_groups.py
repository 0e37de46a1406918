"""`homeport enrollment-groups`, against a running server."""

import json
from pathlib import Path

import pytest
from tests.pki import make_root
from tests.unit.cli.terminal import Terminal

from homeport.security.sas import decode_key


@pytest.fixture
def root(tmp_path: Path) -> str:
    file = tmp_path / "root.pem"
    file.write_text(make_root("Acme Root").pem)
    return str(file)


def attestation(at_server: Terminal, group_id: str) -> dict[str, object]:
    found: dict[str, object] = at_server.json("enrollment-groups", "show", group_id)["attestation"]
    return found


def test_a_group_by_keys_prints_the_key_that_others_are_derived_from(at_server: Terminal) -> None:
    key = at_server.out("enrollment-groups", "create", "by-keys")
    assert len(decode_key(key)) == 64
    assert attestation(at_server, "by-keys") == {"type": "symmetricKey"}


def test_a_group_by_signing_certificates(at_server: Terminal, root: str) -> None:
    words = ["--signing-certificate", root, "--signing-certificate", root, "--allow-expired-certificates"]
    assert at_server.out("enrollment-groups", "create", "by-signing", *words) == ""
    x509 = attestation(at_server, "by-signing")["x509"]
    assert isinstance(x509, dict)
    assert x509["allowExpiredCertificates"] is True
    assert x509["signingCertificates"]["secondary"]["info"]["subjectName"].startswith("CN=Acme Root")


def test_a_group_by_ca_certificates_of_the_service(at_server: Terminal, root: str) -> None:
    at_server.out("certificates", "add", "root", root, "--verified-because", "made it myself")
    group = at_server.json("enrollment-groups", "create", "by-name", "--ca", "root", "--json")
    assert group["attestation"] == {"type": "x509", "x509": {"caReferences": {"primary": "root"}}}
    assert "stranger" in at_server.error("enrollment-groups", "create", "by-stranger", "--ca", "stranger")


def test_what_does_not_go_together_is_refused(at_server: Terminal, root: str) -> None:
    signing, named = ["--signing-certificate", root], ["--ca", "root"]
    for words in ([*signing, *named], signing * 3, named * 3, ["--allow-expired-certificates"]):
        assert at_server.error("enrollment-groups", "create", "odd", *words)


def test_groups_are_listed_and_deleted(at_server: Terminal) -> None:
    at_server.out("enrollment-groups", "create", "passing")
    listed = [json.loads(line) for line in at_server.out("enrollment-groups", "list").splitlines()]
    assert "passing" in [group["enrollmentGroupId"] for group in listed]
    at_server.out("enrollment-groups", "delete", "passing")
    assert "404201" in at_server.error("enrollment-groups", "show", "passing")


def test_an_id_outside_the_grammar_is_refused(at_server: Terminal) -> None:
    assert "enrollmentGroupId" in at_server.error("enrollment-groups", "create", "a b")
