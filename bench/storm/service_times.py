"""What each step costs a worker when nobody has measured it just now: from the benchmark and the storms in results/.

`python -m bench.storm.real` measures them anew and leaves them beside its report; `--calibration` takes them there.
"""

import json
from dataclasses import asdict
from pathlib import Path

from bench.storm.deployment import ServiceTimes

PUBLISHED = ServiceTimes(handshake=370e-6, register=169e-6, poll=80e-6, refusal=80e-6)
"""HTTPS with SAS on a core of the benchmark's machine (results/2026-11-24-2-core-amd-epyc.md): 619 us in all, of which
249 us remain without TLS; a look-up is taken for a third of these. A worker with a core to itself."""


def read_times(file: Path) -> ServiceTimes:
    """The times that a real storm left.

    Raises:
        ValueError: the file holds none.
    """
    try:
        return ServiceTimes(**json.loads(file.read_text())["times"])
    except (OSError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not what a real storm leaves: {error}") from error


def as_json(times: ServiceTimes) -> dict[str, float]:
    """For `read_times`."""
    return asdict(times)
