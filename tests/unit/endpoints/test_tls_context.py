"""What the context agrees to: versions, keys of both kinds, sessions never, and any client certificate."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL
from tests import pki
from tests.unit.endpoints.edge import Identity
from tests.unit.endpoints.memory_tls import VERSIONS, client_context, present, shake_hands

from homeport.endpoints.handshake_failures import reason_of
from homeport.endpoints.tls import client_chain
from homeport.endpoints.tls_context import KeyPair, server_context

BOTH_VERSIONS = pytest.mark.parametrize("version", list(VERSIONS))


def written(directory: Path, name: str, identity: pki.Identity) -> KeyPair:
    pair = KeyPair(directory / f"{name}.pem", directory / f"{name}.key")
    pair.certificate.write_text(identity.chain_pem)
    pair.private_key.write_text(identity.key_pem)
    return pair


@pytest.fixture(scope="module")
def ecdsa(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    return written(tmp_path_factory.mktemp("ecdsa"), "server", pki.make_self_signed("server"))


@pytest.fixture(scope="module")
def rsa_pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    identity = pki.make_self_signed("server", key=pki.make_key("RSA-2048"))
    return written(tmp_path_factory.mktemp("rsa"), "server", identity)


# --- our certificates -----------------------------------------------------------------------------------------


RSA_RATHER_1_2 = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"
RSA_RATHER_1_3 = "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256"


@pytest.mark.parametrize(
    ("version", "ciphers", "signature_algorithms", "kind"),
    [
        pytest.param("1.2", "ECDHE-RSA-AES128-GCM-SHA256", "", rsa.RSAPublicKey, id="1.2, RSA only"),
        pytest.param("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "", ec.EllipticCurvePublicKey, id="1.2, ECDSA only"),
        pytest.param("1.2", RSA_RATHER_1_2, "", ec.EllipticCurvePublicKey, id="1.2, RSA rather"),
        pytest.param("1.3", "", "rsa_pss_rsae_sha256", rsa.RSAPublicKey, id="1.3, RSA only"),
        pytest.param("1.3", "", "ecdsa_secp256r1_sha256", ec.EllipticCurvePublicKey, id="1.3, ECDSA only"),
        pytest.param("1.3", "", RSA_RATHER_1_3, ec.EllipticCurvePublicKey, id="1.3, RSA rather"),
    ],
)  # fmt: skip
def test_a_client_gets_the_certificate_that_it_can_verify(
    ecdsa: KeyPair, rsa_pair: KeyPair, version: str, ciphers: str, signature_algorithms: str, kind: type
) -> None:
    client = client_context(version, ciphers=ciphers, signature_algorithms=signature_algorithms)
    shaken = shake_hands(server_context([ecdsa, rsa_pair]), client)
    assert shaken.error is None
    certificate = shaken.client.get_peer_certificate(as_cryptography=True)
    assert certificate is not None
    assert isinstance(certificate.public_key(), kind)


def test_a_key_that_is_not_the_certificates_is_refused(ecdsa: KeyPair, self_signed: Identity) -> None:
    with pytest.raises(SSL.Error):
        server_context([KeyPair(ecdsa.certificate, self_signed.key)])


@pytest.mark.parametrize(
    ("version", "ciphers", "signature_algorithms"),
    [
        pytest.param("1.2", "ECDHE-ECDSA-AES128-SHA256", "", id="CBC"),
        pytest.param("1.2", "AES128-GCM-SHA256", "", id="no forward secrecy"),
        pytest.param("1.2", "ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa_sha1", id="signed with SHA-1"),
    ],
)
def test_old_cryptography_is_refused(
    ecdsa: KeyPair, rsa_pair: KeyPair, version: str, ciphers: str, signature_algorithms: str
) -> None:
    client = client_context(version, ciphers=ciphers, signature_algorithms=signature_algorithms)
    error = shake_hands(server_context([ecdsa, rsa_pair]), client).error
    assert error is not None
    assert reason_of(error)[0] == "nothing_in_common"


# --- sessions -------------------------------------------------------------------------------------------------


def resuming_context(pair: KeyPair) -> SSL.Context:
    """A server as most are: with tickets."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(pair.certificate))
    context.use_privatekey_file(str(pair.private_key))
    context.set_session_id(b"homeport")
    return context


@BOTH_VERSIONS
def test_an_old_session_gets_a_full_handshake(ecdsa: KeyPair, version: str, tmp_path: Path) -> None:
    """A client may have it from before this server was put in another's place; its certificate is needed anew."""
    device = pki.make_self_signed("device")
    client = present(client_context(version), device.chain, device.key_pem, tmp_path)
    other = resuming_context(ecdsa)
    # OpenSSL forgets the session of a connection that is gone without a farewell.
    first = shake_hands(other, client)
    session = first.client.get_session()
    assert session is not None
    assert shake_hands(other, client, session=session).is_resumed, "the session is good for nothing"

    shaken = shake_hands(server_context([ecdsa]), client, session=session)
    assert shaken.error is None
    assert not shaken.is_resumed
    assert client_chain(shaken.server) == device.chain


@BOTH_VERSIONS
def test_our_own_session_gets_a_full_handshake(ecdsa: KeyPair, version: str) -> None:
    server, client = server_context([ecdsa]), client_context(version)
    first = shake_hands(server, client)
    session = first.client.get_session()
    assert session is not None
    again = shake_hands(server, client, session=session)
    assert again.error is None
    assert not again.is_resumed


# --- client certificates --------------------------------------------------------------------------------------

ROOT = pki.make_root()
RSA_ROOT = pki.make_root("RSA Root", key=pki.make_key("RSA-2048"))
DEVICES = {
    "expired": ROOT.leaf("device", valid=pki.EXPIRED),
    "signed with SHA-1": RSA_ROOT.with_sha1(RSA_ROOT.leaf("device")),
    "RSA-1024": ROOT.leaf("device", key=pki.make_key("RSA-1024")),
    "RSA-4096": ROOT.leaf("device", key=pki.make_key("RSA-4096")),
    "P-384": ROOT.leaf("device", key=pki.make_key("P-384")),
    "P-521": ROOT.leaf("device", key=pki.make_key("P-521")),
    "Ed25519": ROOT.leaf("device", key=pki.make_key("Ed25519")),
    "Ed448": ROOT.leaf("device", key=pki.make_key("Ed448")),
    "20 deep": pki.make_deep_chain(20)[1],
    "forged": pki.forged(ROOT.leaf("device")),
    "version 1": ROOT.with_version_1(ROOT.leaf("device")),
    "long serial number": ROOT.with_long_serial_number(ROOT.leaf("device")),
}


@BOTH_VERSIONS
@pytest.mark.parametrize("kind", list(DEVICES))
def test_what_is_wrong_with_a_certificate_is_left_to_attestation(
    ecdsa: KeyPair, version: str, kind: str, tmp_path: Path
) -> None:
    device = DEVICES[kind]
    client = present(client_context(version), device.chain, device.key_pem, tmp_path)
    shaken = shake_hands(server_context([ecdsa]), client)
    assert shaken.error is None
    assert client_chain(shaken.server) == device.chain


@BOTH_VERSIONS
def test_an_extension_that_stands_twice_is_left_to_attestation(ecdsa: KeyPair, version: str, tmp_path: Path) -> None:
    key = pki.make_key()
    chain = pki.make_root().with_twice_the_same_extension("device", key=key)
    client = present(client_context(version), chain, pki.Identity(ROOT.certificate, key).key_pem, tmp_path)
    shaken = shake_hands(server_context([ecdsa]), client)
    assert shaken.error is None
    assert client_chain(shaken.server) == chain


def test_der_that_openssl_cannot_read_ends_the_handshake(ecdsa: KeyPair, tmp_path: Path) -> None:
    """Exchanged on the way, since no client would load it; in TLS 1.2, where certificates travel in the clear."""
    device = pki.make_self_signed("device")
    client = present(client_context("1.2"), device.chain, device.key_pem, tmp_path)
    shaken = shake_hands(
        server_context([ecdsa]), client, on_the_way=lambda sent: sent.replace(device.der, pki.broken_der(device))
    )
    assert shaken.error is not None
    assert reason_of(shaken.error)[0] == "client_certificate_malformed"


def test_a_curve_that_is_not_offered_ends_the_handshake(ecdsa: KeyPair, tmp_path: Path) -> None:
    """In TLS 1.2; in 1.3 a client sees that it need not present such a certificate, and presents none."""
    device = pki.make_self_signed("device", key=ec.generate_private_key(ec.SECP256K1()))
    client = present(client_context("1.2"), device.chain, device.key_pem, tmp_path)
    error = shake_hands(server_context([ecdsa]), client).error
    assert error is not None
    assert reason_of(error)[0] == "client_certificate_unsupported"


@BOTH_VERSIONS
def test_a_chain_without_end_ends_the_handshake(ecdsa: KeyPair, version: str, tmp_path: Path) -> None:
    device = pki.make_self_signed("device")
    client = present(client_context(version), device.chain * 400, device.key_pem, tmp_path)
    error = shake_hands(server_context([ecdsa]), client).error
    assert error is not None
    assert reason_of(error)[0] == "message_too_large"
