"""Enrolling a TPM by its maker's papers: a real maker, a real TPM, a running server."""

import base64
from pathlib import Path

import pytest
from tests.pki import make_root
from tests.tpm.maker import MadeTpm, make_tpm
from tests.tpm.public_keys import endorsement_key
from tests.unit.cli.terminal import Terminal


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MadeTpm:
    return make_tpm(tmp_path_factory.mktemp("maker"))


def create(name: str, made: MadeTpm, *more: str) -> list[str]:
    return ["enrollments", "create", name, "--endorsement-certificate", str(made.certificate), *more]


@pytest.mark.parametrize("known", ["issuer", "root and issuer"])
def test_the_key_of_a_certificate_is_the_one_that_the_tpm_shows(
    at_server: Terminal, made: MadeTpm, known: str, tmp_path: Path
) -> None:
    makers = tmp_path / "makers.pem"
    makers.write_text((made.root.read_text() if "root" in known else "") + made.issuer.read_text())
    result = at_server.run(*create(f"made-{len(known)}", made, "--manufacturer-ca", str(makers)))
    assert base64.b64decode(result.stdout) == made.endorsement_key()
    assert "stands under CN=swtpm-localca" in result.stderr


def test_without_a_maker_nothing_was_checked_and_that_is_said(at_server: Terminal, made: MadeTpm) -> None:
    result = at_server.run(*create("unchecked", made))
    assert base64.b64decode(result.stdout) == made.endorsement_key()
    assert "was not checked" in result.stderr


def test_a_given_key_must_be_the_certified_one(at_server: Terminal, made: MadeTpm) -> None:
    papers = ["--manufacturer-ca", str(made.issuer)]
    key = base64.b64encode(made.endorsement_key()).decode()
    assert at_server.out(*create("same-key", made, *papers, "--endorsement-key", key)) == key
    other = base64.b64encode(endorsement_key()).decode()
    assert "another key" in at_server.error(*create("other-key", made, *papers, "--endorsement-key", other))
    assert "TPM2B_PUBLIC" in at_server.error(*create("no-key", made, *papers, "--endorsement-key", "AAAA"))


def test_another_makers_tpm_is_refused_before_anything_is_enrolled(
    at_server: Terminal, made: MadeTpm, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    stranger.write_text(make_root("Another Maker").pem)
    error = at_server.error(*create("stranger", made, "--manufacturer-ca", str(stranger)))
    assert "missing_intermediate" in error
    assert "404201" in at_server.error("enrollments", "show", "stranger")


def test_makers_without_a_certificate_are_a_mistake(at_server: Terminal, made: MadeTpm) -> None:
    error = at_server.error("enrollments", "create", "makers-only", "--manufacturer-ca", str(made.issuer))
    assert "--endorsement-certificate" in error


def test_the_tpms_own_certificate_is_one(at_server: Terminal, made: MadeTpm, tmp_path: Path) -> None:
    several = tmp_path / "several.pem"
    several.write_text(made.root.read_text() + made.issuer.read_text())
    error = at_server.error("enrollments", "create", "several", "--endorsement-certificate", str(several))
    assert "several certificates" in error
