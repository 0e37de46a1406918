"""nginx, the reference for HTTPS: the same TLS, and the two answers of a registration from memory.

One worker. So that both send the same handshake messages, it asks for a client certificate as homeport does
(`optional_no_ca`: any, or none) and hands out no session tickets (`ssl_session_tickets off` alone would still
send two to a TLS 1.3 client, worth some 25 us).
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.failures import BenchError
from bench.servers.certificate import CertificateFiles, make_certificate
from bench.servers.process import Endpoint, Server, refuse_answering, running

TLS = Endpoint("127.77.0.1", 18443)
PLAIN = Endpoint("127.77.0.1", 18080)

OPERATION_ID = "5.0123456789abcdef.00000000-0000-0000-0000-000000000000"
ACCEPTED = f'{{"operationId":"{OPERATION_ID}","status":"assigning"}}'
ASSIGNED = (
    f'{{"operationId":"{OPERATION_ID}","status":"assigned","registrationState":{{'
    '"registrationId":"bench-00000000","createdDateTimeUtc":"2026-01-01T00:00:00.0000000Z",'
    '"assignedHub":"127.77.0.1","deviceId":"bench-00000000","status":"assigned","substatus":"initialAssignment",'
    '"lastUpdatedDateTimeUtc":"2026-01-01T00:00:00.0000000Z","etag":"IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAi",'
    '"symmetricKey":{}}}'
)

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    default_type "application/json; charset=utf-8";
    server {{
        listen {plain};
        listen {tls} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        ssl_verify_client optional_no_ca;
        ssl_session_tickets off;
        ssl_conf_command NumTickets 0;
        ssl_session_cache off;
        location ~ /register$ {{ return 202 '{accepted}'; }}
        location ~ /operations/ {{ return 200 '{assigned}'; }}
    }}
}}
"""


@contextmanager
def nginx(directory: Path) -> Iterator[Server]:
    """nginx while the block runs. Raises `BenchError` when it is not installed or its ports are taken."""
    binary = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if binary is None:
        raise BenchError("nginx is the reference for HTTPS: install it (Debian: nginx-light).")
    refuse_answering([TLS, PLAIN])
    directory.mkdir(parents=True)
    file = directory / "nginx.conf"
    file.write_text(configuration(directory, make_certificate(directory, TLS.address)))
    command = [binary, "-p", str(directory), "-c", str(file)]
    with running(command, log=directory / "nginx.log", is_ready=TLS.answers) as pid:
        yield Server("nginx", pid, TLS, PLAIN)


def configuration(directory: Path, files: CertificateFiles) -> str:
    """The text of nginx.conf."""
    return CONFIGURATION.format(
        directory=directory,
        tls=TLS,
        plain=PLAIN,
        certificate=files.certificate,
        key=files.key,
        accepted=ACCEPTED,
        assigned=ASSIGNED,
    )
