"""`homeport policies`, on the data directory itself, beside the running server."""

from tests.sockets.server_process import Deployment
from tests.unit.cli.terminal import Terminal


def connection(host: str, policy: str, key: str) -> str:
    return f"HostName={host};SharedAccessKeyName={policy};SharedAccessKey={key}"


def test_the_list_has_the_two_that_every_deployment_starts_with(at_server: Terminal, deployment: Deployment) -> None:
    rows = {row["connectionString"]: row["rights"] for row in at_server.json("policies", "list", "--json")}
    service = connection(deployment.host, deployment.service_policy, deployment.service_key)
    hub = connection(deployment.host, deployment.hub_policy, deployment.hub_key)
    assert "EnrollmentWrite" in rows[service]
    assert "RegistryWrite" in rows[hub]
    text = at_server.out("policies", "list")
    assert service in text
    assert rows[hub] in text


def test_a_new_policy_is_printed_as_a_connection_string(at_server: Terminal, deployment: Deployment) -> None:
    text = at_server.out("policies", "create", "reader", "--rights", "EnrollmentRead, RegistrationStatusRead")
    assert text.startswith(f"HostName={deployment.host};SharedAccessKeyName=reader;SharedAccessKey=")
    rows = {row["connectionString"]: row["rights"] for row in at_server.json("policies", "list", "--json")}
    assert rows[text] == "EnrollmentRead, RegistrationStatusRead"


def test_a_hubs_policy(at_server: Terminal, deployment: Deployment) -> None:
    created = at_server.json(
        "policies", "create", "looker", "--rights", "RegistryRead", "--hub", deployment.host, "--json"
    )
    assert created["keyName"] == "looker"
    assert created["connectionString"].startswith(f"HostName={deployment.host};SharedAccessKeyName=looker;")


def test_the_same_name_twice_is_refused(at_server: Terminal) -> None:
    at_server.out("policies", "create", "once", "--rights", "EnrollmentRead")
    assert "exists" in at_server.error("policies", "create", "ONCE", "--rights", "EnrollmentRead")


def test_an_unknown_right_is_answered_with_the_known_ones(at_server: Terminal) -> None:
    error = at_server.error("policies", "create", "odd", "--rights", "EnrollmentRead,Everything")
    assert "Everything" in error
    assert "RegistrationStatusWrite" in error


def test_a_service_policy_cannot_have_a_hubs_right(at_server: Terminal) -> None:
    assert at_server.error("policies", "create", "mixed", "--rights", "RegistryRead")


def test_an_unknown_hub_is_refused(at_server: Terminal) -> None:
    assert at_server.error("policies", "create", "stray", "--rights", "RegistryRead", "--hub", "other.test")


def test_without_a_deployment_it_tells_how_to_start_one(nowhere: Terminal) -> None:
    assert "homeport up" in nowhere.error("policies", "list")
    assert "homeport up" in nowhere.error("policies", "create", "x", "--rights", "EnrollmentRead")
