"""One task: its graph or steps, the selected step below, its context, and what happens, live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import ContentSwitcher, Static

from engine.model.states import StepState
from engine.model.wire import TransitionChange
from engine.model.wire.details import StepDetail
from tasker_tui.actions import Focus, bindings
from tasker_tui.dag.view import DagView
from tasker_tui.feed import Batch, Feed, Live, Reload
from tasker_tui.locator import Locator, to_task
from tasker_tui.operations import Operations
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.screens.task_messages import (
    HistoryArrived,
    StepArrived,
    TaskArrived,
    TaskFailed,
    TaskNews,
    WhyArrived,
)
from tasker_tui.services import Services
from tasker_tui.states import Mark
from tasker_tui.step_report import StepFacts
from tasker_tui.task_report import context_text, event_lines, headline, tab_line
from tasker_tui.task_view import KEPT_EVENTS, TaskView
from tasker_tui.text import short_id
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.painting import palette_for
from tasker_tui.widgets.step_columns import StepColumns, StepSource
from tasker_tui.widgets.step_panel import StepPanel
from tasker_tui.widgets.virtual_table import VirtualTable

TABS = ("graph", "steps", "context", "events")
RELOAD_SECONDS = 0.3
"""What transitions do not say is loaded again at most this often."""
REASON_SECONDS = 5.0
"""What the selected step waits for is asked again this often: a queue moves while the step does not."""
FRAME_LINES = 7
"""Around the graph: border, tabs, a scrollbar, and air."""
MOVING = (StepState.ENQUEUED, StepState.IN_PROGRESS)


class TaskScreen(OperatorScreen):
    """Shows the task of `uuid`; with `step` the cursor begins on the step of that name."""

    SCOPES = ("task",)
    BINDINGS = bindings("task")

    def __init__(self, services: Services, uuid: str, step: str | None = None) -> None:
        super().__init__(services)
        self.view = TaskView(uuid)
        self._wanted_step = step
        self._selected: str | None = None
        self._details: StepArrived | None = None
        self._history_asked = False
        self._trouble: str | None = None
        self._tab = "graph"
        self._reloading = False
        self._asked_why: datetime | None = None
        self._rows = StepSource(lambda: self.view)
        self._operations = Operations(self, services, self._step_changed)

    def compose_body(self) -> ComposeResult:
        """The tabs above, the selected step below."""
        services = self.services
        with Vertical(id="task-frame"):
            yield Static(id="task-tabs", markup=False)
            with ContentSwitcher(initial="graph", id="task-tab"):
                yield DagView(services.ascii_only, self._empty_text, id="graph")
                columns = StepColumns(services.clock, lambda: self.view, services.ascii_only)
                yield VirtualTable[StepRow](self._rows, columns, lambda: ["Loading…"], id="steps")
                with VerticalScroll(id="context"):
                    yield Static(id="context-text", markup=False)
                with VerticalScroll(id="events"):
                    yield Static(id="events-text", markup=False)
        yield StepPanel()

    def on_mount(self) -> None:
        """Load the task and follow it."""
        self.graph.focus()
        self._reload()
        feed = Feed(
            self.services.client,
            self.services.clock,
            lambda news: self.post_message(TaskNews(news)),
            "task",
            self.view.uuid,
        )
        self.run_worker(feed.run(), group="feed")

    @property
    def graph(self) -> DagView:
        """The graph's widget."""
        return self.query_one("#graph", DagView)

    @property
    def selected(self) -> StepRow | None:
        """The step under the cursor."""
        return self.view.steps.get(self._selected or "")

    def focus_state(self) -> Focus:
        """The task and the selected step."""
        step = self.selected
        wait = step.next_retry_at if step else None
        return Focus(
            connected=self.services.link.live,
            task=self.view.task,
            step=step,
            failed_steps=len(self.view.in_state(StepState.ERROR)),
            retry_in=(wait - self.services.clock.now()).total_seconds() if wait else None,
        )

    def crumbs(self) -> tuple[str, ...]:
        """From the list to the step."""
        step = self.selected
        return ("tasks", short_id(self.view.uuid), *([step.name] if step else []))

    def locator(self) -> Locator:
        """The task and the selected step."""
        step = self.selected
        return to_task(self.view.uuid, step.name if step else None)

    def go_to(self, where: Locator) -> None:
        """Select the step."""
        step = self.view.named(where.path[2]) if len(where.path) > 2 else None
        if step is not None:
            self._select(step.uuid)

    def handlers(self) -> Handlers:
        """What the keys do."""
        do, end = self._operations, self._operations.end_by_hand
        return {
            "task.retry": lambda: self._on_step(lambda task, step, all: do.retry(task, [step], all)),
            "task.rerun": lambda: self._on_step(
                lambda task, step, _: do.rerun(task, step, self._open, self._reload)
            ),
            "task.resolve": lambda: self._on_step(partial(end, complete=False)),
            "task.complete": lambda: self._on_step(partial(end, complete=True)),
            "task.pause": lambda: self._on_task(do.pause),
            "task.cancel": lambda: self._on_task(do.cancel),
            "task.next_failed": self._next_failed,
            "task.why": self._look_at_why,
            **{f"task.tab_{tab}": partial(self._show_tab, tab) for tab in TABS},
            "task.back": self.app.pop_screen,
        }

    def on_tick(self) -> None:
        """Durations and waits go on."""
        super().on_tick()
        if self.view.task is not None:
            self._show_title()
            self.query_one("#steps", VirtualTable).refresh_rows(lambda row: row.completed_at is None)
            self._ask_why_again()

    def show_state(self) -> None:
        """The frame's title as well."""
        super().show_state()
        self._show_title()

    def on_task_news(self, event: TaskNews) -> None:
        """States at once; what transitions do not say is loaded again."""
        match event.news:
            case Batch(changes=changes):
                if self.view.apply(changes):
                    self._show_states()
                    self._reload_soon()
            case Reload() | Live():
                self._reload_soon()

    def on_task_arrived(self, event: TaskArrived) -> None:
        """Show what was loaded."""
        self._trouble = None
        reshaped = self.view.load(event.task, event.steps)
        self._rows.refresh()
        if self._selected not in self.view.steps:
            self._selected = self._first_look()
        if reshaped:
            self.graph.recolour(self._marks())
            self.graph.show(self.view.drawing, self._selected)
            self._fit_frame()
        table = self.query_one("#steps", VirtualTable)
        table.rows_moved()
        table.move_to(self._rows.index_of(self._selected or "") or 0)
        self._show_states()
        self._load_details()
        self._ask_why()

    def on_task_failed(self, event: TaskFailed) -> None:
        """Say so where the graph would be, if there is none."""
        self._trouble = event.reason
        self.graph.refresh()

    def on_step_arrived(self, event: StepArrived) -> None:
        """Complete the panel, if the cursor is still there."""
        if event.uuid == self._selected:
            self._details = event
            self._show_panel()

    def on_why_arrived(self, event: WhyArrived) -> None:
        """Complete the panel."""
        self.view.explain(event.reasons)
        self._show_panel()

    def on_history_arrived(self, event: HistoryArrived) -> None:
        """Complete the list of events."""
        self.view.remember(event.changes)
        self._show_events()

    def on_dag_view_moved(self, event: DagView.Moved) -> None:
        """The cursor moved in the graph."""
        self._select(event.node_id)

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """The cursor moved in the list."""
        if event.key is not None and self._tab == "steps":
            self._select(event.key)

    def _select(self, uuid: str) -> None:
        if uuid == self._selected:
            return
        self._selected = uuid
        self.graph.select(uuid)
        self._show_panel()
        self.show_state()
        self._load_details()

    def _show_tab(self, tab: str) -> None:
        self._tab = tab
        self.query_one(ContentSwitcher).current = tab
        self._fit_frame()
        if tab == "steps" and self._selected:
            table = self.query_one("#steps", VirtualTable)
            table.move_to(self._rows.index_of(self._selected) or 0)
        if tab == "events" and not self._history_asked:
            self._history_asked = True
            self._fetch_history()
        self._show_events()
        self.query_one(f"#{tab}").focus()
        self._show_title()

    def _fit_frame(self) -> None:
        """Leave the room that a small graph does not need to the step below."""
        drawing = self.view.drawing
        limit = drawing.height + FRAME_LINES if drawing and self._tab == "graph" else None
        self.query_one("#task-frame").styles.max_height = limit

    def _show_states(self) -> None:
        """Bring everything up to date that depends on states."""
        palette = palette_for(self)
        if self.view.drawing is not None:
            self.graph.recolour(self._marks())
        self.query_one("#steps", VirtualTable).refresh()
        self.query_one("#context-text", Static).update(context_text(self.view, palette))
        self._show_events()
        self._show_panel()
        self.show_state()

    def _show_events(self) -> None:
        if self._tab == "events":
            text = event_lines(self.view, palette_for(self))
            self.query_one("#events-text", Static).update(text)

    def _show_title(self) -> None:
        palette, services = palette_for(self), self.services
        self.query_one("#task-tabs", Static).update(tab_line(TABS, self._tab, palette))
        frame = self.query_one("#task-frame")
        frame.border_title = headline(self.view, services.clock.now(), services.ascii_only)
        facts = self._facts()
        if facts is not None:
            self.query_one(StepPanel).show_title(facts)

    def _show_panel(self) -> None:
        self.query_one(StepPanel).show(self._facts())

    def _facts(self) -> StepFacts | None:
        step = self.selected
        if step is None:
            return None
        details = self._details if self._details and self._details.uuid == step.uuid else None
        return StepFacts(
            step=step,
            parents=self.view.parents_of(step),
            children=self.view.children_of(step),
            context=self.view.context,
            audit=details.audit if details else None,
            log=details.log if details else (),
            reason=self.view.why(step),
            now=self.services.clock.now(),
            ascii_only=self.services.ascii_only,
        )

    def _marks(self) -> list[Mark]:
        assert self.view.drawing is not None
        return [self.view.steps[uuid].mark for uuid in self.view.drawing.graph.ids]

    def _first_look(self) -> str | None:
        if self._wanted_step and self.view.named(self._wanted_step) is None:
            self.notify(f"this task has no step {self._wanted_step}", severity="warning", markup=False)
        return self.view.first_look(self._wanted_step)

    def _next_failed(self) -> None:
        failed = [step.uuid for step in self.view.in_state(StepState.ERROR)]
        after = failed.index(self._selected) + 1 if self._selected in failed else 0
        self._select(failed[after % len(failed)])

    def _look_at_why(self) -> None:
        body = self.query_one("#step-body")
        body.scroll_home(animate=False)
        body.focus()

    def _ask_why_again(self) -> None:
        step, asked, now = self.selected, self._asked_why, self.services.clock.now()
        if step and step.state in MOVING and asked and (now - asked).total_seconds() >= REASON_SECONDS:
            self._ask_why()

    def _ask_why(self) -> None:
        self._asked_why = self.services.clock.now()
        if self.view.unfinished:
            self._fetch_why()

    def _on_task(self, do: Callable[[TaskRow], object]) -> None:
        if self.view.task is not None:
            do(self.view.task)

    def _on_step(self, do: Callable[[TaskRow, StepRow, list[StepRow]], object]) -> None:
        if self.view.task is not None and self.selected is not None:
            do(self.view.task, self.selected, list(self.view.steps.values()))

    def _open(self, uuid: str) -> None:
        self.services.go(to_task(uuid))

    def _step_changed(self, step: StepDetail) -> None:
        self.view.put(step)
        self._show_states()
        self._reload_soon()

    @work(group="task", exclusive=True)
    async def _reload(self) -> None:
        client, uuid = self.services.client, self.view.uuid
        try:
            task, steps = await client.get_task(uuid), await client.list_steps(uuid)
        except CALL_FAILURES as error:
            self.post_message(TaskFailed(explain(error)))
        else:
            self.post_message(TaskArrived(task, steps))

    def _reload_soon(self) -> None:
        if not self._reloading:
            self._reloading = True
            self._reload_later()

    @work(group="task-later")
    async def _reload_later(self) -> None:
        await self.services.clock.sleep(RELOAD_SECONDS)
        self._reloading = False
        self._reload()

    def _load_details(self) -> None:
        step = self.selected
        if step is not None:
            self._fetch_details(step.uuid)

    @work(group="details", exclusive=True)
    async def _fetch_details(self, uuid: str) -> None:
        client = self.services.client
        try:
            audit = await client.step_audit(self.view.uuid, uuid)
            page = await client.step_logs(self.view.uuid, uuid)
        except CALL_FAILURES:
            return
        newest = page.lines[-1].attempt if page.lines else 0
        self.post_message(StepArrived(uuid, audit, [x for x in page.lines if x.attempt == newest]))

    @work(group="why", exclusive=True)
    async def _fetch_why(self) -> None:
        try:
            reasons = await self.services.client.why_task(self.view.uuid)
        except CALL_FAILURES:
            return
        self.post_message(WhyArrived(reasons))

    @work(group="history", exclusive=True)
    async def _fetch_history(self) -> None:
        changes: list[TransitionChange] = []
        after: int | None = 0
        try:
            while after is not None and len(changes) < KEPT_EVENTS:
                page = await self.services.client.task_transitions(self.view.uuid, after=after)
                changes += page.transitions
                after = page.next_after
        except CALL_FAILURES:
            self._history_asked = False
        self.post_message(HistoryArrived(changes))

    def _empty_text(self) -> str:
        return self.view.trouble or self._trouble or "Loading…"
