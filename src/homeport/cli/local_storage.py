"""The database of a data directory, for the verbs that work on the machine itself, beside a running server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from homeport.application import open_storage
from homeport.cli.data_directory import config_of
from homeport.clock import SystemClock
from homeport.config import ConfigError
from homeport.model.provisioning_service import ProvisioningService
from homeport.storage.port import Storage


@asynccontextmanager
async def local_service(directory: Path) -> AsyncIterator[tuple[Storage, ProvisioningService]]:
    """The storage and its provisioning service.

    Raises:
        click.ClickException: there is none; the message says what to do.
    """
    try:
        storage = await open_storage(config_of(directory).storage, clock=SystemClock(), writer_name="command-line")
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    try:
        services = await storage.settings.services()
        if not services:
            raise click.ClickException(f"{directory} holds no provisioning service. Start `homeport up` once.")
        yield storage, services[0]
    finally:
        await storage.close()
