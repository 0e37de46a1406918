"""A real HAProxy in front of a server, in TCP mode, that names its peers by the PROXY protocol."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from tests.sockets.peer import AMQP, HTTPS, MQTT

_READY_SECONDS = 30


@contextmanager
def haproxy(directory: Path, *, front: str, source: str, server: str, header: str) -> Iterator[None]:
    """HAProxy on `front`, which connects to `server` from `source` with a header (`send-proxy` or `send-proxy-v2`)."""
    configuration = directory / "haproxy.cfg"
    configuration.write_text(_configuration(front, source, server, header))
    program = which("haproxy") or "/usr/sbin/haproxy"
    subprocess.run([program, "-c", "-q", "-f", configuration], check=True, timeout=_READY_SECONDS)
    process = subprocess.Popen([program, "-db", "-W", "-q", "-f", configuration], start_new_session=True)
    try:
        _wait_until_it_listens(process, front)
        yield
    finally:
        process.terminate()
        process.wait(_READY_SECONDS)


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", front: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "HAProxy has ended"
        try:
            socket.create_connection((front, AMQP)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("HAProxy does not listen")


def _configuration(front: str, source: str, server: str, header: str) -> str:
    lines = ["defaults", "mode tcp", "timeout connect 5s", "timeout client 60s", "timeout server 60s"]
    for port in (HTTPS, MQTT, AMQP):
        lines += [f"listen port-{port}", f"bind {front}:{port}"]
        lines += [f"server homeport {server}:{port} source {source} {header}"]
    return "\n".join(lines) + "\n"
