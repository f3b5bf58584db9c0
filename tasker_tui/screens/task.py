"""One task: a tab above, the selected step below, live. Every tab is a widget of its own (task_tabs)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from engine.model.states import StepState
from engine.model.wire.details import StepDetail
from tasker_tui.actions import Focus, bindings
from tasker_tui.feed import Batch, Live, Reload
from tasker_tui.locator import Locator, to_step, to_task
from tasker_tui.operations import Operations
from tasker_tui.pause_targets import of_task
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.step_report import StepFacts
from tasker_tui.task_loader import TaskLoader
from tasker_tui.task_messages import StepArrived, TaskArrived, TaskFailed, TaskNews, WhyArrived
from tasker_tui.task_report import headline, tab_line
from tasker_tui.task_tabs.base import TaskTab
from tasker_tui.task_tabs.context import ContextTab
from tasker_tui.task_tabs.events import EventsTab
from tasker_tui.task_tabs.gantt import GanttTab
from tasker_tui.task_tabs.graph import GraphTab
from tasker_tui.task_tabs.steps import StepsTab
from tasker_tui.task_view import TaskView
from tasker_tui.text import short_id
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.painting import palette_for, show_titles
from tasker_tui.widgets.step_panel import StepPanel

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
        self._trouble: str | None = None
        self._loader = TaskLoader(self, services, uuid)
        self._tabs: list[TaskTab] = [
            GraphTab(services, self.view, self._empty_text),
            StepsTab(services, self.view),
            GanttTab(services, self.view),
            EventsTab(services, self.view),
            ContextTab(services, self.view),
        ]
        self._tab = self._tabs[0]
        self._operations = Operations(self, services, self._step_changed)

    def compose_body(self) -> ComposeResult:
        """The tabs above, the selected step below."""
        with Vertical(id="task-frame"):
            yield Static(id="task-tabs", markup=False)
            with ContentSwitcher(initial=self._tab.NAME, id="task-tab"):
                yield from self._tabs
        yield StepPanel()

    def on_mount(self) -> None:
        """Load the task and follow it."""
        self._tab.enter()
        self._loader.reload()
        self._loader.follow()

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

    def reload(self) -> None:
        """The task, its steps, and what is told of the selected one."""
        self._loader.reload()

    def handlers(self) -> Handlers:
        """What the keys do."""
        do, end = self._operations, self._operations.end_by_hand
        return {
            "task.step": lambda: self._on_step(
                lambda task, step, _: self.services.go(to_step(task.uuid, step.name))
            ),
            "task.retry": lambda: self._on_step(lambda task, step, all: do.retry(task, [step], all)),
            "task.rerun": lambda: self._on_step(
                lambda task, step, _: do.rerun(
                    task, step, self.view.context or {}, self._open, self._loader.reload
                )
            ),
            "task.resolve": lambda: self._on_step(partial(end, complete=False)),
            "task.complete": lambda: self._on_step(partial(end, complete=True)),
            "task.start_like": lambda: self._on_task(
                lambda task: do.start_like(task, lambda other: self._open(str(other.task_uuid)))
            ),
            "task.pause": lambda: self._on_task(lambda task: do.pause(of_task(task))),
            "task.cancel": lambda: self._on_task(do.cancel),
            "task.next_failed": self._next_failed,
            "task.why": self._look_at_why,
            **{f"task.tab_{tab.NAME}": partial(self._show_tab, tab) for tab in self._tabs},
            "task.pager": lambda: self._on_task(self._page_context),
            "task.back": self.app.pop_screen,
        }

    def on_tick(self) -> None:
        """Durations and waits go on."""
        super().on_tick()
        if self.view.task is not None:
            self._show_title()
            self._tab.second_passed()
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
                    for tab in self._tabs:
                        tab.happened(changes)
                    self._show_states()
                    self._loader.reload_soon()
            case Reload() | Live():
                self._loader.reload_soon()

    def on_task_arrived(self, event: TaskArrived) -> None:
        """Show what was loaded."""
        self._trouble = None
        reshaped = self.view.load(event.task, event.steps)
        if self._selected not in self.view.steps:
            self._selected = self._first_look()
        for tab in self._tabs:
            tab.selected = self._selected
            tab.steps_loaded(reshaped)
        self._fit_frame()
        self._show_states()
        self._load_details()
        self._ask_why()

    def on_task_failed(self, event: TaskFailed) -> None:
        """Say so where the graph would be, if there is none."""
        self._trouble = event.reason
        self._tab.failed()

    def on_step_arrived(self, event: StepArrived) -> None:
        """Complete the panel, if the cursor is still there."""
        if event.uuid == self._selected:
            self._details = event
            self._show_panel()

    def on_why_arrived(self, event: WhyArrived) -> None:
        """Complete the panel."""
        self.view.explain(event.reasons)
        self._show_panel()

    def on_task_tab_chosen(self, event: TaskTab.Chosen) -> None:
        """The cursor moved in a tab."""
        self._select(event.uuid)

    def on_task_tab_note_changed(self) -> None:
        """A tab shows something else."""
        self._fit_frame()
        self._show_title()

    def _select(self, uuid: str) -> None:
        if uuid == self._selected:
            return
        self._selected = uuid
        for tab in self._tabs:
            tab.select(uuid)
        self._show_panel()
        self.show_state()
        self._load_details()

    def _show_tab(self, tab: TaskTab) -> None:
        self._tab.leave()
        self._tab = tab
        self.query_one(ContentSwitcher).current = tab.NAME
        self._fit_frame()
        tab.enter()
        self._show_title()

    def _fit_frame(self) -> None:
        """Leave the room that a small graph does not need to the step below."""
        limit = self._tab.height_limit
        self.query_one("#task-frame").styles.max_height = None if limit is None else limit + FRAME_LINES

    def _show_states(self) -> None:
        """Bring everything up to date that depends on states."""
        for tab in self._tabs:
            tab.states_changed()
        self._show_panel()
        self.show_state()

    def _show_title(self) -> None:
        services = self.services
        names = tuple(tab.NAME for tab in self._tabs)
        tabs = tab_line(names, self._tab.NAME, palette_for(self))
        self.query_one("#task-tabs", Static).update(tabs, layout=False)
        frame = self.query_one("#task-frame")
        title = headline(self.view, services.clock.now(), services.ascii_only)
        show_titles(frame, title, Content(self._tab.note))
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

    def _first_look(self) -> str | None:
        if self._wanted_step and self.view.named(self._wanted_step) is None:
            self.notify(f"this task has no step {self._wanted_step}", severity="warning", markup=False)
        return self.view.first_look(self._wanted_step)

    def _page_context(self, task: TaskRow) -> None:
        from tasker_tui import pager

        context = json.dumps(self.view.context, indent=2, ensure_ascii=False)
        pager.show(self.app, context, f"{task.name}-{short_id(task.uuid)}-context")

    def _next_failed(self) -> None:
        failed = [step.uuid for step in self.view.in_state(StepState.ERROR)]
        after = failed.index(self._selected) + 1 if self._selected in failed else 0
        self._select(failed[after % len(failed)])

    def _look_at_why(self) -> None:
        body = self.query_one("#step-body")
        body.scroll_home(animate=False)
        body.focus()

    def _ask_why_again(self) -> None:
        step, asked, now = self.selected, self._loader.asked_why, self.services.clock.now()
        if step and step.state in MOVING and asked and (now - asked).total_seconds() >= REASON_SECONDS:
            self._ask_why()

    def _ask_why(self) -> None:
        if self.view.unfinished:
            self._loader.ask_why()

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
        self._loader.reload_soon()

    def _load_details(self) -> None:
        if self.selected is not None:
            self._loader.load_step(self.selected.uuid)

    def _empty_text(self) -> str:
        return self.view.trouble or self._trouble or "Loading…"
