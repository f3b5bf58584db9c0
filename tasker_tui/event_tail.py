"""What happened everywhere, as far as it is kept: bounded, filtered, newest first, held while one reads."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.model.wire.events import SummaryRow, TransitionChange
from tasker_tui.event_filter import EventFilter

KEPT, SLACK = 5_000, 1_000
"""So many of the newest events stay; up to so many more until they are cut in one go."""
KNOWN_TASKS = 20_000
RATE_SPAN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Gap:
    """Here events are missing that the server did not tell."""

    number: int
    at: datetime
    reason: str


Happening = TransitionChange | Gap


class EventTail:
    """A source of rows for a table. While it is `paused`, what comes is kept aside."""

    def __init__(self) -> None:
        self.filter = EventFilter()
        self.paused = False
        self.seen = 0
        self.let_go = 0
        """How many were cut from the end of the tail."""
        self._kept: list[Happening] = []
        self._shown: list[Happening] = []
        self._held: list[Happening] = []
        self._names: OrderedDict[str, str] = OrderedDict()
        self._arrivals: deque[tuple[datetime, int]] = deque()
        self._gaps = 0

    @property
    def total(self) -> int:
        """How many events are shown."""
        return len(self._shown)

    @property
    def waiting(self) -> int:
        """How many came while it was paused, and are still kept."""
        return len(self._held)

    def row_at(self, index: int) -> Happening | None:
        """The event at an index, 0 is the newest."""
        return self._shown[-1 - index] if 0 <= index < len(self._shown) else None

    def index_of(self, key: str) -> int | None:
        """Where an event stands."""
        return next((i for i, row in enumerate(reversed(self._shown)) if self.key_of(row) == key), None)

    def key_of(self, row: Happening) -> str:
        """What the cursor holds on to."""
        return f"gap {row.number}" if isinstance(row, Gap) else str(row.id)

    def template_of(self, row: TransitionChange) -> str:
        """`namespace/name` of the task's template, '' while it is not known."""
        return self._names.get(str(row.task_uuid), "")

    def rate(self, now: datetime) -> float:
        """Events a second of late."""
        while self._arrivals and self._arrivals[0][0] <= now - RATE_SPAN:
            self._arrivals.popleft()
        return sum(number for _, number in self._arrivals) / RATE_SPAN.total_seconds()

    def add(self, changes: Iterable[TransitionChange], now: datetime) -> None:
        """Something happened, the oldest first."""
        found = list(changes)
        self.seen += len(found)
        self._arrivals.append((now, len(found)))
        self._append(found)

    def add_gap(self, reason: str, now: datetime) -> None:
        """What happened is not all known from here on."""
        self._gaps += 1
        self._append([Gap(self._gaps, now, reason)])

    def learn(self, rows: Iterable[SummaryRow]) -> bool:
        """Know the templates of tasks. Answers whether more or less is shown now."""
        new = False
        for row in rows:
            key = str(row.task_uuid)
            new = new or key not in self._names
            self._names[key] = f"{row.namespace}/{row.name}"
            self._names.move_to_end(key)
        while len(self._names) > KNOWN_TASKS:
            self._names.popitem(last=False)
        if not new or not self.filter.asks_template or self.paused:
            return False
        self._shown = [row for row in self._kept if self._fits(row)]
        return True

    def narrow(self, event_filter: EventFilter) -> None:
        """Show what fits another filter, of all that is kept."""
        self.filter = event_filter
        self._shown, self._held = [row for row in self._kept if self._fits(row)], []

    def follow(self) -> None:
        """Go on after a pause."""
        self.paused = False
        self._shown += self._held
        self._held = []
        _cut(self._shown)

    def _append(self, rows: list[Happening] | list[TransitionChange] | list[Gap]) -> None:
        self._kept += rows
        fitting = [row for row in rows if self._fits(row)]
        (self._held if self.paused else self._shown).extend(fitting)
        self.let_go += _cut(self._kept)
        _cut(self._shown)
        _cut(self._held)

    def _fits(self, row: Happening) -> bool:
        return isinstance(row, Gap) or self.filter.fits(row, self.template_of(row))


def _cut(rows: list[Happening]) -> int:
    """Drop the oldest, if there are too many; answers how many."""
    if len(rows) <= KEPT + SLACK:
        return 0
    gone = len(rows) - KEPT
    del rows[:gone]
    return gone
