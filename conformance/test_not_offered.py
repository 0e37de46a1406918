"""What the matrix calls "not offered" is so: the packages themselves are asked, no server is needed."""

import pytest

from conformance.conftest import Judges
from conformance.matrix import MATRIX, Cell

NOT_OFFERED = [cell for cell in MATRIX.cells if cell.status == "not offered"]


def python_offers(cell: Cell, offers: dict[str, list[str]]) -> bool:
    """Over MQTT in both its forms; from a key or a certificate."""
    constructors = {
        "TPM": "create_from_tpm",
        "X.509": "create_from_x509_certificate",
    }
    constructor = constructors.get(cell.attestation.split()[0], "create_from_symmetric_key")
    return cell.transport.split()[0].lower() in offers["protocols"] and constructor in offers["constructors"]


def node_offers(cell: Cell, offers: dict[str, list[str]]) -> bool:
    """A transport offers TPM if it can pass the server's challenge on."""
    return cell.attestation != "TPM" or cell.transport in offers["tpmTransports"]


@pytest.mark.parametrize("cell", NOT_OFFERED, ids=str)
def test_the_client_does_not_offer_it(cell: Cell, device: Judges) -> None:
    judged = python_offers if cell.client.startswith("python") else node_offers
    assert not judged(cell, device(cell.client).ask("offers", role=cell.role))


OFFERED = [cell for cell in MATRIX.cells if cell.status == "passes" and cell.role in ("provisioning", "hub")]


@pytest.mark.parametrize("cell", OFFERED, ids=str)
def test_the_question_can_be_answered_with_yes(cell: Cell, device: Judges) -> None:
    judged = python_offers if cell.client.startswith("python") else node_offers
    assert judged(cell, device(cell.client).ask("offers", role=cell.role))
