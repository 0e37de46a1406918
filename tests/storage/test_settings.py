"""Services, linked hubs and policies."""

import pytest
from tests.storage.material import HUB, SERVICE, on_storage, policy, put_service

from homeport.model.identifiers import ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.storage.changes import ChangedMeanwhile, DeletePolicy, PutLinkedHub, PutPolicy
from homeport.storage.store import Store


@on_storage
async def test_services_are_listed_as_they_were_put(storage: Store) -> None:
    await storage.apply([put_service(2)])
    assert await storage.settings.services() == [put_service(1).service, put_service(2).service]


@on_storage
async def test_a_service_is_put_once(storage: Store) -> None:
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([put_service(SERVICE)])


@on_storage
async def test_linked_hubs_are_replaced_and_ordered_by_name(storage: Store) -> None:
    first = LinkedHub(service_id=SERVICE, host_name="b.example", connector="embedded")
    drained = LinkedHub(
        service_id=SERVICE,
        host_name="b.example",
        connector="azure",
        allocation_weight=7,
        apply_allocation_policy=False,
    )
    other = LinkedHub(service_id=SERVICE, host_name="a.example", connector="embedded")
    await storage.apply([PutLinkedHub(hub=hub) for hub in (first, drained, other)])
    assert await storage.settings.linked_hubs(SERVICE) == [other, drained]
    assert await storage.settings.linked_hubs(ServiceId(2)) == []


@on_storage
async def test_a_policy_is_found_by_its_name_in_any_case(storage: Store) -> None:
    await storage.apply([PutPolicy(policy=policy("Owner"))])
    assert await storage.settings.policy(SERVICE, "oWNER") == policy("Owner")
    assert await storage.settings.policy(SERVICE, "other") is None


@on_storage
async def test_the_policies_of_a_hub_are_its_own(storage: Store) -> None:
    await storage.apply([PutPolicy(policy=policy("owner")), PutPolicy(policy=policy("owner", HUB))])
    assert await storage.settings.policies(SERVICE) == [policy("owner")]
    assert await storage.settings.policies(SERVICE, HUB) == [policy("owner", HUB)]
    assert await storage.settings.policy(SERVICE, "owner", HUB) == policy("owner", HUB)


@on_storage
async def test_a_policy_is_deleted_by_name_and_only_if_it_is_there(storage: Store) -> None:
    await storage.apply([PutPolicy(policy=policy("owner"))])
    await storage.apply([DeletePolicy(service_id=SERVICE, key_name="OWNER")])
    assert await storage.settings.policies(SERVICE) == []
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([DeletePolicy(service_id=SERVICE, key_name="owner")])
