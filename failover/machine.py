"""A machine that can be lost: its programs die, hang or end together. Linux only.

A program's descendants are found through /proc; those that have left its tree (Patroni detaches PostgreSQL) are named
by `strays`. The log of all lives of a program is one file.
"""

import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import process_tree

Command = Sequence[str | Path]

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
"""Debian keeps HAProxy where not every user looks."""

OWNER = "postgres"
"""Who PostgreSQL runs as when root starts it, for it refuses root: the user that Debian's package makes."""


@dataclass(kw_only=True)
class Machine:
    """The programs of one machine, by name."""

    name: str
    directory: Path
    programs: dict[str, Command]
    unprivileged: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    strays: Callable[[], Iterable[int]] = tuple
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False)
    _frozen: set[int] = field(default_factory=set, init=False)

    def start(self, *names: str) -> None:
        """Start all programs, or some: for the first time or again."""
        for name in names or self.programs:
            self._running[name] = self._run(name, self.programs[name])

    def kill(self) -> None:
        """`kill -9` of every process: as if the plug were pulled."""
        self._signal(self._hold(), signal.SIGKILL)
        for process in self._running.values():
            process.wait()
        self._running = {}

    def freeze(self) -> None:
        """Stop every process where it is. Connections stay open, and nobody answers on them."""
        self._frozen = self._hold()

    def thaw(self) -> None:
        """Let a frozen machine go on, as if no time had passed."""
        self._signal(self._frozen, signal.SIGCONT)
        self._frozen = set()

    def log(self, program: str) -> str:
        """Everything that a program has written."""
        return self._log_file(program).read_text(encoding="utf-8", errors="replace")

    def _run(self, name: str, command: Command) -> subprocess.Popen[bytes]:
        owner = pwd.getpwnam(OWNER) if self.unprivileged and os.geteuid() == 0 else None
        with self._log_file(name).open("ab") as log:
            # A session of its own: Ctrl-C reaches this program alone, which then switches off the machines.
            return subprocess.Popen(
                command,
                env=os.environ | {"PATH": PATH} | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                user=owner and owner.pw_uid,
                group=owner and owner.pw_gid,
                extra_groups=owner and [],
            )

    def _log_file(self, program: str) -> Path:
        return self.directory / f"{program}.log"

    def _hold(self) -> set[int]:
        """Stop all processes, until none is found that was started meanwhile; which they are."""
        held: set[int] = set()
        while found := self._processes() - held:
            self._signal(found, signal.SIGSTOP)
            held |= found
        return held

    def _processes(self) -> set[int]:
        roots = [process.pid for process in self._running.values() if process.poll() is None]
        return {process for root in (*roots, *self.strays()) for process in process_tree(root)}

    @staticmethod
    def _signal(processes: Iterable[int], number: signal.Signals) -> None:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)
