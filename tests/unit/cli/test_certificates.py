"""`homeport certificates`, on the data directory itself, beside the running server; and `prove`, anywhere."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from tests.pki import Authority, Identity, make_key, make_root, make_self_signed
from tests.unit.cli.terminal import Terminal

from homeport.cli.main import main
from homeport.security.certificates import parse_certificate


@pytest.fixture
def root() -> Authority:
    return make_root("Acme Root")


@pytest.fixture
def pem(tmp_path: Path, root: Authority) -> str:
    return written(tmp_path / "root.pem", root.pem)


@pytest.fixture
def key(tmp_path: Path, root: Authority) -> str:
    return written(tmp_path / "root.key", root.key_pem)


def written(file: Path, text: str) -> str:
    file.write_text(text)
    return str(file)


def prove(code: str, certificate: str, key: str, passphrase: str = "") -> Result:
    result = CliRunner().invoke(main, ["certificates", "prove", code, "--ca", certificate, "--key", key], passphrase)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def encrypted(identity: Identity) -> str:
    return identity.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open sesame"),
    ).decode()


def test_from_the_file_to_a_verified_ca(at_server: Terminal, tmp_path: Path, pem: str, key: str) -> None:
    assert at_server.out("certificates", "add", "proven", pem).startswith("proven  not verified, until 2049-01-01")
    code = at_server.out("certificates", "code", "proven")
    proof = written(tmp_path / "proof.pem", prove(code, pem, key).stdout)
    assert "verified by proof" in at_server.out("certificates", "verify", "proven", proof)
    shown = at_server.json("certificates", "show", "proven")
    assert (shown["isVerified"], shown["verifiedBy"], shown["info"]["version"]) == (True, "proof", 3)
    assert "serviceId" not in shown
    assert "certificate" not in shown


def test_every_step_tells_the_next(at_server: Terminal, pem: str) -> None:
    assert "homeport certificates code next" in at_server.run("certificates", "add", "next", pem).stderr
    hint = at_server.run("certificates", "code", "next").stderr
    assert "homeport certificates prove" in hint
    assert "homeport certificates verify next proof.pem" in hint


def test_a_reason_in_place_of_a_proof(at_server: Terminal, pem: str) -> None:
    added = at_server.run("certificates", "add", "stated", pem, "--verified-because", "made it myself")
    assert "verified by statement" in added.stdout
    assert added.stderr == ""
    at_server.out("certificates", "add", "stated-later", pem)
    at_server.out("certificates", "verify", "stated-later", "--because", "made it myself")
    shown = at_server.json("certificates", "show", "stated-later")
    assert shown["verifiedBecause"] == "made it myself"


def test_the_list_for_people_and_for_scripts(at_server: Terminal, pem: str) -> None:
    at_server.out("certificates", "add", "listed", pem)
    assert "listed  not verified" in at_server.out("certificates", "list")
    rows = {row["name"]: row for row in at_server.json("certificates", "list", "--json")}
    assert rows["listed"]["isVerified"] is False


def test_deleting_warns_of_the_groups_that_are_left_without(at_server: Terminal, pem: str) -> None:
    at_server.out("certificates", "add", "leaving", pem, "--verified-because", "made it myself")
    at_server.out("enrollment-groups", "create", "orphans", "--ca", "leaving")
    assert "orphans" in at_server.run("certificates", "delete", "leaving").stderr
    assert "404204" not in at_server.out("certificates", "list")
    assert "There are:" in at_server.error("certificates", "delete", "leaving")


@pytest.mark.parametrize("words", [["verify", "any"], ["verify", "any", __file__, "--because", "x"]])
def test_verifying_takes_a_proof_or_a_reason(at_server: Terminal, words: list[str]) -> None:
    assert "either the file PROOF or --because" in at_server.error("certificates", *words)


def test_refusals_say_what_to_do(at_server: Terminal, tmp_path: Path, pem: str) -> None:
    at_server.out("certificates", "add", "twice", pem)
    assert "choose another name" in at_server.error("certificates", "add", "twice", pem)
    assert "request one" in at_server.error("certificates", "verify", "twice", pem)
    device = written(tmp_path / "device.pem", make_self_signed("device-1").pem)
    assert "not a CA certificate" in at_server.error("certificates", "add", "device", device)


@pytest.mark.parametrize("kind", ["P-256", "RSA-2048", "Ed25519"])
def test_an_encrypted_key_is_opened_with_its_passphrase(tmp_path: Path, kind: str) -> None:
    root = make_root(key=make_key(kind))
    certificate, key = written(tmp_path / "ca.pem", root.pem), written(tmp_path / "ca.key", encrypted(root))
    result = prove("C0DE", certificate, key, "open sesame\n")
    assert "Passphrase" in result.stderr
    assert "open sesame" not in result.output
    assert parse_certificate(result.stdout).common_name == "C0DE"
    wrong = prove("C0DE", certificate, key, "guessed\n")
    assert (wrong.exit_code, "the passphrase is wrong" in " ".join(wrong.stderr.split())) == (2, True)


def test_what_cannot_prove_anything_is_named(tmp_path: Path, pem: str, key: str) -> None:
    strange = x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for arguments, word in (
        (("C0DE", key, key), "--ca"),
        (("C0DE", pem, pem), "--key"),
        (("C0DE", pem, written(tmp_path / "x.key", strange.decode())), "Ed25519"),
        (("C0DE", pem, written(tmp_path / "other.key", make_root().key_pem)), "belong together"),
        (("C0DE" * 20, pem, key), "CODE"),
    ):
        result = prove(*arguments)
        assert result.exit_code != 0
        assert result.stdout == ""
        assert word in result.stderr


def test_without_a_deployment_it_tells_how_to_start_one(nowhere: Terminal, pem: str) -> None:
    for words in (["add", "x", pem], ["list"], ["show", "x"], ["code", "x"], ["delete", "x"]):
        assert "homeport up" in nowhere.error("certificates", *words)
