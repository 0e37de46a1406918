"""The command as a whole: every help reads well, nothing is loaded too early, a wrong word is answered."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from homeport import __version__
from homeport.cli.main import main


def every_command() -> Iterator[tuple[list[str], click.Command]]:
    """All commands with the words that lead to them, from the first to the last."""

    def below(words: list[str], command: click.Command) -> Iterator[tuple[list[str], click.Command]]:
        yield words, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                yield from below([*words, name], child)

    return below([], main)


COMMANDS = list(every_command())


@pytest.mark.parametrize(("words", "command"), COMMANDS, ids=[" ".join(words) or "homeport" for words, _ in COMMANDS])
def test_every_help_reads_well(words: list[str], command: click.Command) -> None:
    result = CliRunner().invoke(main, [*words, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")
    assert (command.help or "").strip().partition("\n")[0].endswith(".")
    assert all(len(line) <= 100 for line in result.output.splitlines())
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            is_choice = isinstance(parameter.type, click.Choice)
            assert parameter.help or is_choice, f"{parameter.opts} says nothing"
            assert parameter.opts[0] in result.output


def test_the_first_screen_names_every_command_and_where_to_start() -> None:
    output = CliRunner().invoke(main, ["-h"]).output
    assert "Start with `homeport up`" in output
    for words, _ in COMMANDS:
        if len(words) == 1:
            assert f"\n  {words[0]} " in output


def test_the_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"homeport, version {__version__}\n"


@pytest.mark.parametrize("words", [["upp"], ["enrollments", "mak"], ["up", "--prot", "1"]])
def test_a_wrong_word_is_answered_with_a_way_on(words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "--help" in result.stderr or "-h" in result.stderr
    assert words[-1] in result.stderr or words[-2] in result.stderr


@pytest.mark.parametrize("module", ["homeport.cli.main", "homeport.cli.server"])
def test_openssl_is_not_loaded_before_its_configuration_is_written(module: str) -> None:
    check = f"import sys, {module}; sys.exit(bool({{'OpenSSL', 'cryptography'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_the_package_is_the_command() -> None:
    call = [sys.executable, "-m", "homeport", "--version"]
    assert __version__ in subprocess.run(call, capture_output=True, text=True, check=True).stdout
