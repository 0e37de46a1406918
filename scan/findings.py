"""What a scanner found, and whether it is accepted: the one table of what is so by design.

Whatever is worse than LOW fails the scan, and so does a check that could not be done: it proves nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

HARMLESS = frozenset({"OK", "INFO", "LOW", "DEBUG"})

ACCEPTED = {
    "cert_revocation": "The scanned certificate is of homeport's private CA, which has neither CRL nor OCSP: it is for "
    "development and closed networks, and is replaced by replacing its files.",
    "security_headers": "They tell a browser how to treat a page, and `/` is none: APIs answer here with JSON.",
}
"""testssl.sh's identifiers (without the number of the certificate), each with its reason."""


@dataclass(frozen=True, order=True)
class Finding:
    """One sentence of a scanner about one port; `report` names both."""

    report: str
    name: str
    severity: str
    text: str

    @property
    def check(self) -> str:
        """The name without the certificate's number: testssl.sh says `cert_revocation <hostCert#2>`."""
        return self.name.partition(" ")[0]

    def __str__(self) -> str:
        return f"{self.severity:8} {self.report}: {self.name}: {self.text}"


def acceptance(finding: Finding) -> str | None:
    """Why a finding is accepted although it looks bad, if it is."""
    return ACCEPTED.get(finding.check)


def to_act_on(findings: Iterable[Finding]) -> list[Finding]:
    """What fails the scan, the same sentence once."""
    return sorted({each for each in findings if each.severity not in HARMLESS and acceptance(each) is None})
