"""sslyze: how it is called, and how its report is read.

It has no severities. A table says which answers are bad; what it could not examine is bad as well.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from scan.findings import Finding

_PROGRAM = Path(__file__).parent / "build" / "sslyze" / "bin" / "sslyze"
_COMMANDS = (
    *("sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3", "certinfo", "compression", "ems"),
    *("fallback", "heartbleed", "openssl_ccs", "reneg", "resum", "robot", "elliptic_curves"),
)
# It tries early data with a request in HTTP, and takes it for a defect of its own if that is not understood.
_HTTP_COMMANDS = ("early_data",)
_HTTP_ONLY = frozenset({"tls_1_3_early_data"})


def _is_supported(answer: Any) -> bool:
    return bool(answer["is_tls_version_supported"])


_BAD: dict[str, Callable[[Any], bool]] = {
    "ssl_2_0_cipher_suites": _is_supported,
    "ssl_3_0_cipher_suites": _is_supported,
    "tls_1_0_cipher_suites": _is_supported,
    "tls_1_1_cipher_suites": _is_supported,
    "tls_1_2_cipher_suites": lambda answer: not answer["accepted_cipher_suites"] or not _are_modern(answer),
    "tls_1_3_cipher_suites": lambda answer: not answer["accepted_cipher_suites"],
    "certificate_info": lambda answer: not _is_trusted(answer),
    "tls_compression": lambda answer: answer["supports_compression"],
    "tls_1_3_early_data": lambda answer: answer["supports_early_data"],
    "tls_extended_master_secret": lambda answer: not answer["supports_ems_extension"],
    "tls_fallback_scsv": lambda answer: not answer["supports_fallback_scsv"],
    "heartbleed": lambda answer: answer["is_vulnerable_to_heartbleed"],
    "openssl_ccs_injection": lambda answer: answer["is_vulnerable_to_ccs_injection"],
    "session_renegotiation": lambda answer: (
        answer["is_vulnerable_to_client_renegotiation_dos"] or not answer["supports_secure_renegotiation"]
    ),
    "session_resumption": lambda answer: (
        {answer["session_id_resumption_result"], answer["tls_ticket_resumption_result"]} != {"NOT_SUPPORTED"}
    ),
    "robot": lambda answer: not answer["robot_result"].startswith("NOT_VULNERABLE"),
    "elliptic_curves": lambda answer: not answer["supports_ecdh_key_exchange"],
}


def command(address: str, port: int, *, is_http: bool, ca_file: Path, report: Path) -> list[str]:
    """The call that examines one port and writes its JSON to `report`."""
    commands = (*_COMMANDS, *_HTTP_COMMANDS) if is_http else _COMMANDS
    how = ["--mozilla_config", "disable", "--quiet", "--json_out", str(report), "--certinfo_ca_file", str(ca_file)]
    return [str(_PROGRAM), *how, *(f"--{name}" for name in commands), f"{address}:{port}"]


def findings(report: Path, *, is_http: bool) -> Iterable[Finding]:
    """What a report says is bad, or does not say."""
    results = _results(report)
    for name, is_bad in _BAD.items():
        attempt = results.get(name, {"status": "NOT_DONE"})
        if name in _HTTP_ONLY and not is_http:
            continue
        if attempt["status"] != "COMPLETED":
            yield Finding(report.stem, name, "WARN", f"not examined ({attempt['status']})")
        elif is_bad(attempt["result"]):
            yield Finding(report.stem, name, "HIGH", "not as it should be; see the report")
        else:
            yield Finding(report.stem, name, "OK", "as it should be")


def _results(report: Path) -> dict[str, Any]:
    """By the name of a check; nothing if the server could not be reached."""
    if not report.is_file():
        return {}
    servers = json.loads(report.read_text())["server_scan_results"]
    return next((server["scan_result"] for server in servers if server["scan_result"]), {})


def _are_modern(answer: Any) -> bool:
    """Forward secrecy and authenticated encryption in every suite."""
    names = [each["cipher_suite"]["name"] for each in answer["accepted_cipher_suites"]]
    return all(name.startswith("TLS_ECDHE_") and ("_GCM_" in name or "CHACHA20" in name) for name in names)


def _is_trusted(answer: Any) -> bool:
    """Every certificate that the server has leads to its CA."""
    return all(
        any(each["was_validation_successful"] for each in deployment["path_validation_results"])
        for deployment in answer["certificate_deployments"]
    )
