"""Logging of a process: one line an event on standard error, as JSON or for people.

Events of structlog and of the standard library's loggers take the same way, so that uvicorn, asyncpg and
handlers look like everything else.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import orjson
import structlog

if TYPE_CHECKING:
    from engine.settings import Settings

# Libraries whose every request or connection is no news.
QUIET = ("httpx", "httpcore", "uvicorn.access", "watchfiles", "asyncio")


def configure_logging(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Set logging up for this process; `stream` is standard error unless given.

    Context bound with `structlog.contextvars.bind_contextvars` (task_uuid, step_uuid, correlation_id …) is in
    every line that the same task of asyncio writes.
    """
    output = stream or sys.stderr
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_level(settings)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_colours,
                *_renderers(settings, output),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_level(settings))
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, _level(settings)))


def _level(settings: Settings) -> int:
    return logging.getLevelNamesMapping()[settings.logging.level.upper()]


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _renderers(settings: Settings, output: TextIO) -> list[structlog.typing.Processor]:
    if _as_json(settings):
        # Without local variables, which hold passwords and people's data.
        exceptions = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            structlog.processors.ExceptionRenderer(exceptions),
            structlog.processors.JSONRenderer(serializer=_json),
        ]
    colours = output.isatty() and "NO_COLOR" not in os.environ
    return [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)]


def _without_colours(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Drop the second copy of its messages that uvicorn adds for terminals."""
    event.pop("color_message", None)
    return event


def _as_json(settings: Settings) -> bool:
    chosen = settings.logging.format
    return settings.environment == "production" if chosen == "auto" else chosen == "json"


def _json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
