"""`up`, `init`, `serve`: a server's whole life from outside, and what is said when it cannot start."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import postgresql
from tests.sockets.server_process import ServerProcess
from tests.unit.cli.terminal import Terminal

ANY_OTHERS = ("--mqtt-port", "0", "--amqp-port", "0")
HOMEPORT = Path(sys.executable).with_name("homeport")


def homeport(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command that has to end by itself."""
    return subprocess.run([HOMEPORT, *arguments], capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def running(*arguments: str | Path, ready: Path) -> Iterator[subprocess.Popen[str]]:
    """A server that is ready; killed if the test has not ended it."""
    process = subprocess.Popen(
        [HOMEPORT, *arguments, "--ready-file", ready], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while not ready.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_up_keeps_its_data_over_a_restart(tmp_path: Path, address: str) -> None:
    server = ServerProcess(tmp_path, address, workers=1)
    try:
        first = server.start()
        server.stop()
        assert server.start() == first
        server.stop()
        log = [json.loads(line)["event"] for line in server.log().splitlines()]
    finally:
        server.end()
    assert log == ["started", "stopping", "stopped"] * 2


def test_a_server_that_has_stopped_leaves_no_traces_of_running(tmp_path: Path, address: str) -> None:
    data, ready = tmp_path / "data", tmp_path / "ready.json"
    with running("up", "--data-dir", data, "--host", address, "--bind", address, ready=ready) as process:
        assert json.loads(ready.read_text())["pid"] == process.pid
        assert (data / "ports.json").exists()
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "homeport is ready" in out
    assert "Traceback" not in err
    assert not ready.exists()
    assert not (data / "ports.json").exists()


def test_init_makes_what_serve_needs(tmp_path: Path, address: str) -> None:
    data, ready = tmp_path / "data", tmp_path / "ready.json"
    made = homeport("init", "--data-dir", data, "--host", address, "--bind", address)
    assert made.returncode == 0
    config = data / "homeport.toml"
    assert f"homeport serve --config {config}" in made.stdout
    id_scope = made.stdout.split()[2]
    with running("serve", "--config", config, ready=ready) as process:
        assert json.loads(ready.read_text())["idScope"] == id_scope
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("homeport.toml", "homeport init"),
        ("homeport.db", "homeport init"),
        ("sealing.key", "backup"),
        ("server.pem", "homeport init"),
        ("server.key", "homeport init"),
    ],
)
def test_serve_makes_nothing_silently(tmp_path: Path, lost: str, said: str) -> None:
    terminal = Terminal(tmp_path)
    terminal.out("init", "--host", "dps.test")
    (tmp_path / lost).unlink()
    for companion in tmp_path.glob("homeport.db-*"):
        companion.unlink()
    ended = homeport("serve", "--config", tmp_path / "homeport.toml")
    assert ended.returncode == 1
    assert lost in ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / lost).exists()


def test_a_taken_port_is_told_with_what_to_do(tmp_path: Path, address: str) -> None:
    with socket.create_server((address, 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = homeport(
            "up", "--data-dir", tmp_path, "--host", address, "--bind", address, "--https-port", port, *ANY_OTHERS
        )
    assert ended.returncode == 1
    assert "choose other ports" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    ended = homeport("up", "--data-dir", tmp_path, "--bind", "192.0.2.1", "--https-port", "0", *ANY_OTHERS)
    assert ended.returncode == 1
    assert "Check --bind" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_host_that_is_none_is_told(tmp_path: Path) -> None:
    error = Terminal(tmp_path).error("init", "--host", "https://dps.test")
    assert "without port or scheme" in error


def test_another_host_on_the_same_data_is_told(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.out("init", "--host", "dps.test")
    assert "--host dps.test" in terminal.error("init", "--host", "other.test")


def test_a_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "--data-dir" in Terminal(tmp_path / "file" / "data").error("init", "--host", "dps.test")


def test_a_database_that_is_none_is_told_without_being_repeated(tmp_path: Path) -> None:
    command = ("init", "--host", "dps.test", "--database", "mysql://me:secret@db.example/homeport")
    said = Terminal(tmp_path / "data").error(*command)
    assert "--database" in said
    assert "secret" not in said


def test_a_copied_directory_serves_the_same_devices(tmp_path: Path, address: str) -> None:
    first = ServerProcess(tmp_path / "one", address)
    first.data_dir.parent.mkdir()
    second = ServerProcess(tmp_path / "two", address)
    try:
        id_scope = first.start().id_scope
        first.stop()
        shutil.copytree(first.data_dir, second.data_dir)
        if postgresql.is_chosen():
            second.database = first.database  # It is in no directory.
        assert second.start().id_scope == id_scope
        second.stop()
    finally:
        first.end()
        second.end()


def test_a_hang_up_loads_new_certificates(tmp_path: Path, address: str) -> None:
    server = ServerProcess(tmp_path, address, workers=1)
    try:
        server.start()
        server.hang_up()
        while "server_certificates_reloaded" not in server.log():
            time.sleep(0.02)
        (server.data_dir / "server.key").write_text("no key")
        server.hang_up()
        while "holds no private key in PEM" not in server.log():
            time.sleep(0.02)
        server.stop()
    finally:
        server.end()
