"""What is no acceptable request, by its size or its form; the same rule for both halves of port 443.

The HTTP parser gathers a header until it is complete, however long it is. So a head is measured twice: by its
finished parts, exactly, and by the bytes that arrived while it was still unfinished.
"""

from homeport import errors
from homeport.errors import HomeportError

MAX_HEAD = 16 * 1024


class HeadMeter:
    """Measures the head (request line and headers) of the request that is being read."""

    __slots__ = ("_arrived", "_parsed", "open")

    def __init__(self) -> None:
        self.open = False
        self._parsed = 0
        self._arrived = 0

    def begin(self) -> None:
        """A request has begun."""
        self.open = True
        self._parsed = self._arrived = 0

    def parsed(self, size: int) -> None:
        """A part of the head is complete.

        Raises:
            HomeportError: HEADERS_TOO_LARGE.
        """
        self._parsed += size
        if self._parsed > MAX_HEAD:
            raise _too_large()

    def arrived(self, size: int) -> None:
        """So many bytes came, and the head was unfinished before and after them; raises as `parsed` does."""
        self._arrived += size
        if self._arrived > MAX_HEAD:
            raise _too_large()


def body_too_large(limit: int) -> HomeportError:
    """The refusal of a body beyond `limit` bytes."""
    return HomeportError(errors.BODY_TOO_LARGE, f"It may have {limit // 1024} KiB.")


def parser_fault(error: BaseException | None) -> HomeportError:
    """What a parser's exception means: an error of ours that left through one of its callbacks, or its own."""
    if error is not None and isinstance(error.__context__, HomeportError):
        return error.__context__
    return HomeportError(errors.INVALID_REQUEST, "It is not HTTP/1.1 as RFC 9112 defines it.")


def _too_large() -> HomeportError:
    return HomeportError(errors.HEADERS_TOO_LARGE, f"They may have {MAX_HEAD // 1024} KiB.")
