"""A CA certificate of a service counts once somebody has vouched for it."""

import pytest
from tests.pki import NOW, make_root

from homeport.model.ca_certificate import CaCertificate, Verification
from homeport.model.identifiers import ETag, ServiceId
from homeport.security.certificates import certificate_info, parse_certificate

ROOT = parse_certificate(make_root().der)


@pytest.mark.parametrize(
    ("how", "verified"), [(None, False), (Verification.PROOF, True), (Verification.STATEMENT, True)]
)
def test_it_is_verified_by_a_proof_or_by_a_statement(how: Verification | None, verified: bool) -> None:
    certificate = CaCertificate(
        service_id=ServiceId(1),
        name="factory",
        certificate=ROOT.der,
        info=certificate_info(ROOT),
        etag=ETag("1"),
        created_at=NOW,
        updated_at=NOW,
        verified_by=how,
    )
    assert certificate.is_verified is verified
