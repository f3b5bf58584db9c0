"""Logging of a process: one line an event on standard error, as JSON or for people.

The standard library's loggers are used everywhere, so that uvicorn, asyncpg and handlers look like everything
else; `extra={…}` adds fields. No logging library is loaded: it would cost a tenth of a process's start.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import orjson

if TYPE_CHECKING:
    from engine.settings import Settings

# Libraries whose every request or connection is no news.
QUIET = ("httpx", "httpcore", "uvicorn.access", "uvicorn.error", "watchfiles", "asyncio")

# Libraries that say what ails a connection with a traceback: everybody who uses one says it in a line.
WITHOUT_TRACEBACK = ("asyncpg.pool",)

# What every record carries, and the second copy of its messages that uvicorn adds for terminals.
NOT_EXTRA = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"}

COLOURS = {"DEBUG": "\x1b[2m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[1;31m"}
RESET = "\x1b[0m"


def configure_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Set logging up for this process; `stream` is standard error unless given."""
    output = stream or sys.stderr
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        JsonFormatter() if _as_json(settings) else ConsoleFormatter(colours=_colours(output))
    )
    level = logging.getLevelNamesMapping()[settings.logging.level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, level))
    for name in WITHOUT_TRACEBACK:
        logging.getLogger(name).addFilter(_in_a_line)


class JsonFormatter(logging.Formatter):
    """An object a line: timestamp (RFC 3339, UTC), level, logger, event, the extra fields, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; what JSON cannot hold is written as text."""
        event: dict[str, Any] = {
            "timestamp": _moment(record).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_extra(record),
        }
        if trouble := _trouble(self, record):
            event["exception"] = trouble
        try:
            return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # half a character, or a number beyond 64 bits
            return json.dumps(event, default=str)


class ConsoleFormatter(logging.Formatter):
    """Time, level, logger and message, then `name=value` for the extra fields; the traceback below."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = COLOURS if colours else {}

    def format(self, record: logging.LogRecord) -> str:
        """The event on one line, more lines for a traceback."""
        colour = self._colours.get(record.levelname, "")
        fields = "".join(f" {name}={value!r}" for name, value in _extra(record).items())
        when = f"{_moment(record):%H:%M:%S}.{record.msecs:03.0f}"
        line = f"{when} {colour}{record.levelname:<7}{RESET if colour else ''} {record.name}: "
        trouble = _trouble(self, record)
        return line + record.getMessage() + fields + (f"\n{trouble}" if trouble else "")


def _in_a_line(record: logging.LogRecord) -> bool:
    """Put the error behind the message, in place of its traceback."""
    if record.exc_info and (error := record.exc_info[1]):
        record.msg, record.args = f"{record.getMessage()}: {error}", ()
        record.exc_info = None
    return True


def _as_json(settings: Settings) -> bool:
    chosen = settings.logging.format
    return settings.environment == "production" if chosen == "auto" else chosen == "json"


def _colours(output: TextIO) -> bool:
    return output.isatty() and "NO_COLOR" not in os.environ


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in NOT_EXTRA}


def _trouble(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = [formatter.formatException(record.exc_info)] if record.exc_info else []
    return "\n".join([*parts, *([record.stack_info] if record.stack_info else [])])
