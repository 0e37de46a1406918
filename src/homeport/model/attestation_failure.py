"""The last time that a device was refused, kept for whoever asks why.

Counterparts: `provisioning/failures.py` collects, `administration/explanations.py` explains.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from homeport.model.identifiers import RegistrationId, ServiceId


class AttestationFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One refusal. `message` is what the device was told, `cause` and `facts` what only the operator may know.

    `is_known` says whether the identifier belonged to a subject: those of strangers are kept apart, and fewer.
    """

    service_id: ServiceId
    registration_id: RegistrationId
    occurred_at: datetime
    is_known: bool
    error_code: int
    cause: str
    message: str
    facts: Mapping[str, str]
    transport: str
    correlation_id: str
