"""Runs the client programs and talks to them line by line.

A judge is a process around one unmodified SDK: `conformance/clients/*.py` or `conformance/node/*.js`. Trust in the
server's private CA is given by the environment variables that the SDKs' own libraries read; nothing is patched.
"""

import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent
NODE = ROOT / "conformance" / "node"
ANSWER_SECONDS = 60.0
PROGRAMS = {
    "python-device": "python_device",
    "python-hub-device": "python_device",
    "python-service": "python_service",
    "python-legacy-service": "python_legacy_service",
    "python-registry": "python_registry",
    "node-device": "device.js",
    "node-hub-device": "device.js",
    "node-service": "service.js",
    "node-registry": "registry.js",
    "paho": "paho_peer",
    "mosquitto": "mosquitto_peer",
    "rhea": "rhea_peer.js",
    "qpid-proton": "qpid_proton_peer",
}
"""Client of the matrix → the program that drives it."""


class Refusal(Exception):
    """The SDK raised: what it told its user, and the reply's `status` and `body` where it kept them."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(json.dumps(error, indent=1))
        self.type: str = error["type"]
        self.message: str = error["message"]
        self.causes: list[dict[str, str]] = error["causes"]
        self.status: int | None = error.get("status")
        self.body: Any = error.get("body")


class Judge:
    """One running client program. Use as a context manager."""

    def __init__(self, client: str, ca_file: Path) -> None:
        self.client = client
        self._process = subprocess.Popen(
            _command(PROGRAMS[client]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=_environment(ca_file),
        )

    def ask(self, verb: str, **request: object) -> Any:
        """Put one question. Raises: Refusal when the SDK raised, AssertionError when the program died or hung."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"verb": verb, "request": request}) + "\n")
        self._process.stdin.flush()
        answer = self._answer(verb)
        if "error" in answer:
            raise Refusal(answer["error"])
        return answer["value"]

    def _answer(self, verb: str) -> dict[str, Any]:
        # One answer per question, so nothing can be waiting in the reader's buffer when we select.
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS)
        assert readable, f"{self.client} gave no answer to {verb} within {ANSWER_SECONDS:.0f} s"
        line = self._process.stdout.readline()
        assert line, f"{self.client} died at {verb} with status {self._process.wait(5)}"
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def install_node_packages() -> None:
    """Bring the Node clients in, pinned by the lock file, unless they are there already."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    assert not missing, f"the conformance suite needs {' and '.join(missing)}: install Node.js 18 or later"
    if not (NODE / "node_modules").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-progress"], cwd=NODE, check=True)


def _command(program: str) -> list[str]:
    if program.endswith(".js"):
        return ["node", str(NODE / program)]
    return [sys.executable, "-W", "ignore", "-m", f"conformance.clients.{program}"]


def _environment(ca_file: Path) -> dict[str, str]:
    trust = {"NODE_EXTRA_CA_CERTS": str(ca_file), "REQUESTS_CA_BUNDLE": str(ca_file)}
    return {**os.environ, **trust, "NO_PROXY": "*", "no_proxy": "*"}
