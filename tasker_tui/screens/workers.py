"""Who works: each worker with what it holds now; those that went silent come first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import work
from textual.message import Message

from engine.client.queues import worker_steps
from engine.model.wire.queues import WorkerSteps
from engine.model.wire.worker import WorkerInfo
from tasker_tui.actions import Focus, bindings
from tasker_tui.locator import Locator
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.services import Services
from tasker_tui.text import count, plural
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES
from tasker_tui.widgets.virtual_table import Column, VirtualTable
from tasker_tui.widgets.worker_columns import WorkerColumns, urgency, worker_text

REST_SECONDS = 0.08
"""The cursor has to rest so long before the steps are asked for."""


class WorkersScreen(ListScreen[WorkerInfo]):
    """Lists the workers; below is what the one under the cursor holds."""

    SCOPES = ("workers",)
    BINDINGS = bindings("workers")
    TITLE_WORD = "Workers"
    PLACE = "workers"

    class Held(Message):
        """The steps of a worker were loaded."""

        def __init__(self, held: WorkerSteps) -> None:
            super().__init__()
            self.held = held

    def __init__(self, services: Services, query: str) -> None:
        super().__init__(services, query)
        self._columns = WorkerColumns(services.clock, services.ascii_only)
        self._held: WorkerSteps | None = None

    def heading(self) -> str:
        """With the other half of the picture."""
        return "1 Queues   ▸ 2 Workers"

    def focus_state(self) -> Focus:
        """Where the worker under the cursor leads."""
        return Focus(connected=self.services.link.live, place=self.place)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "workers.open": self.open_selected,
            "workers.queues": self._show_queues,
            "workers.back": self.app.pop_screen,
        }

    def place_of(self, row: WorkerInfo) -> Locator:
        """The steps that it holds."""
        return Locator("worker", (str(row.worker_uuid),))

    def key_of(self, row: WorkerInfo) -> str:
        """Its id."""
        return str(row.worker_uuid)

    def columns(self, width: int) -> Sequence[Column[WorkerInfo]]:
        """Who, whether it lives, how busy it is."""
        return self._columns(width)

    async def fetch(self) -> Sequence[WorkerInfo]:
        """Those that went silent first, the busy before the idle, those that have ended last."""
        found = await self.services.client.list_workers()
        return sorted(found, key=lambda one: (urgency(one.state), -one.busy, one.name))

    def told(self, row: WorkerInfo, width: int, palette: Palette) -> Text:
        """What it holds, and what it can do."""
        held = self._held if self._held and self._held.worker_uuid == row.worker_uuid else None
        return worker_text(row, held, self.services.clock.now(), palette)

    def summary(self, rows: Sequence[WorkerInfo]) -> str:
        """How many live, and how busy they are."""
        alive = [row for row in rows if row.state in ("running", "draining")]
        busy, slots = sum(row.busy for row in alive), sum(row.slots for row in alive)
        return f"{len(alive)} alive of {plural(len(rows), 'worker')}   {count(busy)}/{count(slots)} busy"

    def when_empty(self) -> list[str]:
        """Nobody works."""
        return [
            "No worker has been seen yet.",
            "",
            "One is started by: tasker worker --templates FOLDER --handlers FOLDER",
        ]

    def on_list_screen_arrived(self, event: ListScreen.Arrived) -> None:
        """What they hold may be other than before."""
        self._look_at_held()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another worker."""
        self._look_at_held()

    def on_workers_screen_held(self, event: Held) -> None:
        """Tell of them, if the cursor is still there."""
        self._held = event.held
        self._tell()

    def _look_at_held(self) -> None:
        row = self.table.cursor_row
        if row is not None and row.state != "stopped":
            self._load_held(str(row.worker_uuid))

    @work(group="held", exclusive=True)
    async def _load_held(self, uuid: str) -> None:
        await self.services.clock.sleep(REST_SECONDS)
        try:
            held = await self.services.client.send(worker_steps(uuid))
        except CALL_FAILURES:
            return
        self.post_message(self.Held(held))

    def _show_queues(self) -> None:
        self.app.pop_screen()
        self.services.go(Locator("queues"))
