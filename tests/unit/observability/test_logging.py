"""Lines of the log: their two forms, their level, and where libraries' lines go."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from homeport.observability.logging import LogFormat, configure


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object() -> None:
    stream = io.StringIO()
    configure(LogFormat.AUTO, "info", stream).info("registration", status="assigned", text="two\nlines")
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {"event": "registration", "level": "info", "status": "assigned", "text": "two\nlines"}


@pytest.mark.parametrize(
    ("log_format", "stream", "is_json"),
    [
        (LogFormat.AUTO, io.StringIO(), True),
        (LogFormat.AUTO, Terminal(), False),
        (LogFormat.JSON, Terminal(), True),
        (LogFormat.CONSOLE, io.StringIO(), False),
    ],
)
def test_the_form_follows_the_terminal_unless_told(log_format: LogFormat, stream: io.StringIO, is_json: bool) -> None:
    configure(log_format, "info", stream).info("started")
    text = stream.getvalue()
    assert text.startswith("{") is is_json
    assert "started" in text


def test_no_colours_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    configure(LogFormat.CONSOLE, "info", stream).info("started")
    assert "\x1b" not in stream.getvalue()


def test_the_level_is_the_least_that_is_said() -> None:
    stream = io.StringIO()
    logger = configure(LogFormat.JSON, "warning", stream)
    logger.info("quiet")
    logger.warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_a_traceback_is_part_of_its_line() -> None:
    stream = io.StringIO()
    logger = configure(LogFormat.JSON, "info", stream)
    try:
        raise ValueError("broken")
    except ValueError as error:
        logger.error("crashed", exc_info=error)
    (line,) = lines(stream)
    assert "ValueError: broken" in line["exception"]


def test_libraries_speak_in_the_same_form() -> None:
    stream = io.StringIO()
    configure(LogFormat.JSON, "info", stream)
    logging.getLogger("some.library").warning("%s is odd", "this")
    logging.getLogger("some.library").info("chatter")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["text"], line["level"]) == (
        "library",
        "some.library",
        "this is odd",
        "warning",
    )
