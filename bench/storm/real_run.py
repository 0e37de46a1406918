"""Running a storm of the load generator: its lines as they come, and what they add up to."""

import json
import signal
import subprocess
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.enrolling import GROUP_KEY
from bench.failures import BenchError
from bench.generator import Generator
from bench.servers.homeport import Homeport
from bench.storm.outcome import Outcome
from bench.storm.resources import Resources, observed

_EVERY = 100
"""Devices between two reports."""


@dataclass(frozen=True, kw_only=True)
class Setbacks:
    """By what attempts ended early, the generator's own share of the machine, how often it had no
    socket left, and how late it was at worst."""

    timeouts: int
    disconnects: int
    errors: int
    client_cpu_seconds: float
    starved: int
    latest_timer: float


@dataclass(frozen=True, kw_only=True)
class RealStorm:
    """What became of a storm; `started` is on the monotonic clock, as the resources' samples are."""

    outcome: Outcome
    setbacks: Setbacks
    resources: Resources
    generator_resources: Resources
    started: float
    whole: "array[float]"
    """From connecting in the successful attempt to `assigned`, the client's own pause before its poll included."""
    most_attempts: int


def run_storm(
    generator: Generator, server: Homeport, plan: Path, devices: int, report: Callable[[int, float], None]
) -> RealStorm:
    """Let the storm loose; `report` hears how many are provisioned, and the time.

    Raises:
        BenchError: the generator could not go on.
    """
    words = ["--id-scope", server.id_scope, "--group-key", GROUP_KEY, "--prefix", "storm-", "--plan", str(plan)]
    command = [str(generator.binary), "storm", server.tls.address, str(server.tls.port), *words]
    lines: list[str] = []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with observed(server.pid) as resources, observed(process.pid) as generator_resources, process:
        try:
            _receive(process, lines, report)
        except KeyboardInterrupt:  # the generator then sums up what there is
            process.send_signal(signal.SIGTERM)
            _receive(process, lines, report)
        complaint = process.stderr.read() if process.stderr else ""
    if process.returncode != 0 or len(lines) < 2:
        raise BenchError(f"The storm broke off: {complaint.strip()}")
    return read_storm(lines, devices, resources, generator_resources)


def _receive(process: "subprocess.Popen[str]", lines: list[str], report: Callable[[int, float], None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if len(lines) % _EVERY == 0:
            report(len(lines) - 1, float(line.split()[1]) if line[0].isdigit() else 0.0)


def read_storm(lines: Iterable[str], devices: int, resources: Resources, generator_resources: Resources) -> RealStorm:
    """A storm from the generator's lines (`load/storm.h`)."""
    first, *rows, last = lines
    summary = json.loads(last)
    columns = [list(map(float, row.split())) for row in rows]
    provisioned_at = array("d", sorted(row[1] for row in columns))
    peak = max(Counter(map(int, provisioned_at)).values(), default=0)
    outcome = Outcome(
        devices=devices,
        weight=1,
        provisioned_at=provisioned_at,
        connecting=array("d", sorted(row[2] for row in columns)),
        queued=array("d", sorted(row[3] for row in columns)),
        served=array("d", sorted(row[4] for row in columns)),
        answered=array("d", sorted(row[3] + row[4] for row in columns)),
        attempts=summary["attempts"],
        handshakes=summary["handshakes"],
        wasted_handshakes=summary["wasted_handshakes"],
        refused=summary["refusals"],
        peak_handshakes=float("nan"),
        peak_provisioned=peak,
        peak_connections=summary["most_connections"],
    )
    fields = ("timeouts", "disconnects", "errors", "client_cpu_seconds", "starved", "latest_timer")
    return RealStorm(
        outcome=outcome,
        setbacks=Setbacks(**{name: summary[name] for name in fields}),
        resources=resources,
        generator_resources=generator_resources,
        started=float(first.split()[1]),
        whole=array("d", sorted(row[5] for row in columns)),
        most_attempts=int(max((row[6] for row in columns), default=0)),
    )
