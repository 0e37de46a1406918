"""Commands as a person types them, in this process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from homeport.cli.main import main


@dataclass
class Terminal:
    """Runs `homeport` commands on one data directory."""

    data_dir: Path

    def run(self, *arguments: str) -> Result:
        """A command, whatever becomes of it; a traceback is a defect, never an answer."""
        result = CliRunner().invoke(main, [*arguments, "--data-dir", str(self.data_dir)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def out(self, *arguments: str) -> str:
        """What a command prints that has to succeed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    def json(self, *arguments: str) -> Any:
        """The same, of a command that prints JSON."""
        return json.loads(self.out(*arguments))

    def error(self, *arguments: str) -> str:
        """What a command says that has to fail."""
        result = self.run(*arguments)
        assert result.exit_code != 0, result.output
        assert result.stdout == ""
        return " ".join(result.stderr.split())
