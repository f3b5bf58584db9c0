"""How a state looks: a shape, a letter, a word and a tone; never colour alone (reference tui 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.model.states import StepState, TaskState

Tone = Literal["idle", "queued", "running", "waiting", "ok", "failed", "stopped", "manual"]
LOUDEST_FIRST: tuple[Tone, ...] = (
    *("failed", "waiting", "running", "queued"),
    *("idle", "stopped", "manual", "ok"),
)
"""What matters most to an operator comes first."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One state's looks. The shape is one cell wide; the letter stands for it in ASCII mode."""

    shape: str
    letter: str
    word: str
    tone: Tone

    def glyph(self, ascii_only: bool) -> str:
        """The shape, or the letter where shapes cannot be shown."""
        return self.letter if ascii_only else self.shape


STEP_MARKS: dict[StepState, Mark] = {
    StepState.PENDING: Mark("○", "P", "pending", "idle"),
    StepState.ENQUEUED: Mark("◎", "Q", "enqueued", "queued"),
    StepState.IN_PROGRESS: Mark("●", "R", "running", "running"),
    StepState.ENQUEUED_FOR_ORCHESTRATION: Mark("◔", "O", "reported", "running"),
    StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION: Mark("◕", "F", "reported error", "waiting"),
    StepState.WAITING_FOR_RETRY: Mark("↻", "W", "retrying", "waiting"),
    StepState.COMPLETE: Mark("✓", "C", "complete", "ok"),
    StepState.ERROR: Mark("✗", "E", "error", "failed"),
    StepState.CANCELLED: Mark("⊘", "X", "cancelled", "stopped"),
    StepState.RESOLVED_MANUALLY: Mark("⊙", "M", "resolved", "manual"),
}

TASK_MARKS: dict[TaskState, Mark] = {
    TaskState.PENDING: Mark("○", "P", "pending", "idle"),
    TaskState.INITIALIZING: Mark("◌", "I", "starting", "queued"),
    TaskState.ENQUEUING_STEPS: Mark("◎", "Q", "enqueuing", "queued"),
    TaskState.STEPS_IN_PROCESS: Mark("●", "R", "running", "running"),
    TaskState.EVALUATING_RESULTS: Mark("◔", "V", "evaluating", "running"),
    TaskState.WAITING_FOR_DEPENDENCIES: Mark("◷", "D", "waiting", "waiting"),
    TaskState.WAITING_FOR_RETRY: Mark("↻", "W", "retrying", "waiting"),
    TaskState.BLOCKED_BY_FAILURES: Mark("✗", "B", "blocked", "failed"),
    TaskState.COMPLETE: Mark("✓", "C", "complete", "ok"),
    TaskState.ERROR: Mark("✗", "E", "error", "failed"),
    TaskState.CANCELLED: Mark("⊘", "X", "cancelled", "stopped"),
    TaskState.RESOLVED_MANUALLY: Mark("⊙", "M", "resolved", "manual"),
}

FAILING_TASKS = (TaskState.BLOCKED_BY_FAILURES, TaskState.ERROR)
"""Tasks that need an operator."""
