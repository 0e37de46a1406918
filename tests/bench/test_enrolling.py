"""Keys and tokens of the benchmark, against what the documentation and other clients compute."""

from bench.enrolling import device_key, service_token


def test_a_device_key_is_derived_as_documented() -> None:
    """The vector of Microsoft's page on symmetric key attestation."""
    key = device_key(
        "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6",
        group_key="8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==",
    )
    assert key == "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc="


def test_a_service_token_names_host_expiry_and_policy() -> None:
    connection_string = "HostName=dps.example;SharedAccessKeyName=provisioningserviceowner;SharedAccessKey=a2V5PT0="
    token = service_token(connection_string, expiry=1_800_000_000)
    assert token == (
        "SharedAccessSignature sr=dps.example&sig=4jV32qqGhRqCEVOnP1mhyqFezkcIry0CjhiVolwBQt0%3D"
        "&se=1800000000&skn=provisioningserviceowner"
    )
