"""Retries and forks, as the server would answer them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine.model.states import STEP_SATISFIES, StepState
from engine.model.wire.reruns import ForkAnswer, ForkStep, RerunStep, RetryAnswer


def run_again(task: Any, verb: str, asked: dict[str, Any]) -> RetryAnswer | ForkAnswer:
    """The answer to a retry or a fork of a `FakeTask`; its steps change unless it is a dry run."""
    roots = [step.name for step in task.steps if not step.parents]
    failed = [step.name for step in task.steps if step.state is StepState.ERROR]
    unnamed = roots if verb == "fork" or asked.get("whole_task") else failed
    named = asked.get("from") or asked.get("steps") or unnamed
    dry_run = asked.get("dry_run", False)
    below = set(named)
    if verb == "fork" or asked.get("downstream") or asked.get("whole_task"):
        for step in task.steps:  # each after its parents
            if below & set(step.parents):
                below.add(step.name)
    if verb == "fork":
        return _fork(task, below, named, dry_run=dry_run)
    able = [s for s in task.steps if s.name in below and (len(below) > 1 or s.state is StepState.ERROR)]
    steps = [
        RerunStep(
            step_uuid=task.step_uuid(step.name), name=step.name, old_state=step.state.value,
            effect="enqueued" if step.name in named else "pending", chosen=step.name in named,
            lease_lost=step.state is StepState.IN_PROGRESS,
            edited=step.name in named and bool(asked.get("inputs")),
        )
        for step in able
    ]  # fmt: skip
    if not dry_run:
        for step in able:
            step.state, step.attempts, step.error = StepState.PENDING, 0, None
    message = f"{len(able)} steps run again" if able else f"{named[0]} is done: say downstream"
    return RetryAnswer(task_uuid=task.uuid, changed=bool(able), dry_run=dry_run, message=message, steps=steps)


def _fork(task: Any, below: set[str], named: list[str], *, dry_run: bool) -> ForkAnswer:
    def effect(step: Any) -> str:
        if step.name in named:
            return "enqueued"
        return "taken_over" if step.name not in below and step.state in STEP_SATISFIES else "pending"

    steps = [
        ForkStep(
            step_uuid=task.step_uuid(step.name), name=step.name, old_state=step.state.value,
            effect=effect(step),
        )
        for step in task.steps
    ]  # fmt: skip
    new = None if dry_run else UUID(int=task.uuid.int ^ 0xF0F0)
    return ForkAnswer(task_uuid=new, forked_from=task.uuid, created=not dry_run, dry_run=dry_run, steps=steps)
