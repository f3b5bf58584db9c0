"""The command log: what the dashboard changed, as command lines, and what came of each.

It is kept for the session and, for the time after it, in a file of the user's state folder.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tasker_tui.clock import Clock
from tasker_tui.profiles import Profile
from tasker_tui.text import printable
from tasker_tui.trouble import CALL_FAILURES, explain

T = TypeVar("T")

KEPT_ENTRIES = 1_000
FILE_BYTES, OLD_FILES = 1_000_000, 3
DONE = "done"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One change: the command line that does the same, and `done` or why it was not."""

    at: datetime
    command: str
    outcome: str

    @property
    def done(self) -> bool:
        """Whether the server did it."""
        return self.outcome == DONE


class CommandLog:
    """The one way by which the dashboard changes something. `path` None keeps no file.

    `by` is who makes the changes, `profile` where: its lines lead there from any shell.
    """

    def __init__(self, clock: Clock, path: Path | None, profile: Profile, by: str) -> None:
        self.entries: deque[LogEntry] = deque(maxlen=KEPT_ENTRIES)
        self.trouble = ""
        """Why the file is not written, if it is not."""
        self.path = path
        self._clock, self._profile, self._by = clock, profile, by
        self._under_way: set[asyncio.Future[Any]] = set()

    def of(self, profile: Profile) -> CommandLog:
        """The log of the same session for another server; what was done so far stays in it."""
        other = CommandLog(self._clock, self.path, profile, self._by)
        other.entries = self.entries
        return other

    def here(self, command: str) -> str:
        """The command line with what leads it to this server."""
        return f"{command} {self._profile.options}".rstrip()

    async def run(self, command: str, call: Awaitable[T]) -> T:
        """Make a call that changes something and note what came of it. Raises what the call raises.

        Who asked may be gone before the answer, as a screen that is left is: the call is not given up for it.
        """
        noted = asyncio.ensure_future(self._noted(command, call))
        self._under_way.add(noted)
        noted.add_done_callback(self._ended)
        return await asyncio.shield(noted)

    def _ended(self, noted: asyncio.Future[Any]) -> None:
        self._under_way.discard(noted)
        if not noted.cancelled():
            noted.exception()  # nobody else may be left to be told; it is in the log

    async def _noted(self, command: str, call: Awaitable[T]) -> T:
        try:
            answer = await call
        except CALL_FAILURES as error:
            self._add(command, explain(error))
            raise
        except asyncio.CancelledError:
            self._add(command, "not known: the dashboard did not wait for the answer")
            raise
        self._add(command, DONE)
        return answer

    def _add(self, command: str, outcome: str) -> None:
        entry = LogEntry(self._clock.now(), printable(self.here(command)), printable(outcome))
        self.entries.append(entry)
        if self.path is not None and not self.trouble:
            self._write(self.path, entry)

    def _write(self, path: Path, entry: LogEntry) -> None:
        line = {
            "at": entry.at.isoformat(),
            "server": self._profile.address,
            "by": self._by,
            "command": entry.command,
            "outcome": entry.outcome,
        }
        try:
            append_line(path, json.dumps(line, ensure_ascii=False))
        except OSError as error:
            self.trouble = f"{path} cannot be written: {error.strerror or error}"


def append_line(path: Path, line: str, limit: int = FILE_BYTES) -> None:
    """Append to a file that only its owner reads; a full one (`limit` bytes) becomes `path.1`, and so on.

    The file is opened for each line, so that several dashboards can write to it. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size >= limit:
        for number in range(OLD_FILES, 0, -1):
            older = path if number == 1 else Path(f"{path}.{number - 1}")
            if older.exists():
                os.replace(older, f"{path}.{number}")
    with os.fdopen(
        os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="utf-8"
    ) as file:
        file.write(f"{line}\n")
