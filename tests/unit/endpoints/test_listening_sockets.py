"""Sockets: bound all or none, and in sets that share their ports with nobody else."""

import errno
import socket
from collections import Counter

import pytest
from tests.loopback import Network, address

from homeport.endpoints import listening_sockets as module
from homeport.endpoints.listening_sockets import Ports, bind, bind_sets, close, ports_of

HOST, OTHER = address(Network.SOCKETS), address(Network.OTHER_SOCKETS)
HTTPS = Ports(https=0, mqtt=None, amqp=None)


def port_of(bound: module.BoundSockets) -> int:
    return ports_of(bound)["https"]


def is_free(port: int, host: str = HOST) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def test_every_listener_on_every_address_and_plain_http_on_loopback() -> None:
    bound = bind([HOST, OTHER], Ports(https=0, mqtt=0, amqp=None, plain_http=0))
    addresses = {name: [each.getsockname()[0] for each in sockets] for name, sockets in bound.items()}
    assert addresses == {"https": [HOST, OTHER], "mqtt": [HOST, OTHER], "plain_http": ["127.0.0.1"]}
    assert {each.getsockname()[1] for each in bound["mqtt"]} == {ports_of(bound)["mqtt"]}
    port = port_of(bound)
    close(bound)
    assert is_free(port)


def test_a_port_in_use_is_named_and_nothing_stays_bound() -> None:
    with socket.create_server((OTHER, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on {OTHER} port {port}") as refusal:
            bind([HOST, OTHER], Ports(https=port, mqtt=None, amqp=None))
        assert refusal.value.errno == errno.EADDRINUSE
        assert is_free(port)


def test_the_kernel_spreads_connections_among_the_sets() -> None:
    sets = bind_sets([HOST], HTTPS, number=2)
    (port,) = {port_of(each) for each in sets}
    for each in sets:
        each["https"][0].listen(100)
    clients = [socket.create_connection((HOST, port)) for _ in range(64)]
    taken = Counter(_accepted(each["https"][0]) for each in sets)
    assert sum(number * times for number, times in taken.items()) == 64
    assert 0 not in taken
    for client in clients:
        client.close()
    for each in sets:
        close(each)


def _accepted(listening: socket.socket) -> int:
    listening.setblocking(False)
    number = 0
    while True:
        try:
            connection, _ = listening.accept()
        except BlockingIOError:
            return number
        connection.close()
        number += 1


def test_two_servers_do_not_share_a_port_by_mistake() -> None:
    sets = bind_sets([HOST], HTTPS, number=2)
    port = port_of(sets[0])
    with pytest.raises(OSError) as refusal:
        bind_sets([HOST], Ports(https=port, mqtt=None, amqp=None), number=2)
    assert refusal.value.errno == errno.EADDRINUSE
    for each in sets:
        close(each)
    assert is_free(port)


def test_a_machine_without_ipv6_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    bound_socket = module._bound_socket

    def without_ipv6(address: str, port: int, *, shared: bool = False) -> socket.socket:
        if ":" in address:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6")
        return bound_socket(address, port, shared=shared)

    monkeypatch.setattr(module, "_bound_socket", without_ipv6)
    default = bind([HOST, "::1"], HTTPS)
    assert len(default["https"]) == 1
    close(default)
    with pytest.raises(OSError, match="no IPv6"):
        bind(["::1"], HTTPS)
