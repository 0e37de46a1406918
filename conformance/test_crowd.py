"""Two hundred devices of one group register at the same moment, from one process of the real client."""

from typing import Any

import pytest

from conformance.conftest import Judges
from conformance.fleet import Fleet, common_request, group_member, new_id
from conformance.matrix import Cell, passing
from conformance.server import Server

DEVICES = 200
PAGE = 60


@pytest.mark.parametrize("cell", passing("provisioning", "group key"), ids=str)
def test_two_hundred_devices_at_once(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    group = fleet.enroll_group()
    crowd = [group_member(group, new_id()) for _ in range(DEVICES)]
    outcomes = device(cell.client).ask(
        "registerMany",
        **common_request(cell, server),
        devices=[{"registrationId": member.registration_id, "symmetricKey": member.symmetric_key} for member in crowd],
    )
    expected = sorted(member.registration_id for member in crowd)
    assert refused(outcomes) == []
    assert sorted(outcome["deviceId"] for outcome in outcomes) == expected
    assert {outcome["assignedHub"] for outcome in outcomes} == {server.hub}
    assert sorted(registered_ids(fleet, group)) == expected


def refused(outcomes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [outcome for outcome in outcomes if outcome.get("status") != "assigned"]


def registered_ids(fleet: Fleet, group: dict[str, Any]) -> list[str]:
    pages = fleet.registered_in(group, page_size=PAGE)
    assert max(len(page) for page in pages) <= PAGE
    return [record["registrationId"] for page in pages for record in page]
