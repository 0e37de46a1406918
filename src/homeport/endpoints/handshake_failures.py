"""Why a TLS handshake failed: one word for the metric, OpenSSL's own text and the kind of network for the log.

What is wrong with a client certificate is judged in attestation, with a reason of its own. Only what OpenSSL cannot
read, or whose key it cannot use, ends here. Counterparts: `tls.py` and `observability/reporter.py`.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from OpenSSL import SSL

_REASONS = {
    "http request": "not_tls",
    "https proxy request": "not_tls",
    "wrong version number": "not_tls",
    "packet length too long": "not_tls",
    "unsupported protocol": "version_not_offered",
    "no shared cipher": "nothing_in_common",
    "no suitable key share": "nothing_in_common",
    "no suitable signature algorithm": "nothing_in_common",
    "no shared signature algorithms": "nothing_in_common",
    # In a server's handshake only the client's certificate is ASN.1: resumption is off.
    "ASN1 lib": "client_certificate_malformed",
    "cert length mismatch": "client_certificate_malformed",
    "wrong curve": "client_certificate_unsupported",
    "wrong signature type": "client_certificate_unsupported",
    "unknown certificate type": "client_certificate_unsupported",
    "bad signature": "client_certificate_unproven",
    "excessive message size": "message_too_large",
}
"""OpenSSL's texts, which are many and change, to our words, which are few and stay."""

_REJECTIONS = ("unknown ca", "bad certificate", "certificate unknown", "certificate expired", "unsupported certificate")


def reason_of(error: SSL.Error) -> tuple[str, str]:
    """The word for the metric, and OpenSSL's texts for the log.

    The client's alert against *our* certificate is a word of its own: a device without the CA is the most common
    failure of all, and the server is where somebody looks.
    """
    texts = _texts(error)
    known = [_REASONS[text] for text in texts if text in _REASONS]
    if not known and _is_rejection(texts):
        known = ["server_certificate_rejected"]
    return (known[0] if known else "tls_error"), ", ".join(dict.fromkeys(texts))


def network_of(address: str) -> str:
    """The kind of network that a peer comes from. The log never holds the address itself: it is personal data."""
    try:
        peer = ip_address(address)
    except ValueError:
        return "unknown"
    if peer.is_loopback:
        return "loopback"
    return "private" if peer.is_private or peer.is_link_local else "public"


def _texts(error: SSL.Error) -> list[str]:
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return [str(entry[-1]) for entry in entries]


def _is_rejection(texts: Iterable[str]) -> bool:
    return any("alert" in text and text.endswith(_REJECTIONS) for text in texts)
