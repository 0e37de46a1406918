"""A factory-fresh device finds its way home: what `make run` shows.

Starts `homeport up`, enrolls `my-first-device`, then provisions it with Microsoft's own `azure-iot-device`, which
nobody has changed. The server stays up afterwards; Ctrl-C ends it. Options after `--` go to `homeport up`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from azure.iot.device import IoTHubDeviceClient, ProvisioningDeviceClient
from rich.console import Console

DEVICE = "my-first-device"
HOMEPORT = [sys.executable, "-m", "homeport"]
INITIAL_TWIN = {"tags": {"site": "my-desk"}, "properties": {"desired": {"reportEverySeconds": 30}}}

console = Console(highlight=False)


def step(text: str) -> None:
    """Show one step as it happens."""
    console.print(f"[green]✓[/green] {text}")


def main() -> int:
    """Run the server, show the story, and stay until Ctrl-C."""
    with tempfile.TemporaryDirectory() as directory:
        ready_file = Path(directory) / "ready.json"
        arguments = ["up", "--ready-file", str(ready_file), "--log-level", "warning", *sys.argv[1:]]
        with subprocess.Popen([*HOMEPORT, *arguments]) as server:
            try:
                ready = wait_until_ready(server, ready_file)
                if ready is not None:
                    tell_the_story(ready)
                    console.print("\nThe server stays up. [bold]Ctrl-C[/bold] ends it.")
                return server.wait()
            except KeyboardInterrupt:
                server.send_signal(signal.SIGTERM)
                return server.wait()


def wait_until_ready(server: "subprocess.Popen[bytes]", ready_file: Path) -> dict[str, str] | None:
    """What the server says about itself once all listeners accept; None if it could not start."""
    while server.poll() is None:
        if ready_file.exists():
            return json.loads(ready_file.read_text())
        time.sleep(0.05)
    return None


def tell_the_story(ready: dict[str, str]) -> None:
    """Enroll, register, connect, send, read the twin."""
    ca = Path(ready["caFile"]).read_text()
    key = enroll(Path(ready["caFile"]).parent)
    step(f"enrolled [bold]{DEVICE}[/bold] with a symmetric key")
    registration = ProvisioningDeviceClient.create_from_symmetric_key(
        ready["deviceHost"], DEVICE, ready["idScope"], key, server_verification_cert=ca
    ).register()
    state = registration.registration_state
    step(f"registered with ID scope {ready['idScope']} over MQTT: {registration.status} ({state.sub_status})")
    step(f"assigned to hub [bold]{state.assigned_hub}[/bold] as device [bold]{state.device_id}[/bold]")
    device = IoTHubDeviceClient.create_from_symmetric_key(
        key, state.assigned_hub, state.device_id, server_verification_cert=ca
    )
    device.connect()
    step("connected to the hub with the same key")
    device.send_message(json.dumps({"temperature": 21.5}))
    step("telemetry sent: " + json.dumps({"temperature": 21.5}))
    device.patch_twin_reported_properties({"firmware": "1.0.0"})
    step("twin read:")
    console.print_json(data=device.get_twin())
    device.shutdown()


def enroll(data_dir: Path) -> str:
    """The device's primary key; a second run finds the enrollment of the first."""
    verbs = [*HOMEPORT, "enrollments"]
    options = ["--data-dir", str(data_dir)]
    created = subprocess.run(
        [*verbs, "create", DEVICE, "--keep", "--initial-twin", json.dumps(INITIAL_TWIN), *options],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    return created.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
