"""`homeport certificates`: the service's CA certificates, on the machine itself; the proof, where the CA's key is."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from homeport.administration.ca_certificates import CaCertificates
from homeport.cli.certificate_file import EXISTING_FILE
from homeport.cli.data_directory import data_dir_option
from homeport.cli.local_storage import local_service
from homeport.clock import SystemClock, SystemRandomness
from homeport.errors import HomeportError
from homeport.model.ca_certificate import CaCertificate
from homeport.model.identifiers import ServiceId
from homeport.security.certificates import CertificateMalformed, parse_certificate
from homeport.security.possession import CaKey, NotProven, sign_proof

T = TypeVar("T")

_ACTOR = "command-line"


@click.group()
def certificates() -> None:
    """Add, verify, list and delete CA certificates.

    Devices of a verified CA register through enrollment groups that name it. Verify one by a proof: `code` prints a
    code, `prove` signs a certificate for it where the CA's key is, `verify` takes that. Or state a reason.
    """


@certificates.command()
@click.argument("name")
@click.argument("file", type=EXISTING_FILE)
@click.option("--verified-because", metavar="REASON", help="Verified at once; the reason goes into the audit log.")
@data_dir_option
def add(name: str, file: Path, verified_because: str | None, data_dir: Path) -> None:
    """Add the CA certificate in FILE (PEM or DER) under NAME."""
    added, _ = _run(
        data_dir,
        lambda verbs, service: verbs.add(service, name, file.read_bytes(), because=verified_because, actor=_ACTOR),
    )
    click.echo(_line(added))
    if not added.is_verified:
        click.echo(f"Next: `homeport certificates code {name}`", err=True)


@certificates.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def list_certificates(as_json: bool, data_dir: Path) -> None:
    """Print each CA certificate: its name, whether it is verified, its end and its subject."""
    found, _ = _run(data_dir, lambda verbs, service: verbs.list(service))
    if as_json:
        click.echo(json.dumps([_shown(each) for each in found]))
        return
    for each in found:
        click.echo(_line(each))


@certificates.command()
@click.argument("name")
@data_dir_option
def show(name: str, data_dir: Path) -> None:
    """Print the CA certificate NAME as JSON."""
    found, _ = _run(data_dir, lambda verbs, service: verbs.show(service, name))
    click.echo(json.dumps(_shown(found), indent=2))


@certificates.command()
@click.argument("name")
@data_dir_option
def code(name: str, data_dir: Path) -> None:
    """Print a fresh verification code for the CA certificate NAME; an open one is void."""
    asked, _ = _run(data_dir, lambda verbs, service: verbs.request_code(service, name, actor=_ACTOR))
    click.echo(asked.verification_code)
    click.echo(
        f"Until {asked.verification_code_expires_at:%Y-%m-%d %H:%M} UTC. Next, where the CA's key is: `homeport "
        f"certificates prove {asked.verification_code} --ca CERTIFICATE --key KEY > proof.pem`, or have a certificate "
        f"issued whose common name is the code. Then here: `homeport certificates verify {name} proof.pem`",
        err=True,
    )


@certificates.command()
@click.argument("name")
@click.argument("proof", type=EXISTING_FILE, required=False)
@click.option("--because", metavar="REASON", help="Instead of a proof; the reason goes into the audit log.")
@data_dir_option
def verify(name: str, proof: Path | None, because: str | None, data_dir: Path) -> None:
    """Verify the CA certificate NAME by the certificate in the file PROOF, or by a reason."""
    if (proof is None) is (because is None):
        raise click.UsageError("Give either the file PROOF or --because REASON.")
    if proof is not None:
        presented = proof.read_bytes()
        verified, _ = _run(data_dir, lambda verbs, service: verbs.verify(service, name, presented, actor=_ACTOR))
    else:
        reason = because or ""
        verified, _ = _run(
            data_dir, lambda verbs, service: verbs.state_verified(service, name, because=reason, actor=_ACTOR)
        )
    click.echo(_line(verified))


@certificates.command()
@click.argument("name")
@data_dir_option
def delete(name: str, data_dir: Path) -> None:
    """Delete the CA certificate NAME; devices register by it no longer."""
    left, _ = _run(data_dir, lambda verbs, service: verbs.delete(service, name, actor=_ACTOR))
    if left.groups:
        click.echo(
            f"Warning: these enrollment groups still name it and let no device in by it: {', '.join(left.groups)}. "
            "Give them another CA certificate, or delete them.",
            err=True,
        )


@certificates.command()
@click.argument("code")
@click.option("--ca", "certificate_file", type=EXISTING_FILE, required=True, help="The CA's certificate, PEM or DER.")
@click.option("--key", "key_file", type=EXISTING_FILE, required=True, help="The CA's private key, PEM.")
def prove(code: str, certificate_file: Path, key_file: Path) -> None:
    """Print a certificate for CODE, signed with the CA's key.

    For the machine that has the key: it asks no server. A passphrase is asked for if the key has one.
    """
    authority, key = _read_ca(certificate_file), _read_key(key_file)
    try:
        proof = sign_proof(authority, key, code, SystemClock().now())
    except NotProven as error:
        raise click.ClickException(str(error)) from error
    except ValueError as error:
        raise click.BadParameter(
            "it is no code that `homeport certificates code` prints.", param_hint="CODE"
        ) from error
    click.echo(proof.decode("ascii"), nl=False)


def _run(directory: Path, verb: Callable[[CaCertificates, ServiceId], Awaitable[T]]) -> T:
    async def run() -> T:
        async with local_service(directory) as (storage, service):
            verbs = CaCertificates(storage=storage, clock=SystemClock(), randomness=SystemRandomness())
            return await verb(verbs, service.service_id)

    try:
        return asyncio.run(run())
    except HomeportError as error:
        raise click.ClickException(error.message) from error


def _line(certificate: CaCertificate) -> str:
    info = certificate.info
    state = f"verified by {certificate.verified_by}" if certificate.is_verified else "not verified"
    return f"{certificate.name}  {state}, until {info.not_after_utc:%Y-%m-%d}  {info.subject_name}"


def _shown(certificate: CaCertificate) -> dict[str, object]:
    """For people and scripts: without the DER and the code, which is printed once."""
    members: dict[str, object] = msgspec.to_builtins(certificate)
    for hidden in ("serviceId", "certificate", "verificationCode", "etag"):
        members.pop(hidden, None)
    return members | {"isVerified": certificate.is_verified}


def _read_ca(file: Path) -> x509.Certificate:
    try:
        return parse_certificate(file.read_bytes()).parsed
    except CertificateMalformed as error:
        raise click.BadParameter(f"{file}: {error}", param_hint="--ca") from error


def _read_key(file: Path) -> CaKey:
    try:
        key = _load_key(file)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise click.BadParameter(
            f"{file} is no private key in PEM, or the passphrase is wrong.", param_hint="--key"
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise click.BadParameter(f"{file} is no key of RSA, of an elliptic curve or of Ed25519.", param_hint="--key")
    return key


def _load_key(file: Path) -> object:
    pem = file.read_bytes()
    try:
        return load_pem_private_key(pem, password=None)
    except TypeError:  # The library's word for: it is encrypted.
        passphrase: str = click.prompt(f"Passphrase of {file}", hide_input=True, err=True)
        return load_pem_private_key(pem, password=passphrase.encode())
