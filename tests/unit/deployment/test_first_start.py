"""The first start: it makes what is missing, once, and says what is wrong in words that help."""

import asyncio
import base64
from pathlib import Path

import pytest

from homeport import application
from homeport.clock import SystemClock
from homeport.config import Config, ConfigError, load
from homeport.deployment.first_start import (
    CONFIG_FILE,
    Deployment,
    certificate_hosts,
    connection_string,
    describe_deployment,
    ensure_deployment,
    ensure_files,
)
from homeport.storage.database_url import DatabaseUrl

BIND = ["127.0.0.1", "::1"]
FILES = {"ca.key", "ca.pem", "homeport.toml", "sealing.key", "server.key", "server.pem"}


def prepared(directory: Path) -> Config:
    ensure_files(directory, ["dps.test"], BIND)
    return load(directory / CONFIG_FILE, {})


def ensured(directory: Path, host: str | None = "dps.test") -> Deployment:
    config = prepared(directory)
    return asyncio.run(ensure_deployment(config.storage, host=host, ca_file=directory / "ca.pem"))


def test_all_files_are_made_and_secrets_are_private(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "data"
    config = prepared(directory)
    assert {file.name for file in directory.iterdir()} == FILES
    assert directory.stat().st_mode & 0o077 == 0
    assert (directory / "sealing.key").stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode((directory / "sealing.key").read_text())) == 32
    assert config.server.bind == tuple(BIND)
    assert config.tls.certificate == directory / "server.pem"


def test_a_database_of_a_url_is_named_in_a_configuration_that_only_its_owner_reads(tmp_path: Path) -> None:
    url = DatabaseUrl('postgresql://me:se"cret@db.example/homeport')
    ensure_files(tmp_path, ["dps.test"], BIND, database=url)
    assert load(tmp_path / CONFIG_FILE, {}).storage.url == url
    assert (tmp_path / CONFIG_FILE).stat().st_mode & 0o777 == 0o600
    ensure_files(tmp_path, ["dps.test"], BIND, database=url)
    with pytest.raises(ConfigError, match="another database") as refusal:
        ensure_files(tmp_path, ["dps.test"], BIND, database=DatabaseUrl("postgresql://me:secret@db.example/other"))
    assert "cret" not in str(refusal.value)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    url = DatabaseUrl("postgresql://me:secret@127.0.91.99:1/homeport")
    ensure_files(tmp_path, ["dps.test"], BIND, database=url)
    config = load(tmp_path / CONFIG_FILE, {})
    with pytest.raises(ConfigError, match=r"See \[storage\] in the configuration") as refusal:
        asyncio.run(ensure_deployment(config.storage, host="dps.test", ca_file=tmp_path / "ca.pem"))
    assert "secret" not in str(refusal.value)


def test_an_interrupted_start_is_finished_and_nothing_is_made_again(tmp_path: Path) -> None:
    prepared(tmp_path)
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    (tmp_path / CONFIG_FILE).unlink()
    prepared(tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == kept


def test_an_edited_configuration_stays(tmp_path: Path) -> None:
    prepared(tmp_path)
    file = tmp_path / CONFIG_FILE
    file.write_text(file.read_text() + "\n# mine\n")
    prepared(tmp_path)
    assert file.read_text().endswith("# mine\n")


def test_a_lost_sealing_key_is_not_replaced_under_a_database(tmp_path: Path) -> None:
    ensured(tmp_path)
    (tmp_path / "sealing.key").unlink()
    with pytest.raises(ConfigError, match="backup"):
        prepared(tmp_path)
    assert not (tmp_path / "sealing.key").exists()


def test_the_certificate_is_for_the_hosts_and_this_machine() -> None:
    hosts = certificate_hosts(["dps.test", "localhost", "10.0.0.7"])
    assert hosts[:3] == ["dps.test", "localhost", "10.0.0.7"]
    assert {"127.0.0.1", "::1"} < set(hosts)
    assert len(set(hosts)) == len(hosts)


@pytest.mark.parametrize(
    "host", ["", "dps test", "https://dps.test", "dps.test:443", "a..b", "-" * 64, "dps.test/x", "ü.test"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="neither a DNS name nor an IP address"):
        certificate_hosts([host])


def test_a_deployment_has_a_service_and_a_hub_with_their_policies(tmp_path: Path) -> None:
    deployment = ensured(tmp_path)
    assert deployment.id_scope.startswith("0ne")
    assert deployment.device_host == "dps.test"
    assert deployment.service_connection_string.startswith(
        "HostName=dps.test;SharedAccessKeyName=provisioningserviceowner;SharedAccessKey="
    )
    assert deployment.hub_connection_string.startswith("HostName=dps.test;SharedAccessKeyName=iothubowner;")
    assert deployment.ca_file == tmp_path / "ca.pem"


def test_a_second_start_finds_the_first_ones_deployment(tmp_path: Path) -> None:
    assert ensured(tmp_path) == ensured(tmp_path) == ensured(tmp_path, host=None)


def test_another_host_is_refused_because_devices_know_the_first(tmp_path: Path) -> None:
    ensured(tmp_path)
    with pytest.raises(ConfigError, match=r"--host dps\.test"):
        ensured(tmp_path, host="renamed.test")


def test_describing_makes_nothing(tmp_path: Path) -> None:
    config = prepared(tmp_path)
    with pytest.raises(ConfigError, match="homeport init"):
        asyncio.run(describe_deployment(config.storage, ca_file=tmp_path / "ca.pem"))
    made = ensured(tmp_path)
    assert asyncio.run(describe_deployment(config.storage, ca_file=tmp_path / "ca.pem")) == made


def test_a_policy_that_is_gone_can_be_made_again(tmp_path: Path) -> None:
    ensured(tmp_path)
    config = load(tmp_path / CONFIG_FILE, {})

    async def ask() -> str:
        storage = await application.open_storage(config.storage, clock=SystemClock(), writer_name="test")
        try:
            (service,) = await storage.settings.services()
            return await connection_string(storage, service, "no-such-policy")
        finally:
            await storage.close()

    with pytest.raises(ConfigError, match="homeport policies create no-such-policy"):
        asyncio.run(ask())
