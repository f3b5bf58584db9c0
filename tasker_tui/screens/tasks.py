"""The home screen: all tasks, newest or oldest first, live; beside them a preview where there is room."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message

from engine.model.bulk import BulkVerb
from tasker_tui.actions import Focus, bindings
from tasker_tui.feed import Batch, Live, News, Reload
from tasker_tui.filters import TaskFilter, begins_key, expand, format_filter, parse_filter
from tasker_tui.keymap import with_keys
from tasker_tui.known_words import KnownWords
from tasker_tui.list_loader import ListLoader, PageArrived, PageFailed, TasksCounted
from tasker_tui.locator import Locator, to_task
from tasker_tui.pause_targets import of_task
from tasker_tui.reasons import most_telling
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.states import FAILING_TASKS
from tasker_tui.task_list import TaskList, nothing_to_show
from tasker_tui.task_marking import TaskMarking
from tasker_tui.task_whys import TaskWhys
from tasker_tui.text import count, printable
from tasker_tui.trouble import CALL_FAILURES
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.filter_completion import FilterCompletion
from tasker_tui.widgets.line_prompt import LinePrompt
from tasker_tui.widgets.painting import show_titles
from tasker_tui.widgets.preview import Preview
from tasker_tui.widgets.task_columns import WHY, TaskColumns
from tasker_tui.widgets.virtual_table import MORE_FIRST, VirtualTable

if TYPE_CHECKING:
    from engine.model.wire.details import StepDetail, StepWhy
    from engine.model.wire.tasks import TaskResponse
    from tasker_tui.operations import Operations

PREVIEW_DELAY = 0.08
"""Seconds that the cursor has to rest before the steps are asked for."""


class TasksScreen(OperatorScreen):
    """Lists the tasks that fit a filter: the first screen, or `over` others, to which it leads back."""

    SCOPES = ("tasks",)
    BINDINGS = bindings("tasks")

    class StepsArrived(Message):
        """The steps for the preview were loaded, and why those that have not ended are where they are."""

        def __init__(self, uuid: str, steps: Sequence[StepRow], reasons: Sequence[StepWhy]) -> None:
            super().__init__()
            self.uuid, self.steps, self.reasons = uuid, steps, reasons

    def __init__(self, services: Services, task_filter: TaskFilter, over: bool = False) -> None:
        super().__init__(services)
        self._over, self._unfiltered = over, task_filter if over else TaskFilter()
        self.list = TaskList(services.clock)
        self.list.narrow(task_filter)
        self._loader = ListLoader(self, services, self.list)
        narrow = partial(self._narrow, settled=False)
        self._marking = TaskMarking(self, services, self.list, changed=self._marks_changed, narrow=narrow)
        self._trouble: str | None = None
        self._words = KnownWords(self.list)
        self._whys = TaskWhys(self, services, self._rows_that_tell_why, self._whys_arrived)

    def compose_body(self) -> ComposeResult:
        """The list, the preview, and the hidden prompt."""
        services = self.services
        with Horizontal(id="tasks-body"):
            columns = TaskColumns(services.clock, services.ascii_only, self._whys.of)
            marked = self._is_marked
            yield VirtualTable[TaskRow](self.list, columns, self._empty_lines, marked=marked, id="tasks")
            yield Preview(services.clock, services.ascii_only)
        suggester = FilterCompletion(self.known_names)
        yield LinePrompt(self._filter_of, "state:failing since:2h text", suggester, begins_key)

    def on_mount(self) -> None:
        """Ask for the first page."""
        self.table.focus()
        self._load()

    @property
    def table(self) -> VirtualTable[TaskRow]:
        """The list's widget."""
        return self.query_one("#tasks", VirtualTable)

    @cached_property
    def _operations(self) -> Operations:
        from tasker_tui.operations import Operations  # what they ask with would slow the start

        return Operations(self, self.services, self._step_changed)

    def focus_state(self) -> Focus:
        """The task under the cursor."""
        return Focus(
            connected=self.services.link.live,
            task=self.table.cursor_row,
            filtered=bool(self.list.filter),
            over=self._over,
            marked=self._marking.count,
        )

    def crumbs(self) -> tuple[str, ...]:
        """The root; over others the way to them as well."""
        return ("tasks", "failures", "tasks") if self._over else ("tasks",)

    def locator(self) -> Locator:
        """The filtered list."""
        return Locator("tasks", query=format_filter(self.list.filter))

    def task_ids(self) -> Iterable[str]:
        """Those that are loaded."""
        return (row.uuid for row in self.list.window.rows)

    def go_to(self, where: Locator) -> None:
        """Narrow the list."""
        self._narrow(parse_filter(where.query))

    def reload(self) -> None:
        """The rows in view, and the preview."""
        self._loader.fetch(self.list.reload())
        self._preview_selected()

    def handlers(self) -> Handlers:
        """What the keys do."""
        marking = self._marking
        return {
            "tasks.open": self._open_selected,
            "tasks.retry": lambda: self._act(BulkVerb.RETRY, self._operations.retry_all_of),
            "tasks.start": self._start,
            "tasks.start_like": lambda: self._with_task(self._start_like),
            "tasks.cancel": lambda: self._act(BulkVerb.CANCEL, self._operations.cancel),
            "tasks.runs": lambda: self._with_task(self._open_runs),
            "tasks.pause": lambda: self._act(
                BulkVerb.PAUSE, lambda task: self._operations.pause(of_task(task))
            ),
            "tasks.resolve": lambda: marking.do(BulkVerb.RESOLVE, self.table.cursor_row),
            "tasks.retry_all": lambda: marking.do_all(BulkVerb.RETRY),
            "tasks.cancel_all": lambda: marking.do_all(BulkVerb.CANCEL),
            "tasks.mark": lambda: self._with_task(self._toggle_mark),
            "tasks.range": lambda: self._with_task(marking.range),
            "tasks.mark_all": marking.mark_all,
            "tasks.unmark": marking.unmark,
            "tasks.undo": lambda: marking.undo(-1),
            "tasks.redo": lambda: marking.undo(1),
            "tasks.filter": self._open_filter,
            "tasks.failing": self._toggle_failing,
            "tasks.clear": self._clear,
            "tasks.reverse": self._turn,
            "tasks.preview": self._toggle_preview,
        }

    def on_news(self, news: News) -> None:
        """Take rows over; load again where there may be a gap."""
        match news:
            case Batch(rows=rows):
                self._merge(TaskRow.from_answer(row) for row in rows)
            case Reload() | Live(resumed=False):
                self._loader.fetch(self.list.reload())
        self.show_state()

    def on_tick(self) -> None:
        """Ages and durations go on."""
        super().on_tick()
        if self.list.aged():
            self._loader.fetch(self.list.reload())
        now = self.services.clock.now()
        self.table.refresh_rows(lambda row: row.moves_on(now))
        self._whys.look()
        self.query_one(Preview).refresh_text()

    def show_state(self) -> None:
        """Titles as well."""
        super().show_state()
        table, task_filter = self.table, self.list.filter
        order = self.list.order
        parts = ("Tasks", order.title, printable(format_filter(task_filter)), self._marking.describe())
        above = table.hidden_above
        hidden = f"↑ {count(above)} {order.above}   " if above else ""
        title = Content("  ".join(part for part in parts if part))
        show_titles(table, title, Content(hidden + self._counted()))

    def on_virtual_table_view_changed(self, event: VirtualTable.ViewChanged) -> None:
        """Load what has come into view."""
        self.list.look_at(event.first, event.last)
        self._load()
        self._whys.look()
        self.show_state()

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """Another task, or the same one in another state: tell about it."""
        if event.chosen:
            self._marking.extend(self.table.cursor_row)
        self.show_state()
        self._preview_selected()

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Two clicks open."""
        self._open_selected()

    def on_preview_shown(self, event: Preview.Shown) -> None:
        """By its key, or because the terminal has become wider."""
        self._preview_selected()

    def on_line_prompt_changed(self, event: LinePrompt.Changed) -> None:
        """Narrow the list while the filter is typed."""
        self._narrow(self._filter_of(event.text), settled=event.settled)
        if event.settled:
            self.table.focus()

    def on_page_arrived(self, event: PageArrived) -> None:
        """Put the page in and ask for the next one, if the view needs it."""
        if not self.list.take(event.page):
            return
        self._trouble = None
        self._words.meet(event.page.rows)
        self.table.rows_moved()
        self._load()
        if event.page.want.kind == "top" and event.page.more:
            self._loader.count()
        self._whys.look()
        self.show_state()

    def on_tasks_counted(self, event: TasksCounted) -> None:
        """It is no estimate any more."""
        self.list.count(event.request, event.total)
        self.table.rows_moved()
        self.show_state()

    def on_page_failed(self, event: PageFailed) -> None:
        """Say so in the list, if it is empty; the feed tries again."""
        if self.list.failed(event.request):
            self._trouble = event.reason
            self.table.refresh()

    def on_tasks_screen_steps_arrived(self, event: StepsArrived) -> None:
        """Fill the preview, if the cursor is still there."""
        task = self.table.cursor_row
        if task is not None and task.uuid == event.uuid:
            self.query_one(Preview).show(task, event.steps, most_telling(event.reasons))

    def _open_filter(self) -> None:
        self._marking.end_range()
        self.query_one(LinePrompt).open(printable(format_filter(self.list.filter)))

    def _filter_of(self, text: str) -> TaskFilter:
        return parse_filter(expand(text, self.services.saved.all()))

    def _narrow(self, task_filter: TaskFilter, settled: bool = True) -> None:
        self._marking.end_range()
        if task_filter != self.list.filter:
            self.list.narrow(task_filter)
            self._show_anew()
        if settled:
            self._marking.filtered(task_filter)

    def _turn(self) -> None:
        """The oldest tasks have the greatest age."""
        self._marking.end_range()
        self.list.turn()
        self.table.show_order("" if self.list.order.newest_on_top else "AGE", MORE_FIRST)
        self._show_anew()

    def _show_anew(self) -> None:
        self.table.start_anew()
        self._load()
        self.show_state()

    def _clear(self) -> None:
        if self._over and self.list.filter == self._unfiltered:
            self.app.pop_screen()
        else:
            self._narrow(self._unfiltered)

    def _toggle_failing(self) -> None:
        only = TaskFilter(states=FAILING_TASKS)
        self._narrow(self._unfiltered if self.list.filter == only else only)

    def _merge(self, rows: Iterable[TaskRow]) -> None:
        if not self.list.loaded:
            return
        merged = self.list.merge(rows)
        if merged.moved:
            self.table.rows_moved()
        self.table.rows_changed(merged.changed)
        self._load()
        self._whys.look()

    def _load(self) -> None:
        want = self.list.next_want()
        if want is not None:
            self._loader.fetch(want)

    def _toggle_preview(self) -> None:
        preview = self.query_one(Preview)
        preview.display = not preview.display

    def _preview_selected(self) -> None:
        preview, task = self.query_one(Preview), self.table.cursor_row
        if not preview.display:
            return
        preview.show(task, None)
        if task is not None:
            self._fetch_steps(task.uuid)

    @work(group="preview", exclusive=True)
    async def _fetch_steps(self, uuid: str) -> None:
        await self.services.clock.sleep(PREVIEW_DELAY)
        try:
            steps = await self.services.client.list_steps(uuid)
            reasons = await self.services.client.why_task(uuid)
        except CALL_FAILURES:
            return
        self.post_message(self.StepsArrived(uuid, [StepRow.from_answer(step) for step in steps], reasons))

    def _rows_that_tell_why(self) -> Sequence[TaskRow]:
        return self.list.in_view() if self.in_view and WHY in self.table.titles else ()

    def _whys_arrived(self, uuids: Collection[str]) -> None:
        self.table.refresh_rows(lambda row: row.uuid in uuids)

    def _step_changed(self, step: StepDetail) -> None:
        self._preview_selected()

    def _is_marked(self, row: TaskRow) -> bool:
        return row.uuid in self._marking.marks

    def _marks_changed(self) -> None:
        self.table.hold(self._marking.ranging)
        self.table.refresh()
        self.show_state()

    def _toggle_mark(self, row: TaskRow) -> None:
        self._marking.toggle(row)
        self.table.action_do("list.down")

    def _act(self, verb: BulkVerb, one: Callable[[TaskRow], object]) -> None:
        if self._marking.marks:
            self._marking.do(verb)
        else:
            self._with_task(one)

    def _with_task(self, do: Callable[[TaskRow], object]) -> None:
        task = self.table.cursor_row
        if task is not None:
            do(task)

    def _open_selected(self) -> None:
        self._with_task(lambda task: self.services.go(to_task(task.uuid)))

    def _open_runs(self, task: TaskRow) -> None:
        self.services.go(Locator("runs", (task.namespace, task.name, task.version)))

    def _start(self) -> None:
        selected = self.table.cursor_row
        preferred = self.list.filter.template or (selected.name if selected else None)
        self._operations.start(preferred, self._open)

    def _start_like(self, task: TaskRow) -> None:
        self._operations.start_like(task, self._open)

    def _open(self, task: TaskResponse) -> None:
        self.services.go(to_task(str(task.task_uuid)))

    def known_arguments(self) -> dict[str, Sequence[str]]:
        """What can follow commands, as far as it is in memory."""
        return self._words.arguments()

    def known_names(self) -> dict[str, Sequence[str]]:
        """What can follow the keys of a filter, as far as it is in memory."""
        return {"@": list(self.services.saved.all()), **self._words.names()}

    def _counted(self) -> str:
        if not self.list.loaded:
            return "loading…"
        return f"{'' if self.list.counted else '≈ '}{count(self.list.total)}"

    def _empty_lines(self) -> list[str]:
        if self._trouble:
            return [self._trouble[:1].upper() + self._trouble[1:], "", "It is tried again by itself."]
        if not self.list.loaded:
            return ["Loading…"]
        example = self.services.commands.here("tasker task create example/linear_workflow")
        said = nothing_to_show(self.list.filter, self._over, example)
        return [with_keys(self.app, line) for line in said]
