"""The service API: from an administrator's HTTP request to a verb of `administration/`, and back.

REST: Individual Enrollment, Enrollment Group and Device Registration State operations. Path words come in any
case, with or without a slash behind them; IDs come percent-encoded or raw. Authorization by SAS token comes
first, then the limits of the service, the version, the body. Errors are raised; `web_application.py` shapes them,
names the request and bounds its body.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from homeport import errors
from homeport.administration.enrollment_groups import EnrollmentGroups
from homeport.administration.enrollments import IndividualEnrollments
from homeport.administration.paging import Page
from homeport.administration.preconditions import PutCondition
from homeport.administration.registrations import Registrations
from homeport.administration.services import Services
from homeport.endpoints.http_answer import JSON
from homeport.endpoints.ports import Reports
from homeport.endpoints.throttling import Throttle
from homeport.endpoints.tolerant_routes import table_routes
from homeport.errors import HomeportError
from homeport.model.events import ServiceEvent
from homeport.model.identifiers import (
    EnrollmentGroupId,
    ETag,
    RegistrationId,
    ServiceId,
    folded,
    parse_enrollment_group_id,
    parse_if_match,
    parse_registration_id,
)
from homeport.protocols.conversation import Transport
from homeport.security.authorization import Authorizer, Operation, bare_host
from homeport.wire.api_versions import served_version
from homeport.wire.enrollments import (
    check_query,
    read_enrollment_group,
    read_group_bulk,
    read_individual_bulk,
    read_individual_enrollment,
)
from homeport.wire.paging import read_continuation, read_page_size, write_continuation

T = TypeVar("T")

Answer = tuple[Response, Sequence[ServiceEvent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceApi:
    """The verbs that the routes lead to, and who may use them."""

    services: Services
    enrollments: IndividualEnrollments
    groups: EnrollmentGroups
    registrations: Registrations
    authorizer: Authorizer
    throttle: Throttle
    reporter: Reports

    async def serve(self, request: Request, operation: Operation, verb: "Verb") -> Response:
        """Admit the caller, run the verb, report what happened.

        Raises:
            HomeportError: any refusal.
            StorageUnavailable: the storage does not answer.
        """
        response, events = await verb(self, await self._admit(request, operation))
        self.reporter.report(events, transport=Transport.HTTPS, correlation_id=request.scope["state"]["correlation_id"])
        return response

    async def _admit(self, request: Request, operation: Operation) -> "Call":
        self._count_address(request)
        host = request.headers.get("host", "")
        service = await self.services.by_host(bare_host(host))
        actor = await self.authorizer.authorize(
            service_id=service.service_id,
            authorization=request.headers.get("authorization"),
            host=host,
            operation=operation,
            path=request.scope["path"],
            also_known_as=(service.host_name,),
        )
        self.throttle.service_operation(service.service_id)
        served_version(request.query_params.get("api-version"))
        return Call(request=request, service_id=service.service_id, actor=actor, body=await request.body())

    def _count_address(self, request: Request) -> None:
        if self.throttle.counts_addresses and request.client is not None:
            self.throttle.asked(self.throttle.source(request.client.host))


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """An admitted request: whose service, by which policy, and what it carries."""

    request: Request
    service_id: ServiceId
    actor: str
    body: bytes

    @property
    def registration_id(self) -> RegistrationId:
        """The registration ID in the path."""
        return parse_registration_id(self.request.path_params["id"])

    @property
    def group_id(self) -> EnrollmentGroupId:
        """The group ID in the path."""
        return parse_enrollment_group_id(self.request.path_params["id"])

    @property
    def if_match(self) -> ETag | None:
        """The condition of the request."""
        return parse_if_match(self.request.headers.get("if-match"))

    @property
    def keep_records(self) -> bool:
        """Our addition to the two enrollment deletions: `?registrationRecords=keep` leaves the records."""
        choice = self.request.query_params.get("registrationRecords", "delete").lower()
        if choice not in ("keep", "delete"):
            raise HomeportError(errors.INVALID_REQUEST, "registrationRecords is either keep or delete.")
        return choice == "keep"

    @property
    def json_body(self) -> bytes:
        """The body, if its header says that it is JSON; an empty one needs no header."""
        media_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.body and media_type != "application/json":
            raise HomeportError(errors.UNSUPPORTED_MEDIA_TYPE, "Set its Content-Type header.")
        return self.body


Verb = Callable[[ServiceApi, Call], Awaitable[Answer]]


async def get_individual(api: ServiceApi, call: Call) -> Answer:
    """REST: Individual Enrollment - Get."""
    enrollment, events = await api.enrollments.show(call.service_id, call.registration_id)
    return _json(enrollment), events


async def put_individual(api: ServiceApi, call: Call) -> Answer:
    """REST: Individual Enrollment - Create Or Update. Clients accept 200 only."""
    body = read_individual_enrollment(call.json_body, call.registration_id)
    condition = PutCondition(if_match=call.if_match)
    enrollment, events = await api.enrollments.put(call.service_id, body, condition=condition, actor=call.actor)
    return _json(enrollment), events


async def delete_individual(api: ServiceApi, call: Call) -> Answer:
    """REST: Individual Enrollment - Delete."""
    _, events = await api.enrollments.delete(
        call.service_id,
        call.registration_id,
        if_match=call.if_match,
        keep_records=call.keep_records,
        actor=call.actor,
    )
    return Response(status_code=204), events


async def bulk_individuals(api: ServiceApi, call: Call) -> Answer:
    """REST: Individual Enrollment - Run Bulk Operation. Refused entries still make it a 200."""
    operation = read_individual_bulk(call.json_body)
    result, events = await api.enrollments.bulk(call.service_id, operation, actor=call.actor)
    return _json(result), events


async def query_individuals(api: ServiceApi, call: Call) -> Answer:
    """REST: Individual Enrollment - Query."""
    check_query(call.json_body)
    after, limit = _place(call, "enrollments")
    page, events = await api.enrollments.page(call.service_id, after=after, limit=limit)
    return _paged(page, listing="enrollments", item_type="Enrollment", limit=limit), events


async def get_individual_attestation(api: ServiceApi, call: Call) -> Answer:
    """REST: Individual Enrollment - Get Attestation Mechanism."""
    mechanism, events = await api.enrollments.attestation(call.service_id, call.registration_id, actor=call.actor)
    return _json(mechanism), events


async def get_group(api: ServiceApi, call: Call) -> Answer:
    """REST: Enrollment Group - Get."""
    group, events = await api.groups.show(call.service_id, call.group_id)
    return _json(group), events


async def put_group(api: ServiceApi, call: Call) -> Answer:
    """REST: Enrollment Group - Create Or Update. Clients accept 200 only."""
    body = read_enrollment_group(call.json_body, call.group_id)
    condition = PutCondition(if_match=call.if_match)
    group, events = await api.groups.put(call.service_id, body, condition=condition, actor=call.actor)
    return _json(group), events


async def delete_group(api: ServiceApi, call: Call) -> Answer:
    """REST: Enrollment Group - Delete."""
    _, events = await api.groups.delete(
        call.service_id,
        call.group_id,
        if_match=call.if_match,
        keep_records=call.keep_records,
        actor=call.actor,
    )
    return Response(status_code=204), events


async def bulk_groups(api: ServiceApi, call: Call) -> Answer:
    """REST: Enrollment Group - Run Bulk Operation. Refused groups still make it a 200."""
    operation = read_group_bulk(call.json_body)
    result, events = await api.groups.bulk(call.service_id, operation, actor=call.actor)
    return _json(result), events


async def query_groups(api: ServiceApi, call: Call) -> Answer:
    """REST: Enrollment Group - Query."""
    check_query(call.json_body)
    after, limit = _place(call, "enrollmentGroups")
    page, events = await api.groups.page(call.service_id, after=after, limit=limit)
    return _paged(page, listing="enrollmentGroups", item_type="EnrollmentGroup", limit=limit), events


async def get_group_attestation(api: ServiceApi, call: Call) -> Answer:
    """REST: Enrollment Group - Get Attestation Mechanism."""
    mechanism, events = await api.groups.attestation(call.service_id, call.group_id, actor=call.actor)
    return _json(mechanism), events


async def get_registration(api: ServiceApi, call: Call) -> Answer:
    """REST: Device Registration State - Get."""
    state, events = await api.registrations.show(call.service_id, call.registration_id)
    return _json(state), events


async def delete_registration(api: ServiceApi, call: Call) -> Answer:
    """REST: Device Registration State - Delete."""
    _, events = await api.registrations.delete(
        call.service_id, call.registration_id, if_match=call.if_match, actor=call.actor
    )
    return Response(status_code=204), events


async def query_registrations(api: ServiceApi, call: Call) -> Answer:
    """REST: Device Registration State - Query. The path names a group; a body is neither needed nor read."""
    listing = f"registrations/{folded(call.group_id)}"
    after, limit = _place(call, listing)
    page, events = await api.registrations.page_of_group(call.service_id, call.group_id, after=after, limit=limit)
    return _paged(page, listing=listing, item_type="DeviceRegistration", limit=limit), events


# The words before the IDs, so that an entry called `query` is still reached by GET, PUT and DELETE.
TABLE: tuple[tuple[str, str, Operation, Verb], ...] = (
    ("POST", "/enrollments/query", Operation.QUERY_INDIVIDUAL_ENROLLMENTS, query_individuals),
    (
        "POST",
        "/enrollments/{id}/attestationmechanism",
        Operation.GET_INDIVIDUAL_ATTESTATION,
        get_individual_attestation,
    ),
    ("GET", "/enrollments/{id}", Operation.GET_INDIVIDUAL_ENROLLMENT, get_individual),
    ("PUT", "/enrollments/{id}", Operation.PUT_INDIVIDUAL_ENROLLMENT, put_individual),
    ("DELETE", "/enrollments/{id}", Operation.DELETE_INDIVIDUAL_ENROLLMENT, delete_individual),
    ("POST", "/enrollments", Operation.BULK_INDIVIDUAL_ENROLLMENTS, bulk_individuals),
    ("POST", "/enrollmentGroups/query", Operation.QUERY_ENROLLMENT_GROUPS, query_groups),
    ("POST", "/enrollmentGroups/{id}/attestationmechanism", Operation.GET_GROUP_ATTESTATION, get_group_attestation),
    ("GET", "/enrollmentGroups/{id}", Operation.GET_ENROLLMENT_GROUP, get_group),
    ("PUT", "/enrollmentGroups/{id}", Operation.PUT_ENROLLMENT_GROUP, put_group),
    ("DELETE", "/enrollmentGroups/{id}", Operation.DELETE_ENROLLMENT_GROUP, delete_group),
    ("POST", "/enrollmentGroups", Operation.BULK_ENROLLMENT_GROUPS, bulk_groups),
    ("POST", "/registrations/{id}/query", Operation.QUERY_REGISTRATIONS, query_registrations),
    ("GET", "/registrations/{id}", Operation.GET_REGISTRATION, get_registration),
    ("DELETE", "/registrations/{id}", Operation.DELETE_REGISTRATION, delete_registration),
)


def routes(api: ServiceApi) -> list[BaseRoute]:
    """The routes of the service API, for the router of `WebApplication`."""
    return table_routes(TABLE, api.serve)


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type=JSON)


def _place(call: Call, listing: str) -> tuple[str, int]:
    """Where the page starts, and how long it may be."""
    headers = call.request.headers
    return (
        read_continuation(headers.get("x-ms-continuation"), listing),
        read_page_size(headers.get("x-ms-max-item-count")),
    )


def _paged(page: Page[T], *, listing: str, item_type: str, limit: int) -> Response:
    """A bare array. The item type is required by C# and Java, in this case by C; on the last page any
    continuation, even an empty one, would make Node ask on."""
    response = _json(page.items)
    response.headers["x-ms-item-type"] = item_type
    response.headers["x-ms-max-item-count"] = str(limit)
    if page.next_after is not None:
        response.headers["x-ms-continuation"] = write_continuation(listing, page.next_after)
    return response
