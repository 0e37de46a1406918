"""OpenSSL's many texts, and our few words. Real handshakes that end with them: test_tls.py, test_tls_context.py."""

import pytest
from OpenSSL import SSL

from homeport.endpoints.handshake_failures import network_of, reason_of


def failure(*texts: str) -> SSL.Error:
    return SSL.Error([("SSL routines", "", text) for text in texts])


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["http request"], "not_tls"),
        (["unsupported protocol"], "version_not_offered"),
        (["no shared cipher"], "nothing_in_common"),
        (["wrong tag", "nested asn1 error", "ASN1 lib"], "client_certificate_malformed"),
        (["bad signature"], "client_certificate_unproven"),
        (["excessive message size"], "message_too_large"),
        (["tlsv1 alert unknown ca"], "server_certificate_rejected"),
        (["ssl/tls alert certificate unknown"], "server_certificate_rejected"),
        (["ssl/tls alert handshake failure"], "tls_error"),
        (["something that a later OpenSSL says"], "tls_error"),
    ],
)
def test_a_word_for_the_metric(texts: list[str], reason: str) -> None:
    assert reason_of(failure(*texts))[0] == reason


def test_openssls_texts_for_the_log_each_once() -> None:
    detail = reason_of(failure("wrong tag", "nested asn1 error", "nested asn1 error", "ASN1 lib"))[1]
    assert detail == "wrong tag, nested asn1 error, ASN1 lib"


@pytest.mark.parametrize("error", [SSL.Error(), SSL.Error([]), SSL.Error(-1, "Unexpected EOF")])
def test_an_error_without_a_text(error: SSL.Error) -> None:
    assert reason_of(error) == ("tls_error", "")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("fd00::1", "private"),
        ("fe80::1%eth0", "private"),
        ("8.8.8.8", "public"),
        ("2606:4700::1", "public"),
        ("", "unknown"),
    ],
)
def test_the_kind_of_network(address: str, network: str) -> None:
    assert network_of(address) == network
