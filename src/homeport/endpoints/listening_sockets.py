"""The sockets that a node listens on: bound before anybody speaks there, one set for each of its workers.

Whoever binds them may hand a set on to another process. The sets of one node share their ports (SO_REUSEPORT): the
kernel spreads new connections among those that listen. As long as one process holds a socket its queue lives, so a
worker that ends leaves what has knocked to the next one. Counterpart: `listeners.py`, which accepts.
"""

import errno
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

_IPV6_LOOPBACK = "::1"
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

BoundSockets = Mapping[str, Sequence[socket.socket]]
"""Sockets by the name of their listener: `https`, `mqtt`, `amqp`, `plain_http`."""


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The ports to listen on; 0 takes a free one, None leaves it out."""

    https: int | None = 443
    mqtt: int | None = 8883
    amqp: int | None = 5671
    plain_http: int | None = None


def bind(addresses: Sequence[str], ports: Ports) -> BoundSockets:
    """Sockets for every listener on every address; plain HTTP is on loopback only.

    Raises:
        OSError: an address cannot be listened on; then none stays bound.
    """
    offered = [
        ("https", addresses, ports.https),
        ("mqtt", addresses, ports.mqtt),
        ("amqp", addresses, ports.amqp),
        ("plain_http", ("127.0.0.1",), ports.plain_http),
    ]
    bound: dict[str, list[socket.socket]] = {}
    with _all_or_none(bound):
        for name, hosts, port in offered:
            if port is not None:
                _bind_listener(bound.setdefault(name, []), hosts, port)
    return bound


def bind_sets(addresses: Sequence[str], ports: Ports, *, number: int) -> list[BoundSockets]:
    """As `bind`, a set for each of `number` workers, all on the same ports.

    The first set is bound before it may be shared, and listens at once: another server must be refused there, and not
    share our devices. Those that knock already wait for the first worker.

    Raises:
        OSError: an address cannot be listened on; then none stays bound.
    """
    first = bind(addresses, ports)
    sets = [first]
    try:
        if number > 1:
            _share(first)
        sets += [_bind_beside(first) for _ in range(number - 1)]
    except OSError:
        close(first)
        raise
    return sets


def ports_of(sockets: BoundSockets) -> dict[str, int]:
    """The port of each listener."""
    return {name: bound[0].getsockname()[1] for name, bound in sockets.items() if bound}


def close(sockets: BoundSockets) -> None:
    """Let go of them in this process."""
    for each in _all(sockets):
        each.close()


def _share(sockets: BoundSockets) -> None:
    for each in _all(sockets):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        each.listen()


def _bind_beside(first: BoundSockets) -> BoundSockets:
    bound: dict[str, list[socket.socket]] = {name: [] for name in first}
    with _all_or_none(bound):
        for name, sockets in first.items():
            for each in sockets:
                address, port = each.getsockname()[:2]
                bound[name].append(_bound_socket(address, port, shared=True))
    return bound


def _bind_listener(bound: list[socket.socket], addresses: Sequence[str], port: int) -> None:
    """All of them with the port that the first one got."""
    for address in addresses:
        try:
            bound.append(_bound_socket(address, bound[0].getsockname()[1] if bound else port))
        except OSError as error:
            # The default addresses name it, and not every machine has it.
            if not (address == _IPV6_LOOPBACK and error.errno in _NO_IPV6 and len(addresses) > 1):
                raise


def _bound_socket(address: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, f"cannot listen on {address} port {port}: {error.strerror}") from error
    return bound


@contextmanager
def _all_or_none(bound: BoundSockets) -> Iterator[None]:
    try:
        yield
    except OSError:
        close(bound)
        raise


def _all(sockets: BoundSockets) -> Iterator[socket.socket]:
    return (each for bound in sockets.values() for each in bound)
