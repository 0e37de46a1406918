"""Which deployments are compared with which."""

from bench.cases import CASES
from bench.cases.deployments import Deployment, deployments
from bench.cases.two_servers import CONTROL_CASES


def test_every_deployment_is_a_case() -> None:
    names = [deployment.name for deployment in deployments()]
    assert len(set(names)) == 12
    assert set(names) <= set(CASES)


def test_two_workers_with_keys_have_a_control() -> None:
    workers = {deployment.reference.name for deployment in deployments() if deployment.workers == 2}
    assert {name.removesuffix("-two-servers") for name in CONTROL_CASES} == {each for each in workers if "sas" in each}
    assert set(CONTROL_CASES) <= set(CASES)


def test_workers_are_compared_on_their_engine_and_engines_with_one_worker() -> None:
    compared = {deployment.name: deployment.reference.name for deployment in deployments()}
    assert compared["https-sas-2-workers"] == "https-sas"
    assert compared["mqtt-x509-postgresql"] == "mqtt-x509"
    assert compared["https-x509-postgresql-2-workers"] == "https-x509-postgresql"


def test_a_title_tells_all_of_it() -> None:
    deployment = Deployment(protocol="mqtt", attestation="x509", engine="postgresql", workers=2)
    assert deployment.title == "MQTT, X.509 chain: PostgreSQL, 2 workers"
