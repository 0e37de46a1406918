"""Where the data lies: the option, the variable, the platform's folder, and what is wrong with a directory."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from homeport.cli.data_directory import CONFIG_FILE, config_of, data_dir_option, default_directory


@click.command()
@data_dir_option
def where(data_dir: Path) -> None:
    click.echo(data_dir)


def test_the_option_goes_before_the_variable_and_the_variable_before_the_platform() -> None:
    def answer(*arguments: str, **environment: str) -> str:
        return CliRunner(env={"HOMEPORT_DATA_DIR": None, **environment}).invoke(where, arguments).output.strip()

    assert answer() == str(default_directory())
    assert answer(HOMEPORT_DATA_DIR="/from/variable") == "/from/variable"
    assert answer("--data-dir", "/from/option", HOMEPORT_DATA_DIR="/from/variable") == "/from/option"


def test_the_platforms_folder_is_ours() -> None:
    assert default_directory().name == "homeport"


def test_an_empty_directory_is_no_deployment(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=f"homeport up --data-dir {tmp_path}"):
        config_of(tmp_path)


def test_a_broken_configuration_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).write_text("[server]\nport = 1\n")
    with pytest.raises(click.ClickException, match=CONFIG_FILE):
        config_of(tmp_path)
