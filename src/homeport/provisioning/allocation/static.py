"""Static configuration: the one hub that the enrollment names."""

from collections.abc import Sequence

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.identifiers import RegistrationId
from homeport.model.linked_hub import LinkedHub


def choose(_registration_id: RegistrationId, hubs: Sequence[LinkedHub]) -> LinkedHub:
    """The only candidate.

    Raises:
        HomeportError: NO_HUB when the enrollment leaves a choice.
    """
    if len(hubs) != 1:
        raise HomeportError(
            errors.NO_HUB, "Static allocation needs exactly one hub in the enrollment's iotHubs.", cause="static_choice"
        )
    return hubs[0]
