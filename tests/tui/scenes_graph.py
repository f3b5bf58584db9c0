"""Tasks with graphs that are folded."""

from __future__ import annotations

from datetime import timedelta

from engine.model.states import StepState, TaskState
from tests.tui.support import NOW, FakeStep, FakeTask, uuid_at

S = StepState


def fan_out(workers: int, failed: tuple[int, ...] = (), running: int = 0) -> FakeTask:
    """Split, so many workers of which some failed and the last ones run, then merge."""
    started = NOW - timedelta(minutes=2)
    done = {"attempts": 1, "took": 0.8, "state": S.COMPLETE}
    steps = [FakeStep("split", started=0.1, **done)]
    for n in range(workers):
        pack = FakeStep(f"pack_{n:04}", S.COMPLETE, ("split",), 1, started=1 + n / 100, took=0.8,
                        handler="example.pack")  # fmt: skip
        if n in failed:
            pack.state, pack.attempts, pack.error = S.ERROR, 3, {"message": f"no box for {n}"}
        elif n >= workers - running:
            pack.state, pack.took = S.IN_PROGRESS, 0
        steps.append(pack)
    steps.append(FakeStep("merge", S.PENDING, tuple(step.name for step in steps[1:])))
    state = TaskState.BLOCKED_BY_FAILURES if failed else TaskState.STEPS_IN_PROCESS
    return FakeTask(uuid_at(started, 0xFA), "packing", state, steps, started)
