"""Where a PostgreSQL database is: a URL that may hold a password, and is never shown with it.

`postgresql://user:password@host:port/database?sslmode=verify-full`, as every PostgreSQL client takes it. `str` and
`repr` leave the password out, so that no log, error or traceback can show it; only the driver is told (`reveal`).
"""

import re

_SCHEMES = ("postgresql://", "postgres://")
# Up to the last `@` of all: a password may hold what it should not. Too much is left out rather than too little.
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^:@/]*):.*(?=@)", re.DOTALL)
_SECRET_OPTION = re.compile(r"(?P<key>[?&](?:ssl)?password=)[^&]*", re.IGNORECASE)


class DatabaseUrl:
    """The address of a PostgreSQL database."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Raises ValueError if the text is no such URL; the error does not repeat it."""
        if not text.startswith(_SCHEMES):
            raise ValueError("A database URL starts with postgresql://")
        self._text = text

    def reveal(self) -> str:
        """With its password, for the driver alone."""
        return self._text

    def __str__(self) -> str:
        without = _PASSWORD.sub(r"\g<user>:***", self._text)
        return _SECRET_OPTION.sub(r"\g<key>***", without)

    def __repr__(self) -> str:
        return f"DatabaseUrl({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatabaseUrl) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
