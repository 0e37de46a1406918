"""THE catalogue of errors: one row per error, raised from here and shaped alike on every transport.

A row fixes the name, the HTTP status, the hosted service's error code, the sentence that a caller reads and
whether the same request may succeed later. `HomeportError` carries a row through the code together with what
was wrong in this case; `wire/error_body.py` turns it into JSON, and each protocol into its own status. This
module imports nothing of the project and knows no transport.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True, slots=True)
class ErrorRow:
    """One kind of error.

    `code` is the hosted service's form: HTTP status times 1,000 plus a number. `message` is the sentence that
    starts every answer; what was wrong in the case at hand follows it.
    """

    name: str
    status: int
    code: int
    message: str
    retryable: bool = False


class HomeportError(Exception):
    """An error with a row in the catalogue.

    `detail` tells the caller what was wrong in this case and what to do, and must hold no secret. `info` are
    machine-readable facts for the error body. `cause` is the exact reason as one word for log and metrics; it
    never reaches the caller; `subject` is the random key of the data subject, for the log too; `facts` are what an
    operator needs beside the cause (names and dates out of certificates), and neither the caller's nor the log's.
    `retry_after` is in seconds.
    """

    def __init__(
        self,
        row: ErrorRow,
        detail: str = "",
        *,
        info: Mapping[str, str] = MappingProxyType({}),
        cause: str = "",
        subject: str = "",
        retry_after: int | None = None,
        facts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(f"{row.message} {detail}".rstrip())
        self.row = row
        self.info = info
        self.cause = cause or row.name
        self.subject = subject
        self.retry_after = retry_after
        self.facts = facts

    @property
    def message(self) -> str:
        """The row's sentence and the detail, for people."""
        return str(self.args[0])


def _row(name: str, code: int, message: str, *, retryable: bool = False) -> ErrorRow:
    return ErrorRow(name=name, status=code // 1000, code=code, message=message, retryable=retryable)


INVALID_REQUEST = _row("InvalidRequest", 400004, "The request is not valid.")
INVALID_API_VERSION = _row("InvalidApiVersion", 400005, "The api-version is missing or malformed.")
INVALID_IDENTIFIER = _row("InvalidIdentifier", 400006, "The identifier is not valid.")
INVALID_BODY = _row("InvalidBody", 400007, "The body is not valid.")
INVALID_CONTINUATION = _row("InvalidContinuation", 400008, "The continuation token is not valid.")
NOT_OFFERED = _row("NotOffered", 400009, "This server does not offer what was asked for.")
PROOF_REFUSED = _row("ProofRefused", 400010, "The certificate does not prove that the CA's key is held.")
NO_HUB = _row("NoHub", 400208, "No linked hub can take the device.")
HUB_REFUSED = _row("HubRefused", 400209, "The hub refused the device.")
UNAUTHORIZED = _row("Unauthorized", 401000, "The request carries no valid authorization.")
ATTESTATION_FAILED = _row("AttestationFailed", 401002, "Unauthorized.")
TPM_CHALLENGE = _row("TpmChallenge", 401004, "Unauthorized. Activate authenticationKey, and sign with its key.")
ENROLLMENT_DISABLED = _row("EnrollmentDisabled", 401003, "Unauthorized. The enrollment is disabled.")
MISSING_RIGHT = _row("MissingRight", 403001, "The shared access policy lacks the right for this operation.")
NOT_FOUND = _row("NotFound", 404000, "Nothing is here.")
ENROLLMENT_NOT_FOUND = _row("EnrollmentNotFound", 404201, "No such enrollment.")
REGISTRATION_NOT_FOUND = _row("RegistrationNotFound", 404202, "No such registration.")
OPERATION_NOT_FOUND = _row("OperationNotFound", 404203, "No such registration operation.")
DEVICE_NOT_FOUND = _row("DeviceNotFound", 404001, "No such device.")
CA_CERTIFICATE_NOT_FOUND = _row("CaCertificateNotFound", 404204, "No such CA certificate.")
METHOD_NOT_ALLOWED = _row("MethodNotAllowed", 405000, "The method is not allowed here.")
DEVICE_ALREADY_EXISTS = _row("DeviceAlreadyExists", 409001, "A device with this ID exists.")
ALREADY_EXISTS = _row("AlreadyExists", 409201, "An entry with this identifier exists.")
PRECONDITION_CONFLICT = _row("RegistrationConflict", 409203, "The registration changed meanwhile.", retryable=True)
ETAG_MISMATCH = _row("EtagMismatch", 412201, "The etag does not match; read the entry again, then repeat.")
BODY_TOO_LARGE = _row("BodyTooLarge", 413001, "The body is too large.")
UNSUPPORTED_MEDIA_TYPE = _row("UnsupportedMediaType", 415001, "The body must be application/json.")
MISDIRECTED = _row("Misdirected", 421001, "This connection serves other routes.", retryable=True)
UPGRADE_REQUIRED = _row("UpgradeRequired", 426001, "Another version of the protocol is needed.")
THROTTLED = _row("Throttled", 429001, "Too many requests.", retryable=True)
HEADERS_TOO_LARGE = _row("HeadersTooLarge", 431001, "The request line or the headers are too large.")
INTERNAL = _row("Internal", 500001, "The server failed; the log tells why under this tracking ID.", retryable=True)
UNAVAILABLE = _row("Unavailable", 503001, "The service cannot answer at the moment.", retryable=True)


def catalogue() -> tuple[ErrorRow, ...]:
    """Every row, ordered by code; the documentation and the tests walk it."""
    rows = [value for value in globals().values() if isinstance(value, ErrorRow)]
    return tuple(sorted(rows, key=lambda row: row.code))
