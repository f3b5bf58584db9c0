"""The log of a step as rows: wrapped or not, with what a search finds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import chop_cells

from engine.model.wire.details import LogRecord
from tasker_tui.text import printable_lines

MOST_LINES = 20_000
"""Kept in memory, the newest; the command line has the rest."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row on the screen: a line, or a piece of one (`piece` above 0 continues it)."""

    record: LogRecord
    piece: int
    text: str

    @property
    def loud(self) -> bool:
        """Whether it tells of trouble."""
        return self.record.level in ("ERROR", "CRITICAL") or self.record.stream == "stderr"


class LogLines:
    """Rows of a log that grows. `width` in cells wraps lines, None leaves each on one row."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self.width: int | None = None
        self.pattern = ""
        self.rows: list[LogRow] = []
        self._places: dict[str, int] = {}

    @property
    def last_id(self) -> int:
        """What the next part of the log follows."""
        return self.records[-1].id if self.records else 0

    def add(self, records: Sequence[LogRecord]) -> bool:
        """Take over lines that follow those known. Answers whether there were any."""
        new = [record for record in records if not self.records or record.id > self.last_id]
        self.records = [*self.records, *new][-MOST_LINES:]
        if new:
            self._build()
        return bool(new)

    def wrap(self, width: int | None) -> None:
        """Another width."""
        if width != self.width:
            self.width = width
            self._build()

    def search(self, pattern: str) -> list[int]:
        """Look for a text, in any case; answers the rows that have it."""
        self.pattern = pattern
        return self.found()

    def found(self) -> list[int]:
        """The rows that have what is looked for."""
        return [i for i, row in enumerate(self.rows) if self.place_in(row)] if self.pattern else []

    def place_in(self, row: LogRow) -> tuple[int, int] | None:
        """Where the first of what is looked for begins and ends in a row, None if it is not there."""
        found = re.search(re.escape(self.pattern), row.text, re.IGNORECASE) if self.pattern else None
        return found.span() if found else None

    @property
    def total(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def row_at(self, index: int) -> LogRow | None:
        """The row at an index."""
        return self.rows[index] if 0 <= index < len(self.rows) else None

    def index_of(self, key: str) -> int | None:
        """Where a row stands."""
        return self._places.get(key)

    def key_of(self, row: LogRow) -> str:
        """What the cursor holds on to."""
        return f"{row.record.id}.{row.piece}"

    def _build(self) -> None:
        self.rows = [row for record in self.records for row in self._rows(record)]
        self._places = {self.key_of(row): index for index, row in enumerate(self.rows)}

    def _rows(self, record: LogRecord) -> Iterable[LogRow]:
        pieces: list[str] = []
        for line in printable_lines(record.message):
            pieces += (chop_cells(line, max(10, self.width)) or [line]) if self.width else [line]
        return [LogRow(record, number, text) for number, text in enumerate(pieces)]
