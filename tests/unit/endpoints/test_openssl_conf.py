"""The file that OpenSSL reads, and that it works: in processes of their own, since OpenSSL reads it once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.endpoints.edge import Identity

from homeport.endpoints.openssl_conf import configure_openssl


def test_file_and_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSSL_CONF", "")
    for _ in range(2):
        monkeypatch.setenv("OPENSSL_CONF", "")
        assert configure_openssl(tmp_path)
    assert "NumTickets = 0" in Path(os.environ["OPENSSL_CONF"]).read_text()


def test_administrators_own_configuration_counts_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSSL_CONF", "/etc/fips.cnf")
    assert not configure_openssl(tmp_path)
    assert os.environ["OPENSSL_CONF"] == "/etc/fips.cnf"
    assert list(tmp_path.iterdir()) == []


def with_our_configuration(directory: Path, server: Identity, body: str) -> str:
    """What a script prints that shakes hands with a `server` context made under our configuration."""
    script = f"""
from pathlib import Path
from homeport.endpoints.openssl_conf import configure_openssl
assert configure_openssl(Path({str(directory)!r}))
from OpenSSL import SSL
from homeport.endpoints.tls_context import KeyPair, server_context
from tests.unit.endpoints.memory_tls import client_context, shake_hands
server = server_context([KeyPair(Path({str(server.certificate)!r}), Path({str(server.key)!r}))])
{body}
"""
    environment = {"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_no_session_tickets(server: Identity, tmp_path: Path) -> None:
    body = """
sent = []
note = SSL.Connection.bio_read
SSL.Connection.bio_read = lambda self, size: sent.append((self, note(self, size))) or sent[-1][1]
shaken = shake_hands(server, client_context())
print([talker is shaken.server for talker, _ in sent])
"""
    # Hello of the client, all that the server has to say, the client's end. Tickets would follow.
    assert with_our_configuration(tmp_path, server, body) == "[False, True, False]\n"


@pytest.mark.parametrize(
    ("offered", "agreed"),
    [
        pytest.param("*X25519MLKEM768:*X25519", "X25519MLKEM768", id="hybrid, as OpenSSL and browsers offer it"),
        pytest.param("X25519", "x25519", id="X25519 only"),
        pytest.param("P-256", "secp256r1", id="P-256 only"),
        pytest.param("P-384", "secp384r1", id="P-384 only"),
        pytest.param("X25519:X25519MLKEM768", "x25519", id="a share for X25519, the hybrid if need be"),
        pytest.param("P-256:X25519:X25519MLKEM768", "secp256r1", id="a share for P-256, better ones if need be"),
    ],
)
def test_the_best_group_without_another_round_trip(server: Identity, tmp_path: Path, offered: str, agreed: str) -> None:
    body = f"""
shaken = shake_hands(server, client_context(groups={offered!r}))
print(shaken.error, shaken.server.get_group_name(), shaken.client_hellos)
"""
    said = with_our_configuration(tmp_path, server, body)
    assert said == f"None {agreed} 1\n"
