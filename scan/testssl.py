"""testssl.sh: how it is called, and how its report is read (one JSON object a finding)."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from scan.findings import Finding

_CLONED = Path(__file__).parent / "build" / "testssl.sh" / "testssl.sh"
# Protocols, cipher categories, forward secrecy and groups, server defaults, preferences, vulnerabilities.
_CHECKS = ("--protocols", "--std", "--fs", "--server-defaults", "--server-preference", "--vulnerable")
_HTTP_CHECKS = ("--headers",)
# What each of the checks leaves in the report of any version since 3.0, and the end of a whole run.
_EXPECTED = frozenset({"TLS1_3", "cipherlist_aNULL", "TLS_session_ticket", "cipher_order", "RC4", "scanTime"})
_HTTP_EXPECTED = frozenset({"HTTP_status_code"})


def installed() -> str:
    """The clone of the pinned version, or else the system's own.

    Raises:
        FileNotFoundError: there is none.
    """
    found = str(_CLONED) if _CLONED.is_file() else shutil.which("testssl.sh") or shutil.which("testssl")
    if found is None:
        raise FileNotFoundError("testssl.sh is missing; scripts/install-components scan")
    return found


def command(address: str, port: int, *, is_http: bool, ca_file: Path, report: Path) -> list[str]:
    """The call that examines one port and writes its JSON to `report`, which must not exist."""
    checks = (*_CHECKS, *_HTTP_CHECKS) if is_http else _CHECKS
    how = ("--quiet", "--warnings", "off", "--color", "0", "--openssl-timeout", "10", "--add-ca", str(ca_file))
    return [installed(), *how, *checks, "--jsonfile", str(report), f"{address}:{port}"]


def findings(report: Path, *, is_http: bool) -> Iterable[Finding]:
    """What a report says, and what it does not say: a check that is missing is a finding, too."""
    entries = json.loads(report.read_text()) if report.is_file() else []
    for entry in entries:
        yield Finding(report.stem, entry["id"], entry["severity"], entry["finding"])
    expected = _EXPECTED | _HTTP_EXPECTED if is_http else _EXPECTED
    for name in sorted(expected - {entry["id"] for entry in entries}):
        yield Finding(report.stem, name, "FATAL", "not examined")
