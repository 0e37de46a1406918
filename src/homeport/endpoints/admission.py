"""Who may knock, and how often; pure counting.

A handshake costs the server a signature and the peer next to nothing, so those that have not proved anything
yet are bounded, in all and for each address. Counterpart: `tls.py`, which asks at each connection.
"""

import socket


class HandshakeAdmission:
    """Bounds the handshakes under way. One address may hold many: fleets sit behind address translation.

    Of an IPv6 address the first 64 bits count: a single machine has the others to choose from (RFC 4291, 2.5.1).
    """

    def __init__(self, *, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._by_address: dict[str | bytes, int] = {}
        self._pending = 0

    @property
    def pending(self) -> int:
        """Handshakes under way."""
        return self._pending

    def begin(self, address: str) -> bool:
        """Whether one more handshake may start from this address; if so it counts until `end`."""
        key = counted_address(address)
        count = self._by_address.get(key, 0)
        if self._pending >= self._total or count >= self._per_address:
            return False
        self._by_address[key] = count + 1
        self._pending += 1
        return True

    def end(self, address: str) -> None:
        """A handshake that `begin` admitted is over, well or not."""
        self._pending -= 1
        key = counted_address(address)
        count = self._by_address.pop(key) - 1
        if count:
            self._by_address[key] = count


def counted_address(address: str) -> str | bytes:
    """What of an address is counted: all of IPv4, the network of IPv6. A zone (`%eth0`) names no other machine."""
    if ":" not in address:
        return address
    return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])[:8]
