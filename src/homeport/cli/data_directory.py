"""Where a development server keeps its data, and how its neighbours on the command line find it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import platformdirs

from homeport.config import Config, ConfigError, load

F = TypeVar("F", bound=Callable[..., Any])

CONFIG_FILE = "homeport.toml"


def default_directory() -> Path:
    """The platform's folder for user data."""
    return Path(platformdirs.user_data_dir("homeport", appauthor=False))


def data_dir_option(command: F) -> F:
    """`--data-dir`, with the platform's folder as default."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=default_directory,
        show_default="the platform's data folder",
        envvar="HOMEPORT_DATA_DIR",
        help="Where the server keeps database, keys and certificates.",
    )(command)


def config_of(directory: Path) -> Config:
    """The configuration of a data directory.

    Raises:
        click.ClickException: there is none; the message says what to do.
    """
    file = directory / CONFIG_FILE
    if not file.is_file():
        raise click.ClickException(
            f"{directory} holds no homeport data. Start with `homeport up --data-dir {directory}`."
        )
    try:
        return load(file)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
