"""What a handler logs and prints, kept with its attempt.

A context variable tells whose output it is: handlers run in tasks and threads of one process.
"""

from __future__ import annotations

import contextvars
import logging
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple, TextIO, cast
from uuid import UUID

KEPT_BYTES = 256 * 1024
"""Of one attempt; what comes after is counted, not kept."""

MAX_LINE = 16 * 1024


class LogLine(NamedTuple):
    """One line of output; `logger` is None for what was printed."""

    level: str
    logger: str | None
    message: str
    at: datetime


class Origin(NamedTuple):
    """Whose output it is."""

    task_uuid: UUID
    step_uuid: UUID
    claim_no: int
    attempt: int


class LogBuffer:
    """The output of one attempt, until the log writer takes it. Any thread may add.

    It knows its origin and not its step: a cycle of the two would leave every step to the garbage collector.
    """

    __slots__ = ("_bytes", "_dropped", "_lines", "_lock", "_on_first", "_partial", "_returned", "ended",
                 "origin")  # fmt: skip

    def __init__(self, origin: Origin, on_first: Callable[[LogBuffer], None]) -> None:
        self.origin = origin
        self.ended = False
        self._lock = threading.Lock()
        self._lines: list[LogLine] = []
        self._partial = ""
        self._returned = False
        self._bytes = 0
        self._dropped = 0
        self._on_first = on_first

    def add(self, level: str, logger: str | None, message: str) -> None:
        """Keep a line, up to KEPT_BYTES in all."""
        encoded = _encoded(message[:MAX_LINE])
        message = encoded.decode()
        logger = None if logger is None else _encoded(logger[:MAX_LINE]).decode()
        with self._lock:
            if self._bytes + len(encoded) + 1 > KEPT_BYTES:
                self._dropped += 1
                return
            self._bytes += len(encoded) + 1
            first = not self._lines
            self._lines.append(LogLine(level, logger, message, datetime.now(UTC)))
        if first:
            self._on_first(self)

    def print(self, text: str) -> None:
        """Keep printed text, line by line; of one that is written over, as a progress bar is, the end."""
        *ends, rest = text.split("\n")
        with self._lock:
            lines = [self._finish(end) for end in ends]
            self._continue(rest)
        for line in lines:
            self.add("INFO", None, line)

    def _continue(self, text: str) -> None:
        """Go on with the unfinished line, which begins anew with what follows a carriage return."""
        _, over, last = text.rstrip("\r").rpartition("\r")
        if last and (over or self._returned):
            self._partial = ""
        if text:
            self._returned = text[-1] == "\r"
        self._partial += last[: MAX_LINE - len(self._partial)]

    def _finish(self, end: str) -> str:
        self._continue(end)
        line, self._partial, self._returned = self._partial, "", False
        return line

    @property
    def has_output(self) -> bool:
        """Whether there is something to take."""
        return bool(self._lines or self._partial or self._dropped)

    def take(self) -> list[LogLine]:
        """The lines since the last call; once ended, the unfinished one and how many were dropped."""
        if self.ended and self._partial:
            self.print("\n")
        with self._lock:
            lines, self._lines = self._lines, []
            if self.ended and self._dropped:
                note = (
                    f"… {self._dropped} more lines were not kept (limit {KEPT_BYTES // 1024} KiB an attempt)"
                )
                lines.append(LogLine("WARNING", None, note, datetime.now(UTC)))
                self._dropped = 0
        return lines


def _encoded(text: str) -> bytes:
    """PostgreSQL keeps neither a NUL nor half of a surrogate pair."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace")


current_log: contextvars.ContextVar[LogBuffer | None] = contextvars.ContextVar(
    "tasker_step_log", default=None
)


class StepLogHandler(logging.Handler):
    """Sends log records of handlers to their attempt's buffer."""

    def emit(self, record: logging.LogRecord) -> None:
        buffer = current_log.get()
        if buffer is not None:
            try:
                buffer.add(record.levelname, record.name, self.format(record))
            except Exception:  # as with any handler of logging: whoever logs goes on
                self.handleError(record)


class _Tee:
    """A standard stream whose text also goes to the buffer of the step that writes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        buffer = current_log.get()
        if buffer is not None:
            buffer.print(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def install_capture() -> None:
    """Capture the logging and the printing of this process's handlers."""
    handler = StepLogHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger().addHandler(handler)
    sys.stdout = cast(TextIO, _Tee(sys.stdout))
    sys.stderr = cast(TextIO, _Tee(sys.stderr))
