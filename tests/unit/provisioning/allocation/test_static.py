"""Static allocation: the one hub that the enrollment names."""

import pytest
from tests.unit.administration.world import refused

from homeport import errors
from homeport.model.identifiers import RegistrationId, ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.provisioning.allocation import static

HUBS = [LinkedHub(service_id=ServiceId(1), host_name=name, connector="embedded") for name in ("a.test", "b.test")]


def test_the_only_candidate_is_chosen() -> None:
    assert static.choose(RegistrationId("dev"), HUBS[:1]) is HUBS[0]


@pytest.mark.parametrize("hubs", [[], HUBS])
def test_no_choice_is_made(hubs: list[LinkedHub]) -> None:
    with refused(errors.NO_HUB) as refusal:
        static.choose(RegistrationId("dev"), hubs)
    assert refusal.value.cause == "static_choice"
