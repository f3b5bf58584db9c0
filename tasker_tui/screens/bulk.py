"""What was done to many tasks at once: how far each operation is, whose it was, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.text import Text

from engine.client import bulk
from engine.model.wire.bulk import BulkOperation, BulkState
from tasker_tui.actions import Focus, bindings
from tasker_tui.modals.bulk_progress import BulkProgress
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.sent_bulk import how_far
from tasker_tui.states import Tone
from tasker_tui.text import age, count, duration, json_line, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE = 90
SHOWN_OPERATIONS = 1_000
MARKS: dict[BulkState, tuple[str, Tone]] = {
    BulkState.PREVIEWED: ("○", "idle"),
    BulkState.RUNNING: ("●", "running"),
    BulkState.STOPPED: ("■", "waiting"),
    BulkState.COMPLETE: ("✓", "ok"),
}


class BulkScreen(ListScreen[BulkOperation]):
    """Lists the operations, the newest first."""

    SCOPES = ("operations",)
    BINDINGS = bindings("operations")
    TITLE_WORD = "Bulk operations"
    PLACE = "bulk"

    def focus_state(self) -> Focus:
        """The operation under the cursor."""
        return Focus(connected=self.services.link.live, bulk=self.table.cursor_row)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {"operations.open": self.open_selected, "operations.back": self.app.pop_screen}

    def open_selected(self) -> None:
        """Its progress, which can stop it and let it go on."""
        row = self.table.cursor_row
        if row is not None:
            self.app.push_screen(BulkProgress(self.services, row), lambda _: self.reload())

    def key_of(self, row: BulkOperation) -> str:
        """Its id."""
        return str(row.bulk_uuid)

    def columns(self, width: int) -> Sequence[Column[BulkOperation]]:
        """What was done to how many; who did it when, and why."""
        figures = [
            Column("STATE", 10, _state, rank=lambda row: list(MARKS).index(row.state)),
            Column("DONE", 16, _done, "right", rank=lambda row: row.items - row.remaining),
            Column("FAILED", 7, _failed, "right", rank=lambda row: row.failed),
        ]
        verb = Column("VERB", 16 if width >= WIDE else 0, _verb, rank=lambda row: row.verb)
        if width < WIDE:
            return [verb, *figures]
        by = Column("BY", 12, _by, rank=lambda row: row.actor)
        when = Column("WHEN", 5, self._when, "right", rank=lambda row: -_begun(row).timestamp())
        return [verb, *figures, by, when, Column("REASON", 0, _reason, rank=lambda row: row.reason)]

    async def fetch(self) -> Sequence[BulkOperation]:
        """Those that were run."""
        found = await self.services.client.send(bulk.list_operations(limit=SHOWN_OPERATIONS))
        return found.operations

    def told(self, row: BulkOperation, width: int, palette: Palette) -> Text:
        """What is known of it."""
        text = Text()
        for name, value in _facts(row, self.services.commands.here):
            text.append(f"{name:<10}", palette.muted)
            text.append(f"{printable(value)}\n", palette.text)
        return text

    def summary(self, rows: Sequence[BulkOperation]) -> str:
        """How many, and how many of them run."""
        running = sum(row.state is BulkState.RUNNING for row in rows)
        return plural(len(rows), "operation") + (f", {count(running)} running" if running else "")

    def when_empty(self) -> list[str]:
        """How one begins."""
        return [
            "There has been no bulk operation.",
            "",
            "In the list of tasks {tasks.mark} marks; {tasks.retry} and {tasks.cancel} act on all marked,",
            "{tasks.retry_all} and {tasks.cancel_all} on all that a filter selects.",
            "{operations.back} leads back there.",
        ]

    def _when(self, row: BulkOperation, width: int, palette: Palette) -> Runs:
        return [(age(_begun(row), self.services.clock.now()), palette.muted)]


def _begun(row: BulkOperation) -> datetime:
    return row.started_at or row.created_at


def _facts(row: BulkOperation, here: Callable[[str], str]) -> list[tuple[str, str]]:
    left = f", {duration(row.eta_seconds)} left" if row.eta_seconds is not None else ""
    facts = [
        ("verb", f"{row.verb.replace('_', ' ')}  {row.bulk_uuid}"),
        ("filter", ", ".join(f"{name}={_value(value)}" for name, value in row.filter.items())),
        ("progress", how_far(row) + left),
        ("rate", "as fast as it goes" if row.rate is None else f"{row.rate:g} a second"),
        ("by", row.actor or ""),
        ("reason", row.reason or ""),
        ("stopped", f"by {row.stopped_by}: {row.stop_reason}" if row.stopped_by else ""),
        ("why", here(f"tasker bulk items {row.bulk_uuid} --outcome failed") if row.failed else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _value(value: object) -> str:
    return value if isinstance(value, str) else json_line(value)


def _verb(row: BulkOperation, width: int, palette: Palette) -> Runs:
    return [(row.verb.replace("_", " "), palette.text)]


def _state(row: BulkOperation, width: int, palette: Palette) -> Runs:
    glyph, tone = MARKS[row.state]
    return [(f"{glyph} {row.state}", palette.tone(tone))]


def _done(row: BulkOperation, width: int, palette: Palette) -> Runs:
    return [(f"{count(row.items - row.remaining)} of {count(row.items)}", palette.text)]


def _failed(row: BulkOperation, width: int, palette: Palette) -> Runs:
    return [(count(row.failed), palette.tone("failed") if row.failed else palette.faint)]


def _by(row: BulkOperation, width: int, palette: Palette) -> Runs:
    return [(printable(row.actor or "–"), palette.muted)]


def _reason(row: BulkOperation, width: int, palette: Palette) -> Runs:
    return [(printable(row.reason or "–"), palette.muted)]
