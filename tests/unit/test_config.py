"""Configuration: the file, the environment over it, and errors that say where and what to do."""

import socket
from pathlib import Path

import msgspec
import pytest

from homeport.config import Config, ConfigError, LimitsProfile, load
from homeport.observability.logging import LogFormat
from homeport.storage.database_url import DatabaseUrl

LEAST = """
[tls]
certificate = "server.pem"
private_key = "/elsewhere/server.key"

[storage]
path = "homeport.db"
sealing_key = "sealing.key"
"""

URL = "postgresql://homeport:secret@db.example/homeport"

# Only together.
RSA_PAIR = {"HOMEPORT_TLS_RSA_CERTIFICATE": "rsa.pem", "HOMEPORT_TLS_RSA_PRIVATE_KEY": "rsa.key"}


def loaded(directory: Path, text: str = LEAST, **environment: str) -> Config:
    file = directory / "homeport.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment)


def test_defaults_are_those_of_a_server_for_this_machine(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert config.server.bind == ("127.0.0.1", "::1")
    assert (config.server.https_port, config.server.mqtt_port, config.server.plain_http_port) == (443, 8883, None)
    assert (config.log.format, config.log.level) == (LogFormat.AUTO, "info")


def test_a_node_is_called_by_its_host_and_has_a_worker_for_each_core(tmp_path: Path) -> None:
    server = loaded(tmp_path).server
    assert server.node_name == socket.gethostname()
    assert server.worker_count >= 1
    server = loaded(tmp_path, LEAST + '[server]\nnode = "north-1"\nworkers = 3\n').server
    assert (server.node_name, server.worker_count) == ("north-1", 3)


@pytest.mark.parametrize("line", ['node = "-north"', 'node = "a b"', f'node = "{"n" * 64}"', "workers = -1"])
def test_what_names_no_node_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"\$\.server"):
        loaded(tmp_path, LEAST + f"[server]\n{line}\n")


@pytest.mark.parametrize(
    ("linger_ms", "workers", "seconds"),
    [("10", 1, 0.01), ("10", 2, 0.02), ("10", 3, 0.03), ("10", 16, 0.03), ("50", 2, 0.05), ("0", 8, 0)],
)
def test_workers_wait_longer_for_company_that_is_divided_among_them(
    tmp_path: Path, linger_ms: str, workers: int, seconds: float
) -> None:
    assert loaded(tmp_path, HOMEPORT_STORAGE_LINGER_MS=linger_ms).storage.linger(workers) == seconds


@pytest.mark.parametrize("linger_ms", ["-1", "1001"])
def test_no_commit_waits_for_ever(tmp_path: Path, linger_ms: str) -> None:
    with pytest.raises(ConfigError, match="linger_ms"):
        loaded(tmp_path, HOMEPORT_STORAGE_LINGER_MS=linger_ms)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = loaded(tmp_path)
    assert config.tls.certificate == tmp_path / "server.pem"
    assert config.tls.private_key == Path("/elsewhere/server.key")
    assert (config.storage.path, config.storage.sealing_key) == (tmp_path / "homeport.db", tmp_path / "sealing.key")


def test_the_file_says_what_it_says(tmp_path: Path) -> None:
    text = LEAST + '[server]\nbind = ["::"]\nhttps_port = 8443\n[log]\nformat = "json"\n[assignment]\nbudget_ms = 5\n'
    config = loaded(tmp_path, text)
    assert (config.server.bind, config.server.https_port) == (("::",), 8443)
    assert (config.log.format, config.assignment.budget_ms) == (LogFormat.JSON, 5.0)


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        LEAST + "[server]\nhttps_port = 8443\n",
        HOMEPORT_SERVER_HTTPS_PORT="9443",
        HOMEPORT_SERVER_BIND="10.0.0.1,::1",
        HOMEPORT_STORAGE_PATH="other.db",
        HOMEPORT_LOG_LEVEL="debug",
        HOMEPORT_ASSIGNMENT_POLL_SECONDS="0.5",
        HOMEPORT_UNKNOWN_THING="is not ours",
    )
    assert (config.server.https_port, config.server.bind) == (9443, ("10.0.0.1", "::1"))
    assert (config.storage.path, config.log.level) == (tmp_path / "other.db", "debug")
    assert config.assignment.poll_seconds == 0.5


@pytest.mark.parametrize("section", msgspec.structs.fields(Config), ids=lambda field: field.name)
def test_every_key_can_be_set_by_the_environment(tmp_path: Path, section: msgspec.structs.FieldInfo) -> None:
    for key in msgspec.structs.fields(section.type):
        name = f"HOMEPORT_{section.name}_{key.name}".upper()
        value = {"format": "json", "profile": "hosted", "url": URL}.get(key.name, "7")
        found = getattr(getattr(loaded(tmp_path, **(RSA_PAIR | {name: value})), section.name), key.name)
        assert found in (7, "7", ("7",), tmp_path / "7", LogFormat.JSON, LimitsProfile.HOSTED, DatabaseUrl(URL))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("this is = = not TOML", "is not TOML"),
        (LEAST + "[server]\nhttp_port = 80\n", "http_port"),
        (LEAST + "[sever]\nhttps_port = 80\n", "sever"),
        (LEAST + '[server]\nhttps_port = "many"\n', "$.server.https_port"),
        (LEAST + '[log]\nformat = "xml"\n', "$.log.format"),
        ("[tls]\ncertificate = 'a'\nprivate_key = 'b'\n", "storage"),
        (LEAST.replace('"homeport.db"', "7"), "$.storage.path"),
        (LEAST.replace('path = "homeport.db"', 'url = "mysql://u:secret@h/d"'), "$.storage.url"),
        (LEAST.replace('path = "homeport.db"', ""), "give one of them"),
        (LEAST + f'url = "{URL}"\n', "give one of them"),
        (LEAST + "[log]\nlevel = 3.5\n[log]\n", "is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        loaded(tmp_path, text)
    assert str(tmp_path / "homeport.toml") in str(refusal.value)
    assert said in str(refusal.value)


def test_a_missing_file_tells_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="homeport init"):
        load(tmp_path / "none.toml", {})


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "homeport.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(file, {})


def test_a_section_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="server"):
        loaded(tmp_path, "server = 3\n" + LEAST, HOMEPORT_SERVER_HTTPS_PORT="8443")


def test_an_rsa_certificate_comes_with_its_key(tmp_path: Path) -> None:
    tls = loaded(tmp_path, **RSA_PAIR).tls
    assert (tls.rsa_certificate, tls.rsa_private_key) == (tmp_path / "rsa.pem", tmp_path / "rsa.key")
    for half, value in RSA_PAIR.items():
        with pytest.raises(ConfigError, match="belong together"):
            loaded(tmp_path, **{half: value})


def test_the_environment_takes_the_place_of_the_other_kind_of_database(tmp_path: Path) -> None:
    storage = loaded(tmp_path, HOMEPORT_STORAGE_URL=URL).storage
    assert (storage.path, storage.url) == (None, DatabaseUrl(URL))
    of_url = LEAST.replace('path = "homeport.db"', f'url = "{URL}"')
    storage = loaded(tmp_path, of_url, HOMEPORT_STORAGE_PATH="h.db").storage
    assert (storage.path, storage.url) == (tmp_path / "h.db", None)


def test_a_password_is_neither_shown_nor_told(tmp_path: Path) -> None:
    assert "secret" not in repr(loaded(tmp_path, LEAST.replace('path = "homeport.db"', f'url = "{URL}"')))
    with pytest.raises(ConfigError) as refusal:
        loaded(tmp_path, HOMEPORT_STORAGE_URL="mysql://homeport:secret@db.example/homeport")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "registrations", "polls", "operations"),
    [
        ("", 0, 600, 0),
        ('[limits]\nprofile = "none"\n', 0, 0, 0),
        ('[limits]\nprofile = "hosted"\n', 1_000, 5, 1_000),
        ('[limits]\nprofile = "hosted"\nregistrations_per_minute = 5_000\n', 5_000, 5, 1_000),
        ('[limits]\nprofile = "hosted"\npolls_per_10_seconds_per_device = 0\n', 1_000, 0, 1_000),
    ],
)
def test_limits_are_the_profiles_unless_they_are_given(
    tmp_path: Path, text: str, registrations: int, polls: int, operations: int
) -> None:
    limits = loaded(tmp_path, LEAST + text).limits
    assert limits.number("registrations_per_minute") == registrations
    assert limits.number("polls_per_10_seconds_per_device") == polls
    assert limits.number("service_operations_per_minute") == operations


@pytest.mark.parametrize(("key", "value"), [("longest_retry_after", 301), ("longest_retry_after", 0), ("keys", -1)])
def test_limits_that_no_sdk_could_follow(tmp_path: Path, key: str, value: int) -> None:
    with pytest.raises(ConfigError, match=key):
        loaded(tmp_path, f"{LEAST}[limits]\n{key} = {value}\n")


def test_a_trusted_proxy_is_an_address_or_a_network(tmp_path: Path) -> None:
    config = loaded(tmp_path, HOMEPORT_SERVER_TRUSTED_PROXIES="10.0.0.7,2001:db8::/64")
    assert [str(each) for each in config.server.trusted_networks] == ["10.0.0.7/32", "2001:db8::/64"]
    with pytest.raises(ConfigError, match=r"trusted_proxies: .*10\.0\.0\.7/24.* write"):
        _ = loaded(tmp_path, HOMEPORT_SERVER_TRUSTED_PROXIES="10.0.0.7/24").server.trusted_networks
