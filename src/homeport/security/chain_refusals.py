"""Why a presented chain is refused: a closed list of causes, one sentence each, and the exception that carries one.

The cause is for metrics, tests and the audit log; the sentence and the facts are for whoever has to mend the device or
its PKI. What a caller answers (which error row) is not decided here.
"""

import enum
from collections.abc import Mapping

_LONGEST_FACT = 200


class ChainCause(enum.StrEnum):
    """One word for each reason."""

    # What came over the wire.
    CHAIN_TOO_LONG = "chain_too_long"
    BROKEN_DER = "broken_der"
    DUPLICATE_EXTENSIONS = "duplicate_extensions"
    # No path to a trusted certificate.
    UNKNOWN_ROOT = "unknown_root"
    MISSING_INTERMEDIATE = "missing_intermediate"
    BAD_SIGNATURE = "bad_signature"
    CHAIN_TOO_COMPLEX = "chain_too_complex"
    # The leaf.
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    # A certificate above it.
    CA_EXPIRED = "ca_expired"
    CA_NOT_YET_VALID = "ca_not_yet_valid"
    NOT_A_CA = "not_a_ca"
    PATH_LENGTH_EXCEEDED = "path_length_exceeded"
    NAME_CONSTRAINTS = "name_constraints"
    # Any of them.
    WRONG_EKU = "wrong_eku"
    KEY_USAGE = "key_usage"
    WEAK_SIGNATURE = "weak_signature"
    WEAK_KEY = "weak_key"
    UNKNOWN_CRITICAL_EXTENSION = "unknown_critical_extension"
    PROFILE_VIOLATION = "profile_violation"


MESSAGES: Mapping[ChainCause, str] = {
    ChainCause.CHAIN_TOO_LONG: "The device presents more certificates than are accepted.",
    ChainCause.BROKEN_DER: "A presented certificate cannot be read: its DER is broken.",
    ChainCause.DUPLICATE_EXTENSIONS: "A presented certificate has the same extension more than once.",
    ChainCause.UNKNOWN_ROOT: "The chain ends at a self-signed certificate that is not trusted here.",
    ChainCause.MISSING_INTERMEDIATE: "The chain breaks off: the issuer of its last certificate was not presented and "
    "is not trusted here. Let the device send its intermediates, or upload the issuer.",
    ChainCause.BAD_SIGNATURE: "A certificate was not signed by the certificate that it names as its issuer.",
    ChainCause.CHAIN_TOO_COMPLEX: "There are too many ways through the presented certificates.",
    ChainCause.EXPIRED: "The device's certificate has expired.",
    ChainCause.NOT_YET_VALID: "The device's certificate is not valid yet.",
    ChainCause.CA_EXPIRED: "A CA certificate of the chain has expired.",
    ChainCause.CA_NOT_YET_VALID: "A CA certificate of the chain is not valid yet.",
    ChainCause.NOT_A_CA: "A certificate of the chain that signed another is not a CA certificate.",
    ChainCause.PATH_LENGTH_EXCEEDED: "There are more CA certificates below a CA than it allows.",
    ChainCause.NAME_CONSTRAINTS: "A CA certificate of the chain does not allow a name below it.",
    ChainCause.WRONG_EKU: "A certificate of the chain has extended key usages, and the one that is needed is not among "
    "them: client authentication, for a device.",
    ChainCause.KEY_USAGE: "A certificate's key usage does not allow what its key was used for.",
    ChainCause.WEAK_SIGNATURE: "A certificate is signed with an algorithm that is not accepted; SHA-256 and up are, "
    "with RSA or ECDSA, and Ed25519.",
    ChainCause.WEAK_KEY: "A certificate's key is not accepted; RSA from 2,048 to 8,192 bits, P-256, P-384, P-521 "
    "and Ed25519 are.",
    ChainCause.UNKNOWN_CRITICAL_EXTENSION: "A certificate has a critical extension that is not understood here.",
    ChainCause.PROFILE_VIOLATION: "A CA certificate of the chain breaks the rules of RFC 5280.",
}
"""The sentence of each cause."""


class ChainRefused(Exception):
    """A certificate or chain that is not accepted.

    `facts` say which one, and what about it: names, times and algorithms out of certificates, cut to a length that
    fits into a log line. Nothing in them is secret.
    """

    def __init__(self, cause: ChainCause, **facts: str) -> None:
        super().__init__(MESSAGES[cause])
        self.cause = cause
        self.facts: Mapping[str, str] = {name: value[:_LONGEST_FACT] for name, value in facts.items()}

    @property
    def message(self) -> str:
        """The sentence, without the facts."""
        return MESSAGES[self.cause]
