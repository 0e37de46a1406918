"""Starting and stopping servers, the guard against strangers on a port, and what nginx answers."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest
from bench.failures import BenchError
from bench.servers import mosquitto
from bench.servers.certificate import CertificateFiles
from bench.servers.nginx import ACCEPTED, ASSIGNED, configuration
from bench.servers.process import Endpoint, refuse_answering, running

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


def test_a_port_that_answers_already_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = Endpoint(*stranger.getsockname())
        with pytest.raises(BenchError, match=str(taken.port)):
            refuse_answering([taken])
    refuse_answering([taken])


def test_a_server_lives_as_long_as_the_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(SLEEP, log=log, is_ready=lambda: log.read_text() == "up\n") as pid:
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such option')"]
    with (
        pytest.raises(BenchError, match="no such option"),
        running(command, log=tmp_path / "log", is_ready=lambda: False),
    ):
        pytest.fail("it must not be taken for ready")


def test_a_server_that_ends_while_it_is_measured_spoils_the_figures(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="ended while it was measured"):
        start_and_kill(tmp_path / "log")


def start_and_kill(log: Path) -> None:
    with running(SLEEP, log=log, is_ready=lambda: log.read_text() == "up\n") as pid:
        os.kill(pid, 9)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_nginx_answers_what_a_registration_answers() -> None:
    accepted, assigned = json.loads(ACCEPTED), json.loads(ASSIGNED)
    assert accepted["status"] == "assigning"
    assert assigned["operationId"] == accepted["operationId"]
    assert assigned["registrationState"]["status"] == "assigned"


def test_nginx_makes_the_same_handshake_as_homeport() -> None:
    text = configuration(Path("/d"), CertificateFiles(Path("/d/c.pem"), Path("/d/k.pem")))
    for line in ("ssl_protocols TLSv1.3;", "ssl_verify_client optional_no_ca;", "ssl_conf_command NumTickets 0;"):
        assert line in text
    assert ACCEPTED in text


def test_mosquitto_demands_certificates_only_where_it_is_given_a_ca(tmp_path: Path) -> None:
    files = CertificateFiles(Path("/d/c.pem"), Path("/d/k.pem"))
    assert "require_certificate" not in mosquitto.configuration(tmp_path, files, None)
    text = mosquitto.configuration(tmp_path, files, "the CA")
    assert "require_certificate true" in text
    assert f"cafile {tmp_path}/client-ca.pem" in text
    assert (tmp_path / "client-ca.pem").read_text() == "the CA"
