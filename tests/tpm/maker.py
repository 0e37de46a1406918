"""A maker of TPMs: swtpm's tools with a CA of their own, who certify the endorsement key of each TPM that they make.

Counterpart: `simulator.py` powers on what was made here. Needs no homeport.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.tpm import simulator
from tests.tpm.commands import Tpm
from tests.tpm.device import ENDORSEMENT_KEY

_FILES = {
    "localca.conf": "statedir = {0}/ca\nsigningkey = {0}/ca/key.pem\nissuercert = {0}/ca/issuer.pem\n"
    "certserial = {0}/ca/serial\n",
    "localca.options": "--tpm-manufacturer id:00001014\n--tpm-model swtpm\n--tpm-version id:20191023\n",
    "setup.conf": "create_certs_tool = {1}\ncreate_certs_tool_config = {0}/localca.conf\n"
    "create_certs_tool_options = {0}/localca.options\n",
}


@dataclass(frozen=True, kw_only=True)
class MadeTpm:
    """A TPM with its maker's papers: the certificate of its endorsement key (DER), and those of the maker (PEM)."""

    certificate: Path
    issuer: Path
    root: Path
    state: Path

    def endorsement_key(self) -> bytes:
        """The TPM2B_PUBLIC that the TPM itself shows."""
        with simulator.powered(self.state) as chip:
            tpm = Tpm(chip)
            tpm.startup()
            return tpm.read_public(ENDORSEMENT_KEY)


def make_tpm(directory: Path) -> MadeTpm:
    """Make one, with everything in this directory; another directory has another maker."""
    local_ca = shutil.which("swtpm_localca")
    assert local_ca is not None, simulator.INSTALL
    for name in ("ca", "state", "certificates"):
        (directory / name).mkdir(parents=True)
    for name, content in _FILES.items():
        (directory / name).write_text(content.format(directory, local_ca))
    call = ["swtpm_setup", "--tpm2", "--tpmstate", directory / "state", "--create-ek-cert"]
    call += ["--config", directory / "setup.conf", "--write-ek-cert-files", directory / "certificates"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return MadeTpm(
        certificate=directory / "certificates" / "ek-rsa2048.crt",
        issuer=directory / "ca" / "issuer.pem",
        root=directory / "ca" / "swtpm-localca-rootca-cert.pem",
        state=directory / "state",
    )
