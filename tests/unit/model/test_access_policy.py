"""Policies: rights as the management API calls them, keys out of sight."""

from homeport.model.access_policy import HUB_RIGHTS, PROVISIONING_RIGHTS, AccessRight, SharedAccessPolicy
from homeport.model.identifiers import ServiceId


def test_every_right_belongs_to_a_service_or_to_a_hub() -> None:
    assert set(AccessRight) == PROVISIONING_RIGHTS | HUB_RIGHTS
    assert not PROVISIONING_RIGHTS & HUB_RIGHTS


def test_a_policy_does_not_show_its_keys() -> None:
    policy = SharedAccessPolicy(
        service_id=ServiceId(1),
        key_name="owner",
        primary_key="PRIMARY",
        secondary_key="SECONDARY",
        rights=PROVISIONING_RIGHTS,
    )
    assert repr(policy) == "SharedAccessPolicy('owner', …)"
