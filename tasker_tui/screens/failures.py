"""What failed, grouped by what the errors have in common: the largest group first, each repaired at once."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from engine.client.failures import list_failures
from engine.model.wire.bulk import BulkFilter, BulkVerb
from engine.model.wire.failures import FailureGroup
from tasker_tui.actions import Focus, bindings
from tasker_tui.bulk_operations import BulkOperations
from tasker_tui.locator import to_task
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.services import Services
from tasker_tui.text import plural
from tasker_tui.themes import Palette
from tasker_tui.widgets.failure_columns import FailureColumns, group_text
from tasker_tui.widgets.virtual_table import Column, VirtualTable

SHOWN_GROUPS = 500


class FailuresScreen(ListScreen[FailureGroup]):
    """Lists the groups."""

    SCOPES = ("failures",)
    BINDINGS = bindings("failures")
    TITLE_WORD = "Failures"
    PLACE = "failures"

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._columns = FailureColumns(services.clock, services.ascii_only)
        self._bulk = BulkOperations(self, services, self.reload)

    def focus_state(self) -> Focus:
        """The group under the cursor."""
        return Focus(connected=self.services.link.live, group=self.table.cursor_row)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "failures.open": self._open_sample,
            "failures.retry": lambda: self._do(BulkVerb.RETRY),
            "failures.resolve": lambda: self._do(BulkVerb.RESOLVE),
            "failures.back": self.app.pop_screen,
        }

    def key_of(self, row: FailureGroup) -> str:
        """Its signature."""
        return row.signature

    def columns(self, width: int) -> Sequence[Column[FailureGroup]]:
        """How many, what, where, since when."""
        return self._columns(width)

    async def fetch(self) -> Sequence[FailureGroup]:
        """The groups, the largest first."""
        return (await self.services.client.send(list_failures(limit=SHOWN_GROUPS))).groups

    def told(self, row: FailureGroup, width: int, palette: Palette) -> Text:
        """Where it failed, and the newest failure in full."""
        return group_text(row, width, palette)

    def summary(self, rows: Sequence[FailureGroup]) -> str:
        """How much failed."""
        steps = sum(group.failed_steps for group in rows)
        return f"{plural(steps, 'step')} in {plural(len(rows), 'group')}"

    def when_empty(self) -> list[str]:
        """All is well."""
        return ["Nothing has failed.", "", "esc leads back to the tasks."]

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Two clicks open."""
        self._open_sample()

    def _open_sample(self) -> None:
        group = self.table.cursor_row
        if group is not None:
            self.services.go(to_task(str(group.sample.task_uuid), group.sample.step))

    def _do(self, verb: BulkVerb) -> None:
        group = self.table.cursor_row
        if group is not None:
            self._bulk.ask(verb, BulkFilter(signature=group.signature))
