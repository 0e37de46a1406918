"""The scan's verdict: what fails it, what is accepted, and that silence proves nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from scan.findings import ACCEPTED, HARMLESS, Finding, to_act_on

from scan import sslyze, testssl


def found(severity: str, name: str = "SWEET32") -> Finding:
    return Finding("testssl-https", name, severity, "text")


@pytest.mark.parametrize("severity", ["MEDIUM", "HIGH", "CRITICAL", "WARN", "FATAL"])
def test_what_is_worse_than_low_or_was_not_examined_fails(severity: str) -> None:
    assert to_act_on([found("OK"), found(severity)]) == [found(severity)]


def test_what_is_harmless_passes() -> None:
    assert to_act_on(found(severity) for severity in HARMLESS) == []


def test_what_is_accepted_passes_for_every_certificate() -> None:
    name = next(iter(ACCEPTED))
    assert to_act_on([found("HIGH", name), found("HIGH", f"{name} <hostCert#2>")]) == []
    assert len(to_act_on([found("HIGH", f"{name}_of_another_kind")])) == 1


def test_a_report_of_testssl(tmp_path: Path) -> None:
    report = tmp_path / "testssl-mqtt.json"
    names = ("TLS1_3", "cipherlist_aNULL", "TLS_session_ticket", "cipher_order", "RC4", "scanTime")
    report.write_text(json.dumps([{"id": name, "port": "8883", "severity": "OK", "finding": ""} for name in names]))
    assert to_act_on(testssl.findings(report, is_http=False)) == []
    assert [each.name for each in to_act_on(testssl.findings(report, is_http=True))] == ["HTTP_status_code"]


def test_a_scan_that_was_cut_off_fails(tmp_path: Path) -> None:
    for scanner in (testssl, sslyze):
        bad = to_act_on(scanner.findings(tmp_path / "none.json", is_http=False))
        assert len(bad) > 5
        assert {each.text.partition(" (")[0] for each in bad} == {"not examined"}


GOOD: dict[str, Any] = {
    **{f"{version}_cipher_suites": {"is_tls_version_supported": False} for version in ("ssl_2_0", "ssl_3_0")},
    **{f"{version}_cipher_suites": {"is_tls_version_supported": False} for version in ("tls_1_0", "tls_1_1")},
    "tls_1_2_cipher_suites": {
        "accepted_cipher_suites": [{"cipher_suite": {"name": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}}]
    },
    "tls_1_3_cipher_suites": {"accepted_cipher_suites": [{"cipher_suite": {"name": "TLS_AES_128_GCM_SHA256"}}]},
    "certificate_info": {
        "certificate_deployments": [{"path_validation_results": [{"was_validation_successful": True}]}]
    },
    "tls_compression": {"supports_compression": False},
    "tls_1_3_early_data": {"supports_early_data": False},
    "tls_extended_master_secret": {"supports_ems_extension": True},
    "tls_fallback_scsv": {"supports_fallback_scsv": True},
    "heartbleed": {"is_vulnerable_to_heartbleed": False},
    "openssl_ccs_injection": {"is_vulnerable_to_ccs_injection": False},
    "session_renegotiation": {
        "is_vulnerable_to_client_renegotiation_dos": False,
        "supports_secure_renegotiation": True,
    },
    "session_resumption": {
        "session_id_resumption_result": "NOT_SUPPORTED",
        "tls_ticket_resumption_result": "NOT_SUPPORTED",
    },
    "robot": {"robot_result": "NOT_VULNERABLE_NO_ORACLE"},
    "elliptic_curves": {"supports_ecdh_key_exchange": True},
}
BAD: dict[str, Any] = {
    "ssl_3_0_cipher_suites": {"is_tls_version_supported": True},
    "tls_1_2_cipher_suites": {
        "accepted_cipher_suites": [{"cipher_suite": {"name": "TLS_RSA_WITH_AES_128_GCM_SHA256"}}]
    },
    "certificate_info": {
        "certificate_deployments": [{"path_validation_results": [{"was_validation_successful": False}]}]
    },
    "tls_1_3_early_data": {"supports_early_data": True},
    "session_renegotiation": {
        "is_vulnerable_to_client_renegotiation_dos": True,
        "supports_secure_renegotiation": True,
    },
    "session_resumption": {
        "session_id_resumption_result": "NOT_SUPPORTED",
        "tls_ticket_resumption_result": "FULLY_SUPPORTED",
    },
    "robot": {"robot_result": "VULNERABLE_STRONG_ORACLE"},
}


def report_of_sslyze(directory: Path, answers: dict[str, Any]) -> Path:
    report = directory / "sslyze-https.json"
    results = {name: {"status": "COMPLETED", "result": answer} for name, answer in answers.items()}
    report.write_text(json.dumps({"server_scan_results": [{"scan_result": results}]}))
    return report


@pytest.mark.parametrize("name", list(BAD))
def test_a_bad_answer_to_sslyze_fails(tmp_path: Path, name: str) -> None:
    assert to_act_on(sslyze.findings(report_of_sslyze(tmp_path, GOOD), is_http=True)) == []
    worse = report_of_sslyze(tmp_path, GOOD | {name: BAD[name]})
    assert [each.name for each in to_act_on(sslyze.findings(worse, is_http=True))] == [name]
