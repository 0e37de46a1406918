"""The `homeport` command: one module per noun, loaded when it is asked for.

Nothing here imports OpenSSL before `server.py` has written its configuration; therefore sub-commands are
loaded by name.
"""

import importlib
from typing import Any

import click

from homeport import __version__

_COMMANDS = {
    "up": ("homeport.cli.server", "up", "Start a development server; makes all it needs."),
    "init": ("homeport.cli.server", "init", "Make keys, certificates and configuration for `serve`."),
    "serve": ("homeport.cli.server", "serve", "Start a server from a configuration file."),
    "enrollments": ("homeport.cli.enrollments", "enrollments", "Create, list, show and delete individual enrollments."),
    "enrollment-groups": (
        "homeport.cli.enrollment_groups",
        "enrollment_groups",
        "Create, list, show and delete enrollment groups.",
    ),
    "certificates": (
        "homeport.cli.certificates",
        "certificates",
        "Add, verify, list and delete CA certificates.",
    ),
    "policies": ("homeport.cli.policies", "policies", "Create and list shared access policies."),
    "explain": ("homeport.cli.explain", "explain", "Say why a device was refused, and what to change."),
    "hub": ("homeport.cli.hub", "hub", "Look at what the embedded hub has received."),
    "database": ("homeport.cli.database", "database", "Migrate, check and copy the database."),
    "audit": ("homeport.cli.audit", "audit", "Verify the audit log."),
}


class _Lazy(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, name, _ = entry
        command: Any = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="homeport")
def main() -> None:
    """homeport: a self-hosted device provisioning service, wire-compatible with Azure IoT Hub DPS.

    Start with `homeport up`: it makes a CA, a server certificate, an ID scope and a hub, and prints what your
    devices and scripts need.
    """
