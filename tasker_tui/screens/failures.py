"""What failed, grouped by what the errors have in common: the largest group first, each repaired at once."""

from __future__ import annotations

from collections.abc import Callable

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from engine.client.failures import list_failures
from engine.model.wire.bulk import BulkFilter, BulkVerb
from engine.model.wire.failures import FailureGroup, FailureList
from tasker_tui.actions import Focus, bindings
from tasker_tui.bulk_operations import BulkOperations
from tasker_tui.feed import News
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.text import plural
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.failure_columns import FailureColumns, FailureSource, group_text
from tasker_tui.widgets.painting import palette_for
from tasker_tui.widgets.virtual_table import VirtualTable

RELOAD_SECONDS = 1.0
"""While tasks change, the groups are asked for at most this often."""
SHOWN_GROUPS = 500


class FailuresScreen(OperatorScreen):
    """Lists the groups. `open_task` shows a task."""

    SCOPES = ("failures",)
    BINDINGS = bindings("failures")

    class Arrived(Message):
        """The groups were loaded."""

        def __init__(self, failures: FailureList) -> None:
            super().__init__()
            self.failures = failures

    class Failed(Message):
        """The groups could not be loaded."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    def __init__(self, services: Services, open_task: Callable[[str], object]) -> None:
        super().__init__(services)
        self._source = FailureSource()
        self._open_task = open_task
        self._bulk = BulkOperations(self, services, self._reload)
        self._loaded = False
        self._waiting = False
        self._trouble: str | None = None

    def compose_body(self) -> ComposeResult:
        """The groups, and below them the one under the cursor."""
        with Vertical(id="failures-body"):
            columns = FailureColumns(self.services.clock)
            yield VirtualTable[FailureGroup](self._source, columns, self._empty_lines, id="failures")
            with VerticalScroll(id="failure", can_focus=False):
                yield Static(id="failure-text", markup=False)

    def on_mount(self) -> None:
        """Load the groups."""
        super().on_mount()
        self.table.border_title = "Failures"
        self.table.focus()
        self._reload()

    @property
    def table(self) -> VirtualTable[FailureGroup]:
        """The list's widget."""
        return self.query_one("#failures", VirtualTable)

    def focus_state(self) -> Focus:
        """The group under the cursor."""
        return Focus(connected=self.services.link.live, group=self.table.cursor_row)

    def crumbs(self) -> tuple[str, ...]:
        """Below the list of tasks."""
        return ("tasks", "failures")

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "failures.open": self._open_sample,
            "failures.retry": lambda: self._do(BulkVerb.RETRY),
            "failures.resolve": lambda: self._do(BulkVerb.RESOLVE),
            "failures.back": self.app.pop_screen,
        }

    def on_news(self, news: News) -> None:
        """Something changed: look again soon."""
        super().on_news(news)
        if not self._waiting:
            self._waiting = True
            self._reload_later()

    def on_tick(self) -> None:
        """Ages go on."""
        super().on_tick()
        self.table.refresh()

    def on_failures_screen_arrived(self, event: Arrived) -> None:
        """Show them; the cursor stays with its group."""
        self._loaded, self._trouble = True, None
        self._source.groups = event.failures.groups
        steps = sum(group.failed_steps for group in event.failures.groups)
        self.table.border_subtitle = f"{plural(steps, 'step')} in {plural(self._source.total, 'group')}"
        self.table.rows_moved()
        self._show_group()
        self.show_state()

    def on_failures_screen_failed(self, event: Failed) -> None:
        """Say so, if there is nothing to show."""
        self._trouble = event.reason
        self.table.refresh()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another group."""
        self._show_group()
        self.show_state()

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Two clicks open."""
        self._open_sample()

    def _show_group(self) -> None:
        group, text = self.table.cursor_row, self.query_one("#failure-text", Static)
        width = self.query_one("#failure").scrollable_content_region.width
        text.update(group_text(group, width, palette_for(self)) if group else "")

    def _open_sample(self) -> None:
        group = self.table.cursor_row
        if group is not None:
            self._open_task(str(group.sample.task_uuid))

    def _do(self, verb: BulkVerb) -> None:
        group = self.table.cursor_row
        if group is not None:
            self._bulk.ask(verb, BulkFilter(signature=group.signature))

    @work(group="failures", exclusive=True)
    async def _reload(self) -> None:
        try:
            found = await self.services.client.send(list_failures(limit=SHOWN_GROUPS))
        except CALL_FAILURES as error:
            self.post_message(self.Failed(explain(error)))
        else:
            self.post_message(self.Arrived(found))

    @work(group="failures-later")
    async def _reload_later(self) -> None:
        await self.services.clock.sleep(RELOAD_SECONDS)
        self._waiting = False
        self._reload()

    def _empty_lines(self) -> list[str]:
        if self._trouble:
            return [self._trouble[:1].upper() + self._trouble[1:], "", "It is tried again by itself."]
        if not self._loaded:
            return ["Loading…"]
        return ["Nothing has failed.", "", "esc leads back to the tasks."]
