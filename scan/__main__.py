"""`python -m scan`: both scanners on all ports at once, their reports in `results/`, and a verdict as exit code."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

from scan import sslyze, testssl
from scan.findings import Finding, acceptance, to_act_on
from scan.server import ADDRESS, Server, run

RESULTS = Path(__file__).parent / "results"
_SECONDS = 900


def main() -> int:
    """0 if nothing is to be acted on."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir()
    with tempfile.TemporaryDirectory(prefix="homeport-scan-") as directory, run(Path(directory)) as server:
        found = _scan(server)
    for accepted in sorted({f"accepted {each.check}: {acceptance(each)}" for each in found if acceptance(each)}):
        print(accepted)
    bad = to_act_on(found)
    for each in bad:
        print(each)
    print(f"{len(found)} findings on {len(server.ports)} ports, {len(bad)} to act on. Reports: {RESULTS}")
    return 1 if bad else 0


def _scan(server: Server) -> list[Finding]:
    with ThreadPoolExecutor(2 * len(server.ports)) as threads:
        return [each for found in threads.map(_examine, *zip(*_examinations(server), strict=True)) for each in found]


def _examinations(server: Server) -> Iterator[tuple[Server, str, ModuleType]]:
    return ((server, name, scanner) for name in server.ports for scanner in (testssl, sslyze))


def _examine(server: Server, name: str, scanner: ModuleType) -> list[Finding]:
    """One scanner on one port. Both exit with other codes than 0 for findings, too: the report is what counts."""
    report = RESULTS / f"{scanner.__name__.rpartition('.')[2]}-{name}.json"
    is_http = name == "https"
    call = scanner.command(ADDRESS, server.ports[name], is_http=is_http, ca_file=server.ca_file, report=report)
    with report.with_suffix(".txt").open("w") as output:
        subprocess.run(call, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=_SECONDS, check=False)
    return list(scanner.findings(report, is_http=is_http))


if __name__ == "__main__":
    sys.exit(main())
