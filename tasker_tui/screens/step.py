"""One step in full: its attempts, its input and result, its error and log, and why it waits; live."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

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
from tasker_tui.screens.base import Handlers, OperatorScreen
from tasker_tui.services import Services
from tasker_tui.step_report import StepFacts, title
from tasker_tui.step_tabs.attempts import AttemptsTab
from tasker_tui.step_tabs.base import StepTab
from tasker_tui.step_tabs.data import DataTab, InputTab, ResultTab
from tasker_tui.step_tabs.logs import LogsTab
from tasker_tui.step_tabs.told import ErrorTab, WhyTab
from tasker_tui.task_loader import TaskLoader
from tasker_tui.task_messages import StepArrived, TaskArrived, TaskFailed, TaskNews, WhyArrived
from tasker_tui.task_report import tab_line
from tasker_tui.task_view import TaskView
from tasker_tui.text import printable, short_id
from tasker_tui.view_models import StepRow, TaskRow
from tasker_tui.widgets.painting import palette_for, show_titles

REASON_SECONDS = 5.0
"""What the step waits for is asked again this often: a queue moves while the step does not."""
FIRST_TABS = {StepState.ERROR: "error", StepState.COMPLETE: "result", StepState.PENDING: "why"}
"""The tab that a step in that state begins with; else the attempts."""


class WholeTab(DataTab):
    """All that the server knows of the step."""

    NAME = "json"
    nothing = ("Loading…",)
    detail: StepDetail | None = None

    def value(self, facts: StepFacts) -> Any:
        """As the API answers it."""
        return self.detail.model_dump(mode="json") if self.detail else None


class StepScreen(OperatorScreen):
    """Shows the step of that name of the task of `uuid`."""

    DEFAULT_CSS = "StepScreen #step-headline { padding: 0 1; }"
    SCOPES = ("step",)
    BINDINGS = bindings("step")

    def __init__(self, services: Services, uuid: str, name: str) -> None:
        super().__init__(services)
        self.view = TaskView(uuid)
        self._step_name = name
        self._details: StepArrived | None = None
        self._trouble = "Loading…"
        self._loader = TaskLoader(self, services, uuid)
        self._whole, self._logs = WholeTab(services), LogsTab(services, uuid)
        first = AttemptsTab(services)
        others = [InputTab(services), ResultTab(services), ErrorTab(services), self._logs, WhyTab(services)]
        self._numbered: list[StepTab] = [first, *others]
        self._tabs: list[StepTab] = [*self._numbered, self._whole]
        self._tab: StepTab = first
        self._before: StepTab = first
        self._chosen = False
        self._operations = Operations(self, services, self._step_changed)

    def compose_body(self) -> ComposeResult:
        """The step in a line, the tabs, one of them."""
        with Vertical(id="task-frame"):
            yield Static(id="step-headline", markup=False)
            yield Static(id="task-tabs", markup=False)
            with ContentSwitcher(initial=self._tab.NAME, id="task-tab"):
                yield from self._tabs

    def on_mount(self) -> None:
        """Load the step and follow it."""
        self._tab.enter()
        self._loader.reload()
        self._loader.follow()

    @property
    def step(self) -> StepRow | None:
        """The step, once it is loaded."""
        return self.view.named(self._step_name)

    def focus_state(self) -> Focus:
        """The task and the step."""
        step = self.step
        wait = step.next_retry_at if step else None
        return Focus(
            connected=self.services.link.live,
            task=self.view.task,
            step=step,
            retry_in=(wait - self.services.clock.now()).total_seconds() if wait else None,
        )

    def crumbs(self) -> tuple[str, ...]:
        """From the list to the step."""
        return ("tasks", short_id(self.view.uuid), self._step_name)

    def locator(self) -> Locator:
        """The step."""
        return to_step(self.view.uuid, self._step_name)

    def reload(self) -> None:
        """The task and the step."""
        self._loader.reload()

    def handlers(self) -> Handlers:
        """What the keys do."""
        do, end, logs = self._operations, self._operations.end_by_hand, self._logs
        why = self._numbered[-1]
        return {
            "step.retry": lambda: self._with_step(lambda task, step, all: do.retry(task, [step], all)),
            "step.rerun": lambda: self._with_step(
                lambda task, step, _: do.rerun(
                    task, step, self.view.context or {}, self._open, self._loader.reload
                )
            ),
            "step.resolve": lambda: self._with_step(partial(end, complete=False)),
            "step.complete": lambda: self._with_step(partial(end, complete=True)),
            **{f"step.tab_{tab.NAME}": partial(self._show_tab, tab) for tab in self._numbered},
            "step.why": partial(self._show_tab, why),
            "step.json": self._change_json,
            "step.pager": self._page,
            "step.search": lambda: self._in_logs(logs.search),
            "step.next": lambda: self._in_logs(lambda: logs.find(1)),
            "step.previous": lambda: self._in_logs(lambda: logs.find(-1)),
            "step.wrap": lambda: self._in_logs(logs.toggle_wrap),
            "step.back": self._back,
        }

    def on_tick(self) -> None:
        """Durations and waits go on."""
        super().on_tick()
        facts = self._facts()
        if facts is None:
            return
        self._logs.second_passed()
        if facts.step.state in (StepState.IN_PROGRESS, StepState.WAITING_FOR_RETRY):
            self._tab.show(facts)
        asked, now = self._loader.asked_why, self.services.clock.now()
        if self.view.unfinished and asked and (now - asked).total_seconds() >= REASON_SECONDS:
            self._loader.ask_why()
        self._show_frame()

    def on_task_news(self, event: TaskNews) -> None:
        """States at once; what transitions do not say is loaded again."""
        match event.news:
            case Batch(changes=changes):
                if self.view.apply(changes):
                    self._show()
                    self._loader.reload_soon()
            case Reload() | Live():
                self._loader.reload_soon()

    def on_task_arrived(self, event: TaskArrived) -> None:
        """Show what was loaded; what the state makes most worth reading comes first."""
        self.view.load(event.task, event.steps)
        step = self.step
        if step is None:
            self._trouble = f"this task has no step {printable(self._step_name)}"
            self._show()
            return
        self._whole.detail = next(found for found in event.steps if found.name == self._step_name)
        if not self._chosen:
            first = FIRST_TABS.get(step.state, self._tab.NAME)
            self._show_tab(next(tab for tab in self._numbered if first == tab.NAME))
        self._loader.load_step(step.uuid)
        if self.view.unfinished:
            self._loader.ask_why()
        self._show()

    def on_task_failed(self, event: TaskFailed) -> None:
        """Say so, if there is nothing to show."""
        self._trouble = event.reason
        self._show_frame()

    def on_step_tab_note_changed(self, event: StepTab.NoteChanged) -> None:
        """Say it at the lower edge."""
        self._show_frame()

    def on_step_arrived(self, event: StepArrived) -> None:
        """Complete the attempts."""
        self._details = event
        self._show()

    def on_why_arrived(self, event: WhyArrived) -> None:
        """Complete the reason."""
        self.view.explain(event.reasons)
        self._show()

    def _show(self) -> None:
        facts = self._facts()
        if facts is not None:
            for tab in self._tabs:
                tab.show(facts)
        self._show_frame()
        self.show_state()

    def _show_frame(self) -> None:
        facts, palette, task = self._facts(), palette_for(self), self.view.task
        line = title(facts, palette) if facts else self._trouble
        self.query_one("#step-headline", Static).update(line)
        names = tuple(tab.NAME for tab in self._numbered)
        tabs = tab_line(names, self._tab.NAME, palette)
        self.query_one("#task-tabs", Static).update(tabs, layout=False)
        frame = self.query_one("#task-frame")
        task_name = f"{task.name} {short_id(task.uuid)}" if task else short_id(self.view.uuid)
        named = Content(printable(f"{self._step_name} of {task_name}"))
        show_titles(frame, named, Content(self._tab.note))

    def _facts(self) -> StepFacts | None:
        step = self.step
        if step is None:
            return None
        return StepFacts(
            step=step,
            parents=self.view.parents_of(step),
            children=self.view.children_of(step),
            context=self.view.context,
            audit=self._details.audit if self._details else None,
            log=(),
            reason=self.view.why(step),
            now=self.services.clock.now(),
            ascii_only=self.services.ascii_only,
        )

    def _show_tab(self, tab: StepTab) -> None:
        self._chosen = True
        self._tab = tab
        self.query_one(ContentSwitcher).current = tab.NAME
        tab.enter()
        self._show_frame()

    def _page(self) -> None:
        from tasker_tui import pager

        pager.show(self.app, self._tab.whole(), f"{self._step_name}-{self._tab.NAME}")

    def _change_json(self) -> None:
        if self._tab is self._whole:
            self._show_tab(self._before)
        else:
            self._before = self._tab
            self._show_tab(self._whole)

    def _in_logs(self, do: Callable[[], object]) -> None:
        if self._tab is not self._logs:
            self._show_tab(self._logs)
        do()
        self._show_frame()

    def _back(self) -> None:
        if self._logs.searching:
            self._logs.close_search()
        else:
            self.app.pop_screen()

    def _with_step(self, do: Callable[[TaskRow, StepRow, list[StepRow]], object]) -> None:
        if self.view.task is not None and self.step is not None:
            do(self.view.task, self.step, list(self.view.steps.values()))

    def _open(self, uuid: str) -> None:
        self.services.go(to_task(uuid))

    def _step_changed(self, step: StepDetail) -> None:
        self.view.put(step)
        self._show()
        self._loader.reload_soon()
