"""A shared access policy can do what its rights say and nothing else, through every service client.

The rule is the hosted service's permission table; policies are made with `homeport policies create` while the
server runs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from conformance.conftest import Judges
from conformance.fleet import Fleet, new_id
from conformance.judges import Judge, Refusal
from conformance.matrix import Cell, passing
from conformance.server import Server

MISSING_RIGHT = 403001
ALLOWED = {
    "EnrollmentRead": {"get", "query"},
    "EnrollmentWrite": {"put", "delete", "attestation"},
    "RegistrationStatusRead": {"getRegistration"},
    "RegistrationStatusWrite": {"deleteRegistration"},
    "EnrollmentRead,RegistrationStatusRead": {"get", "query", "getRegistration"},
}
"""Rights of a policy → what it may do; all other verbs are refused."""
VERBS = sorted(set().union(*ALLOWED.values()))


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Connection strings of policies by their rights, each made when first asked for."""

    server: Server

    @cache  # noqa: B019 - lives as long as the test run
    def connection_string(self, rights: str) -> str:
        created = self.server.command("policies", "create", new_id("policy"), "--rights", rights, "--json")
        return json.loads(created)["connectionString"]


@pytest.fixture(scope="session")
def policies(server: Server) -> Policies:
    return Policies(server=server)


@pytest.mark.parametrize("rights", ALLOWED)
@pytest.mark.parametrize("cell", passing("service", "symmetric key"), ids=str)
def test_rights(cell: Cell, rights: str, policies: Policies, fleet: Fleet, office: Judges) -> None:
    judge, connection_string = office(cell.client), policies.connection_string(rights)
    refused = set(refused_verbs(judge, connection_string, fleet))
    assert refused == set(VERBS) - ALLOWED[rights]


def refused_verbs(judge: Judge, connection_string: str, fleet: Fleet) -> Iterator[str]:
    """The verbs that this connection string may not use, each tried on an enrollment of its own."""
    for verb in VERBS:
        record = fleet.enroll_device()
        request = {"id": record["registrationId"], "record": record, "etag": "*", "pageSize": 1, "pages": 1}
        try:
            judge.ask(verb, kind="enrollment", connectionString=connection_string, **request)
        except Refusal as refusal:
            if refusal.body["errorCode"] == MISSING_RIGHT:
                yield verb
            elif refusal.status != 404:  # 404: allowed, but this device has not registered
                raise
