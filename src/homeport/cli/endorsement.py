"""What `homeport enrollments create` makes of an endorsement key, its certificate, and the certificates of TPM makers.

All of it is checked on this machine, before the enrollment: the service API takes the key alone.
"""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path

import click

from homeport.cli.certificate_file import certificates_in
from homeport.clock import SystemClock
from homeport.security.certificates import Certificate
from homeport.security.chain_refusals import ChainRefused
from homeport.security.endorsement_certificate import certifies, check_maker, endorsement_key_of
from homeport.security.tpm_credential import TpmKeyMalformed


def endorsement_key(key: str | None, certificate_file: Path | None, maker_files: Sequence[Path]) -> str | None:
    """The endorsement key to enroll, in base64: the given one, or the one that the certificate is about.

    Raises:
        click.UsageError: makers without a certificate to check.
        click.ClickException: the certificate is not that key's, or does not stand under one of the makers.
    """
    if certificate_file is None:
        if maker_files:
            raise click.UsageError("--manufacturer-ca checks an --endorsement-certificate; give one.")
        return key
    certificate = _only_one(certificate_file)
    if maker_files:
        _check_maker(certificate, [maker for file in maker_files for maker in certificates_in(file)])
    else:
        click.echo("No --manufacturer-ca: whether a TPM maker signed this certificate was not checked.", err=True)
    return _key_of(certificate) if key is None else _confirmed(key, certificate)


def _only_one(file: Path) -> Certificate:
    certificate, *more = certificates_in(file)
    if more:
        raise click.ClickException(f"{file} holds several certificates; give the TPM's own, and others as makers.")
    return certificate


def _check_maker(certificate: Certificate, makers: Sequence[Certificate]) -> None:
    try:
        maker = check_maker(certificate, makers, now=SystemClock().now())
    except ChainRefused as error:
        raise click.ClickException(_told(error)) from error
    click.echo(f"The certificate stands under {maker.subject_name}.", err=True)


def _key_of(certificate: Certificate) -> str:
    try:
        return base64.b64encode(endorsement_key_of(certificate)).decode()
    except ChainRefused as error:
        raise click.ClickException(_told(error)) from error


def _confirmed(key: str, certificate: Certificate) -> str:
    try:
        if certifies(certificate, base64.b64decode(key, validate=True)):
            return key
    except (TpmKeyMalformed, binascii.Error, ValueError) as error:
        raise click.BadParameter(f"it is no TPM2B_PUBLIC: {error}.", param_hint="--endorsement-key") from error
    raise click.ClickException("The certificate is about another key than --endorsement-key.")


def _told(error: ChainRefused) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
    return f"The endorsement certificate is refused ({error.cause}): {error.message} {facts}".rstrip()
