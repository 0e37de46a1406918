"""One registration on every deployment: {SQLite, PostgreSQL} x {one worker, two} x {HTTPS, MQTT} x {SAS, X.509}.

SQLite with one worker is measured beside nginx and Mosquitto by the other cases; here the others are compared with it,
and workers with one worker on the same engine. The kernel deals connections to workers by chance: there are so many
devices that neither runs dry, and twice the operations, for two have to warm up. Only homeport's own processes count;
PostgreSQL's stand in a note.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.device_certificates import Authority, make_authority, make_devices, write_credentials
from bench.enrolling import enroll_signing_group, enroll_symmetric_group
from bench.measurement import CaseResult, Judged, cost_of
from bench.plan import Plan
from bench.registration_rounds import Certify, Side, Turn, take_turns
from bench.servers.homeport import ADDRESS, SECOND_ADDRESS, Homeport, Setup, homeport
from bench.servers.postgresql import FIRST, SECOND, Postgresql, postgresql

_WORKERS_BOUND, _ENGINE_BOUND = 1.15, 1.2


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What is measured, and by `name` the case."""

    protocol: str
    attestation: str
    engine: str = "sqlite"
    workers: int = 1

    @property
    def name(self) -> str:
        """The case's name, as `https-sas-postgresql-2-workers`."""
        engine = "" if self.engine == "sqlite" else f"-{self.engine}"
        workers = "" if self.workers == 1 else f"-{self.workers}-workers"
        return f"{self.protocol}-{self.attestation}{engine}{workers}"

    @property
    def reference(self) -> "Deployment":
        """What it is compared with: two workers with one on the same engine, another engine with SQLite."""
        engine = self.engine if self.workers > 1 else "sqlite"
        return Deployment(protocol=self.protocol, attestation=self.attestation, engine=engine)

    @property
    def title(self) -> str:
        """For the table."""
        engine = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[self.engine]
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        attestation = {"sas": "SAS", "x509": "X.509 chain"}[self.attestation]
        return f"{self.protocol.upper()}, {attestation}: {engine}, {workers}"


def deployments() -> Iterator[Deployment]:
    """Every deployment that has another to be compared with."""
    for protocol, attestation in itertools.product(("https", "mqtt"), ("sas", "x509")):
        for engine, workers in (("sqlite", 2), ("postgresql", 1), ("postgresql", 2)):
            yield Deployment(protocol=protocol, attestation=attestation, engine=engine, workers=workers)


def measure_deployment(plan: Plan, deployment: Deployment) -> CaseResult:
    """Server CPU per registration, a deployment / the one that it is compared with."""
    plan = plan.in_one_thread(devices=4, operations=2)
    directory = plan.workspace / deployment.name
    authority = make_authority() if deployment.attestation == "x509" else None
    certify = None if authority is None else _certify(directory, authority)
    notes: list[str] = []
    with ExitStack() as stack:
        reference, _ = stack.enter_context(
            running_deployment(directory / "reference", deployment.reference, ADDRESS, authority)
        )
        candidate, database = stack.enter_context(
            running_deployment(directory / "candidate", deployment, SECOND_ADDRESS, authority)
        )
        sides = side_of(deployment, reference), side_of(deployment, candidate)
        rounds, _ = take_turns(plan, *sides, certify)
        if database is not None:
            notes.append(_database_note(plan, sides[1], database, certify))
    return CaseResult(
        case=deployment.name,
        title=deployment.title,
        unit="us CPU",
        reference=deployment.reference.title,
        candidate=deployment.title,
        bound=_WORKERS_BOUND if deployment.workers > 1 else _ENGINE_BOUND,
        aim=1.05,
        judged=Judged.RATIO,
        rounds=rounds,
        notes=notes,
    )


DEPLOYMENT_CASES: Mapping[str, Callable[[Plan], CaseResult]] = {
    deployment.name: partial(measure_deployment, deployment=deployment) for deployment in deployments()
}


@contextmanager
def running_deployment(
    directory: Path, deployment: Deployment, address: str, authority: Authority | None
) -> Iterator[tuple[Homeport, Postgresql | None]]:
    """It, and its database if that is a server; with a group for keys, or for the certificates of an authority."""
    with ExitStack() as stack:
        database = None
        if deployment.engine == "postgresql":
            endpoint = FIRST if address == ADDRESS else SECOND
            database = stack.enter_context(postgresql(directory / "postgresql", endpoint))
        setup = Setup(workers=deployment.workers, database=database.url if database else None)
        server = stack.enter_context(homeport(directory / "homeport", address=address, setup=setup))
        if authority is None:
            enroll_symmetric_group(server)
        else:
            enroll_signing_group(server, authority.root.pem)
        yield server, database


def _certify(directory: Path, authority: Authority) -> Certify:
    def certify(prefix: str, count: int) -> Path:
        return write_credentials(directory / f"{prefix}devices.pem", make_devices(prefix, count, authority.device))

    return certify


def side_of(deployment: Deployment, server: Homeport) -> Side:
    """How the generator talks to a server of that deployment."""
    endpoint = server.tls if deployment.protocol == "https" else server.mqtt
    return Side(server=server, endpoint=endpoint, mode=deployment.protocol, id_scope=server.id_scope)


def _database_note(plan: Plan, side: Side, database: Postgresql, certify: Certify | None) -> str:
    """What the database's own processes cost, in a turn of their own."""
    plan.narrator.tell("the database's own cost")
    fleet = Turn.of("database-", plan.settings.operations, certify).fleet(side)
    cost = cost_of(database, lambda: plan.load(side.mode, side.endpoint, fleet, plan.settings.operations))
    return f"PostgreSQL's own processes took {cost.cpu_us:.0f} us CPU a registration"
