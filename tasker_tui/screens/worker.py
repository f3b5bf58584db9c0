"""The steps that one worker holds, the one that it holds for longest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.text import Text

from engine.client.queues import worker_steps
from engine.model.wire.queues import WorkerStep, WorkerSteps
from tasker_tui.actions import Focus, bindings
from tasker_tui.locator import Locator, to_task
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.services import Services
from tasker_tui.text import duration, plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE = 90


class WorkerScreen(ListScreen[WorkerStep]):
    """Lists what the worker runs now."""

    SCOPES = ("worker",)
    BINDINGS = bindings("worker")
    TITLE_WORD = "Steps"
    PLACE = "worker"

    def __init__(self, services: Services, uuid: str, query: str) -> None:
        super().__init__(services, query)
        self._uuid = uuid
        self._found: WorkerSteps | None = None

    def heading(self) -> str:
        """Names the worker."""
        return f"Steps of worker {self._uuid}"

    def focus_state(self) -> Focus:
        """Where the step under the cursor leads."""
        return Focus(connected=self.services.link.live, place=self.place)

    def crumbs(self) -> tuple[str, ...]:
        """Below the workers."""
        return ("workers", short_id(self._uuid))

    def locator(self) -> Locator:
        """The worker."""
        return replace(super().locator(), path=(self._uuid,))

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {"worker.open": self.open_selected, "worker.back": self.app.pop_screen}

    def place_of(self, row: WorkerStep) -> Locator:
        """The step in its task."""
        return to_task(str(row.task_uuid), row.step)

    def key_of(self, row: WorkerStep) -> str:
        """Its id."""
        return str(row.step_uuid)

    def columns(self, width: int) -> Sequence[Column[WorkerStep]]:
        """For how long, which step, of what."""
        held = Column("HELD", 7, self._held, "right", rank=lambda row: -row.claimed_at.timestamp())
        task, step = Column("TASK", 8, _task), Column("STEP", 0, _step, rank=lambda row: row.step)
        if width < WIDE:
            return [held, task, step]
        return [
            held,
            task,
            step,
            Column("TEMPLATE", 28, _template, rank=lambda row: f"{row.namespace}/{row.template}"),
            Column("HANDLER", 32, _handler, rank=lambda row: row.handler),
            Column("TRY", 3, _attempt, "right", rank=lambda row: row.attempt),
        ]

    async def fetch(self) -> Sequence[WorkerStep]:
        """What it holds now."""
        self._found = await self.services.client.send(worker_steps(self._uuid))
        return self._found.steps

    def told(self, row: WorkerStep, width: int, palette: Palette) -> Text:
        """All of a step that its row may leave out."""
        now = self.services.clock.now()
        left = (row.expires_at - now).total_seconds()
        kept = (
            f"kept for {duration(left)} more unless it is heard of" if left > 0 else "its lease has run out"
        )
        return Text.assemble(
            (f"{printable(row.step)}  ", palette.strong),
            (f"attempt {row.attempt}, {self._age_of(row)}\n", palette.tone("running")),
            (f"{printable(row.handler)}\n", palette.text),
            (
                f"{printable(row.namespace)}/{printable(row.template)} {printable(row.version)}\n",
                palette.muted,
            ),
            (f"{row.task_uuid}\n{kept}\n", palette.muted),
        )

    def summary(self, rows: Sequence[WorkerStep]) -> str:
        """How many, if not all are shown."""
        held = self._found.held if self._found else len(rows)
        return plural(held, "step") + (f", {len(rows)} shown" if held > len(rows) else "")

    def when_empty(self) -> list[str]:
        """It has nothing to do."""
        return ["This worker holds no step now.", "", "{worker.back} leads back to the workers."]

    def _age_of(self, row: WorkerStep) -> str:
        return duration((self.services.clock.now() - row.claimed_at).total_seconds())

    def _held(self, row: WorkerStep, width: int, palette: Palette) -> Runs:
        return [(self._age_of(row), palette.tone("running"))]


def _task(row: WorkerStep, width: int, palette: Palette) -> Runs:
    return [(short_id(str(row.task_uuid)), palette.muted)]


def _step(row: WorkerStep, width: int, palette: Palette) -> Runs:
    return [(printable(row.step), palette.text)]


def _template(row: WorkerStep, width: int, palette: Palette) -> Runs:
    return [(printable(f"{row.namespace}/{row.template}"), palette.muted)]


def _handler(row: WorkerStep, width: int, palette: Palette) -> Runs:
    return [(printable(row.handler), palette.muted)]


def _attempt(row: WorkerStep, width: int, palette: Palette) -> Runs:
    return [(str(row.attempt), palette.tone("waiting") if row.attempt > 1 else palette.muted)]
