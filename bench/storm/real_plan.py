"""A fleet's plan as the load generator reads it; the format stands in `load/storm_plan.h`."""

from collections.abc import Mapping
from pathlib import Path

from bench.storm.clients import ApplicationLoop, RetryRule, Transport
from bench.storm.fleet import Fleet


def write_plan(
    file: Path,
    fleet: Fleet,
    *,
    ports: Mapping[Transport, int],
    seed: int,
    deadline: float,
    application: ApplicationLoop,
) -> Path:
    """Write it; answer the file. The storm ends at `deadline` at the latest, in seconds."""
    rules = list({rule.name: rule for rule in fleet.clients}.values())
    numbers = {rule.name: number for number, rule in enumerate(rules)}
    with file.open("w") as lines:
        lines.write(f"storm {seed} {deadline} {application.first} {application.longest}\n")
        lines.writelines(_rule(rule, ports[rule.transport]) for rule in rules)
        lines.writelines(
            f"device {time:.6f} {numbers[rule.name]}\n"
            for time, rule in zip(fleet.arrivals, fleet.clients, strict=True)
        )
    return file


def _rule(rule: RetryRule, port: int) -> str:
    times = (rule.shortest, rule.longest, rule.default, rule.jitter, rule.first_poll, rule.request_timeout)
    poll_timeout = rule.poll_timeout or rule.request_timeout
    words = [f"{-1 if time is None else time:g}" for time in (*times, poll_timeout)]
    resends = f"{rule.resends_register:d} {rule.resends_poll:d}"
    return f"rule {port} {rule.transport} {' '.join(words)} {resends}\n"
