"""The files that operators copy: every value has its place, and they say what the layout says."""

import socket
import stat
from pathlib import Path

import pytest
from failover.database_machines import etcd_api
from failover.layout import ETCD, AlreadyRunning, Layout, Place
from failover.versions import number

from failover import configuration

LAYOUT = Layout.with_members(2)


def test_a_value_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="members"):
        configuration.write("haproxy-database.cfg", tmp_path, address="127.0.0.1")


def test_a_file_with_secrets_is_its_owners_alone(tmp_path: Path) -> None:
    file = configuration.write("homeport.toml", tmp_path, name="n", address="a", url="postgresql://u:secret@h/d")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_every_member_of_the_database_may_be_the_primary(tmp_path: Path) -> None:
    members = configuration.database_servers(LAYOUT.members)
    text = configuration.write("haproxy-database.cfg", tmp_path, address="127.0.0.1", members=members).read_text()
    assert [line.split()[2] for line in text.splitlines() if line.startswith("    server ")] == [
        "127.0.96.31:5432",
        "127.0.96.32:5432",
    ]


def test_a_node_that_is_not_ready_is_asked_if_none_is() -> None:
    ready, other_ready, alive, other_alive = configuration.device_servers(LAYOUT.nodes, 8883).splitlines()
    assert ready.split() == ["server", "node-1", "127.0.96.41:8883", "track", "ready/node-1"]
    assert alive.split() == ["server", "node-1-alive", "127.0.96.41:8883", "track", "alive/node-1", "backup"]
    assert "node-2" in other_ready
    assert "node-2-alive" in other_alive


def test_all_device_ports_are_balanced() -> None:
    ports = configuration.device_ports(LAYOUT.nodes)
    assert {name: lines.split()[2] for name, lines in ports.items()} == {
        "https": "127.0.96.41:443",
        "mqtt": "127.0.96.41:8883",
        "amqp": "127.0.96.41:5671",
    }


def test_commits_wait_for_a_second_disk_without_exception_where_one_is_left() -> None:
    assert not LAYOUT.is_strict
    assert Layout.with_members(3).is_strict


def test_a_second_run_is_refused() -> None:
    layout = Layout(members=[], etcd=[Place("etcd-1", "127.0.96.250")])
    layout.refuse_company()
    with socket.create_server(("127.0.96.250", ETCD)), pytest.raises(AlreadyRunning):
        layout.refuse_company()


def test_no_two_machines_share_an_address() -> None:
    layout = Layout.with_members(3)
    places = [layout.front, *layout.etcd, *layout.members, *layout.nodes]
    assert len({place.address for place in places}) == len({place.name for place in places}) == len(places)


@pytest.mark.parametrize(
    ("patroni", "api"),
    [("2.1.4", "etcd"), ("3.0.2", "etcd"), ("3.0.3", "etcd3"), ("3.1.0", "etcd3"), ("4.1.5", "etcd3")],
)
def test_the_newer_api_is_taken_where_it_is_safe(patroni: str, api: str) -> None:
    assert etcd_api(patroni) == api


def test_a_version_is_found_in_what_a_program_says() -> None:
    assert number("etcd Version: 3.4.23\nGit SHA: x") == "3.4.23"
    assert number("nothing") == "of an unknown version"
