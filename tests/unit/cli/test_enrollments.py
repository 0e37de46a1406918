"""`homeport enrollments`, against a running server."""

import base64
import json
import shutil
from pathlib import Path

import pytest
from tests.pki import make_self_signed
from tests.sockets.server_process import Deployment
from tests.tpm.public_keys import endorsement_key
from tests.unit.cli.terminal import Terminal

from homeport.security.sas import decode_key


def test_creating_prints_the_key_and_nothing_else(at_server: Terminal) -> None:
    key = at_server.out("enrollments", "create", "created-1")
    assert len(decode_key(key)) == 64
    shown = at_server.json("enrollments", "show", "created-1")
    assert (shown["registrationId"], shown["attestation"]) == ("created-1", {"type": "symmetricKey"})


def test_creating_with_everything(at_server: Terminal) -> None:
    twin = {"tags": {"site": "a"}, "properties": {"desired": {"rate": 5}}}
    options = ["--device-id", "at-hub", "--initial-twin", json.dumps(twin), "--json"]
    created = at_server.json("enrollments", "create", "created-2", *options)
    assert (created["deviceId"], created["initialTwin"]) == ("at-hub", twin)
    assert created["attestation"]["symmetricKey"]["secondaryKey"]


def test_creating_twice_is_refused_and_says_so(at_server: Terminal) -> None:
    at_server.out("enrollments", "create", "twice")
    error = at_server.error("enrollments", "create", "twice")
    assert "exists" in error
    assert "409201" in error
    assert "tracking ID" in error


@pytest.mark.parametrize("form", ["pem", "der"])
def test_a_device_by_its_certificate_is_known_by_the_thumbprint(at_server: Terminal, tmp_path: Path, form: str) -> None:
    device, file = make_self_signed(f"by-{form}"), tmp_path / "device"
    file.write_bytes(device.der if form == "der" else device.pem.encode())
    create = ["enrollments", "create", f"by-{form}", "--certificate", str(file)]
    assert at_server.out(*create) == device.sha256_thumbprint
    assert at_server.out(*create, "--keep") == device.sha256_thumbprint
    assert at_server.json("enrollments", "show", f"by-{form}")["attestation"]["type"] == "x509"


def test_a_device_by_its_tpm_is_known_by_the_endorsement_key(at_server: Terminal) -> None:
    key = base64.b64encode(endorsement_key()).decode()
    assert at_server.out("enrollments", "create", "by-tpm", "--endorsement-key", key) == key
    assert at_server.json("enrollments", "show", "by-tpm")["attestation"]["tpm"] == {"endorsementKey": key}


def test_a_device_has_one_way_to_prove_itself(at_server: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "device.pem"
    file.write_text("not a certificate")
    both = ["--certificate", str(file), "--endorsement-key", "AAAA"]
    assert "not both" in at_server.error("enrollments", "create", "two-ways", *both)
    assert "clientCertificates.primary.certificate" in at_server.error("enrollments", "create", "two-ways", *both[:2])


def test_keep_prints_the_key_that_is_there(at_server: Terminal) -> None:
    key = at_server.out("enrollments", "create", "kept", "--keep")
    assert at_server.out("enrollments", "create", "kept", "--keep") == key
    mechanism = at_server.json("enrollments", "create", "kept", "--keep", "--json")
    assert mechanism["symmetricKey"]["primaryKey"] == key


def test_the_list_goes_over_all_pages_and_shows_no_keys(at_server: Terminal) -> None:
    wanted = {f"page-{number:03}" for number in range(102)}
    for registration_id in sorted(wanted):
        at_server.out("enrollments", "create", registration_id)
    lines = at_server.out("enrollments", "list").splitlines()
    listed = [json.loads(line)["registrationId"] for line in lines]
    assert wanted <= set(listed)
    assert len(set(listed)) == len(listed)
    assert not any("primaryKey" in line or "secondaryKey" in line for line in lines)


def test_what_is_deleted_is_gone(at_server: Terminal) -> None:
    at_server.out("enrollments", "create", "gone")
    assert at_server.out("enrollments", "delete", "gone") == ""
    for verb in ("show", "delete"):
        assert "404201" in at_server.error("enrollments", verb, "gone")


@pytest.mark.parametrize("registration_id", ["a b", "../policies", "ü", "a/b?c", "x" * 129])
def test_an_id_outside_the_grammar_is_refused_by_the_server(at_server: Terminal, registration_id: str) -> None:
    assert "registrationId" in at_server.error("enrollments", "create", registration_id)


@pytest.mark.parametrize("twin", ["{", "[]", '"text"', "7"])
def test_a_twin_that_is_no_object_is_refused(at_server: Terminal, twin: str) -> None:
    error = at_server.error("enrollments", "create", "no-twin", "--initial-twin", twin)
    assert "--initial-twin" in error
    assert "JSON" in error


@pytest.mark.parametrize("verb", [["create", "x"], ["list"], ["show", "x"], ["delete", "x"]])
def test_without_a_deployment_it_tells_how_to_start_one(nowhere: Terminal, verb: list[str]) -> None:
    error = nowhere.error("enrollments", *verb)
    assert f"homeport up --data-dir {nowhere.data_dir}" in error


def test_a_server_that_is_not_running_is_named(at_server: Terminal, deployment: Deployment, tmp_path: Path) -> None:
    copy = Terminal(tmp_path / "copy")
    shutil.copytree(at_server.data_dir, copy.data_dir)
    (copy.data_dir / "ports.json").write_text('{"https": 1}')
    error = copy.error("enrollments", "list")
    assert deployment.host in error
    assert "Is the server running?" in error
