"""What is said and written when a server begins and ends; `test_server.py` has the whole lives."""

import errno
import json
from pathlib import Path

import click
import pytest

from homeport.cli import serving
from homeport.cli.serving import Announcement
from homeport.config import Config, ServerConfig, StorageConfig, TlsConfig
from homeport.deployment.first_start import Deployment
from homeport.endpoints.listening_sockets import BoundSockets

PORTS = {"https": 443, "mqtt": 8883, "amqp": 5671}


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(
        id_scope="0ne0012A3B4",
        device_host="dps.test",
        service_connection_string="HostName=dps.test",
        hub_connection_string="HostName=dps.test",
        ca_file=tmp_path / "ca.pem",
    )


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name in ("server.pem", "server.key"):
        (tmp_path / name).touch()
    return Config(
        tls=TlsConfig(certificate=tmp_path / "server.pem", private_key=tmp_path / "server.key"),
        storage=StorageConfig(path=tmp_path / "homeport.db", sealing_key=tmp_path / "sealing.key"),
        server=ServerConfig(bind=("192.0.2.1",)),
    )


def test_an_announcement_is_taken_back(deployment: Deployment, tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    announcement = Announcement(deployment, ready)
    announcement.make(PORTS)
    assert json.loads((tmp_path / "ports.json").read_text()) == PORTS
    assert json.loads(ready.read_text())["idScope"] == "0ne0012A3B4"
    announcement.take_back()
    assert list(tmp_path.iterdir()) == []
    announcement.take_back()


def refusing(*errors: OSError, tried: list[int]) -> object:
    """In place of the machine's answer to a bind."""
    left = list(errors)

    def bind(config: ServerConfig, *, workers: int) -> list[BoundSockets]:
        tried.append(config.https_port)
        if left:
            raise left.pop(0)
        return [{}] * workers

    return bind


def test_where_443_is_not_allowed_another_port_is_taken_and_told(
    config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: list[int] = []
    not_allowed = OSError(errno.EACCES, "cannot listen on 192.0.2.1 port 443: Permission denied")
    monkeypatch.setattr(serving, "bind_configured", refusing(not_allowed, tried=tried))
    assert len(serving._bound(config, 2, may_fall_back=True)) == 2
    assert tried == [443, 8443]
    assert "HTTPS is on 8443" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EADDRINUSE, "choose other ports"), (errno.EACCES, "above 1023"), (errno.EADDRNOTAVAIL, "Check --bind")],
)
def test_what_cannot_be_bound_is_told_with_what_to_do(
    config: Config, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    monkeypatch.setattr(serving, "bind_configured", refusing(OSError(number, "cannot listen"), tried=[]))
    with pytest.raises(click.ClickException, match=advice):
        serving._bound(config, 1, may_fall_back=False)


def test_a_missing_certificate_is_told_before_anything_is_bound(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    monkeypatch.setattr(serving, "bind_configured", refusing(tried=tried))
    config.tls.certificate.unlink()
    with pytest.raises(click.ClickException, match=r"server\.pem is missing"):
        serving._bound(config, 1, may_fall_back=False)
    assert tried == []
