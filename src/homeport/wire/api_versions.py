"""The `api-version` of a request: which are known, and as which one an unknown one is served.

For enrollments with symmetric keys all known versions have the same shape on the wire: newer members are
accepted from everyone and emitted only where they are set, which no older parser minds. So nothing else of
this API asks for the version; what comes to differ belongs here.
"""

import re

from homeport import errors
from homeport.errors import HomeportError

KNOWN = (
    "2017-08-31-preview",
    "2017-11-15",
    "2018-04-01",
    "2018-09-01-preview",
    "2018-11-01",
    "2019-03-31",
    "2021-06-01",
    "2021-10-01",
    "2021-11-01-preview",
    "2025-07-01-preview",
    "2026-11-01",
)

_FORM = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(-preview)?")


def served_version(text: str | None) -> str:
    """The known version as which a request is served: the newest that is not later than the one asked for.

    Raises:
        HomeportError: INVALID_API_VERSION if it is missing or no date.
    """
    if not text:
        raise HomeportError(errors.INVALID_API_VERSION, f"Add ?api-version={KNOWN[-1]} to the URL.", cause="missing")
    if not _FORM.fullmatch(text):
        raise HomeportError(errors.INVALID_API_VERSION, f"Write it as a date, such as {KNOWN[-1]}.", cause="malformed")
    earlier = [version for version in KNOWN if version <= text]
    return earlier[-1] if earlier else KNOWN[0]
