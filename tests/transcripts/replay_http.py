"""Play a client's requests over HTTPS, until it is told that it is assigned."""

from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import Answer, read_answer
from tests.transcripts.client import Client, HttpTranscript, Told
from tests.transcripts.device import Device
from tests.transcripts.streams import request_bytes

POLLS = 20
"""How often a replay asks; the hub in the box answers at the first one."""


def register_over_http(client: Client, transcript: HttpTranscript, device: Device) -> Told:
    """Register and poll on one connection; what the client was told last."""
    with Peer(device.deployment, HTTPS, device.handshake) as peer:
        peer.send(request_bytes(transcript.register, client, device))
        answer = read_answer(peer)
        # C# takes nothing else here (RuntimeRegistration.cs, RegisterDeviceWithHttpMessagesAsync).
        assert answer.status == 202
        told = _read(client, transcript, answer)
        assert told.status == "assigning"
        for _ in range(POLLS):
            peer.send(request_bytes(transcript.poll, client, device, operation=told.operation_id or ""))
            told = _read(client, transcript, read_answer(peer))
            if told.status != "assigning":
                break
    return told


def _read(client: Client, transcript: HttpTranscript, answer: Answer) -> Told:
    # C and Java ask for it, and Node takes nothing else for an answer (http-base, rest_api_client.js).
    assert answer.headers["content-type"].startswith("application/json")
    transcript.reads(answer)
    return client.reads_json(answer.body)
