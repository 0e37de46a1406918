"""The database beside a running server, for verbs that work on the machine itself."""

import asyncio
import base64
from pathlib import Path

import click
import pytest

from homeport.cli.local_storage import local_service
from homeport.config import load
from homeport.deployment.first_start import CONFIG_FILE, ensure_deployment, ensure_files


def opened(directory: Path) -> str:
    async def ask() -> str:
        async with local_service(directory) as (_, service):
            return service.host_name

    return asyncio.run(ask())


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """Files, and no deployment yet."""
    ensure_files(tmp_path, ["dps.test"], ["127.0.0.1"])
    return tmp_path


def test_the_service_of_the_directory(prepared: Path) -> None:
    config = load(prepared / CONFIG_FILE, {})
    asyncio.run(ensure_deployment(config.storage, host="dps.test", ca_file=prepared / "ca.pem"))
    assert opened(prepared) == "dps.test"


def test_an_empty_database_has_none(prepared: Path) -> None:
    with pytest.raises(click.ClickException, match="Start `homeport up` once"):
        opened(prepared)


@pytest.mark.parametrize(
    ("content", "said"),
    [("not base64!", "not base64"), (base64.b64encode(b"short").decode(), "5 bytes instead of 32")],
)
def test_a_broken_sealing_key_is_named(prepared: Path, content: str, said: str) -> None:
    (prepared / "sealing.key").write_text(content)
    with pytest.raises(click.ClickException, match=said):
        opened(prepared)


def test_a_lost_sealing_key_is_to_be_restored(prepared: Path) -> None:
    (prepared / "sealing.key").unlink()
    with pytest.raises(click.ClickException, match="backup"):
        opened(prepared)
