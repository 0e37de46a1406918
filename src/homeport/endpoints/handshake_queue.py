"""Those who wait for their TLS handshake while the server has too much to do: first come, first served.

As long as all is well nobody waits. With many of them no more connections are accepted, so that the rest wait in the
kernel's queue, which costs us nothing. Knows neither sockets nor TLS; counterparts: `overload.py`, which says how many
may be under way, `tls.py`, whose connections wait, and `accepting.py`.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from homeport.endpoints.overload import OverloadControl

T = TypeVar("T", bound=Hashable)

# Accepted and waiting; with a server's usual thousand handshakes a second, a quarter of a second's work.
_CROWDED = 256


class HandshakeQueue(Generic[T]):
    """`begin` is called with each one that has waited, when its turn comes."""

    def __init__(self, control: OverloadControl, *, begin: Callable[[T], None]) -> None:
        self._control = control
        self._begin = begin
        self._waiting: OrderedDict[T, None] = OrderedDict()
        self.under_way = 0
        """Handshakes that have begun and are not over."""
        self.pause_accepting: Callable[[], None] = lambda: None
        self.resume_accepting: Callable[[], None] = lambda: None
        self._crowded = False

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, item: T) -> bool:
        """Whether the handshake may begin at once; if not, the item waits for its turn."""
        if self.under_way < self._control.handshakes and not self._waiting:
            self.under_way += 1
            return True
        self._waiting[item] = None
        if len(self._waiting) >= _CROWDED and not self._crowded:
            self._crowded = True
            self.pause_accepting()
        return False

    def leave(self, item: T) -> None:
        """The item's handshake is over, or the item will not wait for it any longer."""
        if item in self._waiting:
            del self._waiting[item]
        else:
            self.under_way -= 1
        self.call_next()

    def call_next(self) -> None:
        """Let as many begin as may."""
        while self._waiting and self.under_way < self._control.handshakes:
            item, _ = self._waiting.popitem(last=False)
            self.under_way += 1
            self._begin(item)
        if self._crowded and len(self._waiting) <= _CROWDED // 2:
            self._crowded = False
            self.resume_accepting()
