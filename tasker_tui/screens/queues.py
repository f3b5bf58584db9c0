"""What waits for workers in each namespace, who takes it, and who is missing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from engine.client.queues import list_queues
from engine.model.wire.queues import HandlerQueue, HeldSteps, Queue
from tasker_tui.actions import Focus, bindings
from tasker_tui.filters import TaskFilter, format_filter
from tasker_tui.locator import Locator
from tasker_tui.operations import Operations
from tasker_tui.pause_targets import of_namespace
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import NO_TEMPLATE, ListScreen
from tasker_tui.services import Services
from tasker_tui.text import count, duration, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE = 90
HELD = {
    "paused_namespace": "the namespace is paused",
    "paused_template": "their template is paused",
    "paused_task": "their task is paused",
    "batch_failed": "their batch has failed",
    "batch_limit": "of their batch as many run as may",
}


class QueuesScreen(ListScreen[Queue]):
    """Lists the namespaces; below are the handlers of the one under the cursor."""

    SCOPES = ("queues",)
    BINDINGS = bindings("queues")
    TITLE_WORD = "Queues"
    PLACE = "queues"

    def __init__(self, services: Services, query: str) -> None:
        super().__init__(services, query)
        self._operations = Operations(self, services, lambda step: None)

    def heading(self) -> str:
        """With the other half of the picture."""
        return "▸ 1 Queues   2 Workers"

    def focus_state(self) -> Focus:
        """The namespace under the cursor."""
        row = self.table.cursor_row
        return Focus(connected=self.services.link.live, pausing=of_namespace(row) if row else None)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "queues.open": self.open_selected,
            "queues.pause": self._pause,
            "queues.workers": self._show_workers,
            "queues.back": self.app.pop_screen,
        }

    def place_of(self, row: Queue) -> Locator:
        """Its tasks that wait for what its steps wait for; where none waits those that run, else all."""
        whys = [why for why, waits in _waiting(row) if waits] or ["running"] * bool(row.in_progress)
        return Locator("tasks", query=format_filter(TaskFilter(namespace=row.namespace, why=tuple(whys))))

    def key_of(self, row: Queue) -> str:
        """Its namespace."""
        return row.namespace

    def columns(self, width: int) -> Sequence[Column[Queue]]:
        """What waits, what runs, who works."""
        name = Column("NAMESPACE", 0, _namespace, rank=lambda row: row.namespace)
        ready = Column("READY", 8, _ready, "right", rank=lambda row: row.ready)
        running = Column("RUNNING", 8, _running, "right", rank=lambda row: row.in_progress)
        busy = Column("BUSY", 10, _busy, "right", rank=lambda row: row.busy)
        if width < WIDE:
            return [name, ready, running, busy]
        return [
            name,
            ready,
            Column("OLDEST", 7, _oldest, "right", rank=lambda row: row.oldest_seconds),
            Column("HELD", 8, _held, "right", rank=lambda row: _total(row.held)),
            running,
            Column("RETRYING", 8, _retrying, "right", rank=lambda row: row.retrying),
            Column("WORKERS", 8, _workers, "right", rank=lambda row: row.workers),
            busy,
        ]

    async def fetch(self) -> Sequence[Queue]:
        """The namespaces by name."""
        return (await self.services.client.send(list_queues())).queues

    def told(self, row: Queue, width: int, palette: Palette) -> Text:
        """Its handlers, those first that nobody has, and what is held and why."""
        text = Text()
        if row.paused:
            why = f"{printable(row.paused.reason)} ({printable(row.paused.paused_by)})"
            text.append(f"paused: {why}\n", palette.tone("waiting", bold=True))
        for name, words in HELD.items():
            if held := getattr(row.held, name):
                text.append(f"held: {plural(held, 'step')}, {words}\n", palette.tone("waiting"))
        if not row.handlers:
            text.append("Nothing waits, nothing runs.\n", palette.muted)
        for handler in sorted(row.handlers, key=lambda one: one.status == "served"):
            _handler(text, handler, palette)
        return text

    def summary(self, rows: Sequence[Queue]) -> str:
        """How much there is in all."""
        ready, running = sum(row.ready for row in rows), sum(row.in_progress for row in rows)
        return f"{count(ready)} ready   {count(running)} running"

    def when_empty(self) -> list[str]:
        """No namespace yet."""
        return list(NO_TEMPLATE)

    def _pause(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            self._operations.pause(of_namespace(row), self.reload)

    def _show_workers(self) -> None:
        self.app.pop_screen()
        self.services.go(Locator("workers"))


def _handler(text: Text, handler: HandlerQueue, palette: Palette) -> None:
    served = handler.status == "served"
    text.append(
        f"{printable(handler.handler):<32} ", palette.text if served else palette.tone("failed", bold=True)
    )
    text.append(f"{count(handler.ready):>7} ready {count(handler.in_progress):>7} running", palette.muted)
    text.append(f" {count(handler.retrying):>7} retrying  ", palette.muted)
    if served:
        text.append(f"{plural(handler.workers, 'worker')}\n", palette.muted)
    else:
        missing = "no worker serves the namespace" if handler.status == "no_worker" else "no worker has it"
        text.append(f"✗ {missing}\n", palette.tone("failed", bold=True))


def _waiting(row: Queue) -> Sequence[tuple[str, int]]:
    """The words of `why:` in the filter of tasks, and how many steps wait so."""
    held = row.held
    return [
        ("queued", row.ready),
        ("no_worker", row.ready),
        ("no_handler", row.ready),
        ("retry", row.retrying),
        ("paused", held.paused_namespace + held.paused_template + held.paused_task),
        ("batch_limit", held.batch_limit),
        ("batch_failed", held.batch_failed),
    ]


def _total(held: HeldSteps) -> int:
    return sum(getattr(held, name) for name in HELD)


def _namespace(row: Queue, width: int, palette: Palette) -> Runs:
    name = printable(row.namespace)
    return [(f"{name} ‖ paused", palette.tone("waiting"))] if row.paused else [(name, palette.text)]


def _ready(row: Queue, width: int, palette: Palette) -> Runs:
    return [(count(row.ready), palette.strong if row.ready else palette.muted)]


def _oldest(row: Queue, width: int, palette: Palette) -> Runs:
    return [(duration(row.oldest_seconds) if row.oldest_seconds is not None else "", palette.muted)]


def _held(row: Queue, width: int, palette: Palette) -> Runs:
    held = _total(row.held)
    return [(count(held), palette.tone("waiting") if held else palette.muted)]


def _running(row: Queue, width: int, palette: Palette) -> Runs:
    return [(count(row.in_progress), palette.tone("running") if row.in_progress else palette.muted)]


def _retrying(row: Queue, width: int, palette: Palette) -> Runs:
    return [(count(row.retrying), palette.tone("waiting") if row.retrying else palette.muted)]


def _workers(row: Queue, width: int, palette: Palette) -> Runs:
    missing = row.workers == 0 and (row.ready or row.retrying)
    return [(count(row.workers), palette.tone("failed", bold=True) if missing else palette.muted)]


def _busy(row: Queue, width: int, palette: Palette) -> Runs:
    return [(f"{count(row.busy)}/{count(row.slots)}" if row.workers else "nobody", palette.muted)]
