"""Structured logs: one JSON object a line, or coloured lines on a terminal.

A line carries a correlation ID and, where a device is meant, its subject key; never a registration ID, a
device ID, a peer's address or a secret. The standard library's own loggers are sent through the same form.
"""

import enum
import logging
import sys
from typing import TextIO

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor


class LogFormat(enum.StrEnum):
    """How lines look; `auto` is `console` on a terminal and `json` elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


def configure(log_format: LogFormat, level: str, stream: TextIO = sys.stderr) -> FilteringBoundLogger:
    """Make the process' logger; `level` is one of debug, info, warning, error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=_processors(log_format, stream),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    ).bind()
    logging.basicConfig(handlers=[_Forward(logger)], level=logging.WARNING, force=True)
    return logger


def _processors(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    if log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and stream.isatty()):
        return [*shared, structlog.dev.ConsoleRenderer(timestamp_key="time", colors=stream.isatty())]
    return [*shared, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_to_json)]


def _to_json(entry: object, **_: object) -> str:
    return msgspec.json.encode(entry, enc_hook=str).decode()


class _Forward(logging.Handler):
    """Sends a library's log records through our logger."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.log(record.levelno, "library", logger=record.name, text=record.getMessage())
