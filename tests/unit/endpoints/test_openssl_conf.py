"""The file that OpenSSL reads; that it works is shown in test_tls.py."""

import os
from pathlib import Path

import pytest

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
