"""Running steps again: failed ones, done ones with all that comes after them, with other inputs too."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from engine.model.canonical import canonical_json
from engine.model.given_inputs import patched_inputs
from engine.model.merge_patch import merge_patch
from engine.model.payload import PayloadRejected, dump_json, load_json
from engine.model.wire.reruns import RerunStep, RetryRequest
from engine.store.pool import Connection, transaction

_RERUN = "SELECT step_uuid, name, old_state::text, effect, chosen FROM tasker.rerun_steps($1, $2, $3, $4)"
_RETRY_TASK = "SELECT step_uuid, name, old_state::text, effect, chosen FROM tasker.retry_tasks($1, $2, $3)"
_RESET = """
    SELECT r.step_uuid, s.name, r.old_state::text, 'enqueued' AS effect, true AS chosen
    FROM tasker.reset_steps($1, $2, $3) r JOIN tasker.steps s USING (step_uuid)
    WHERE r.done ORDER BY r.step_uuid
"""


class UnknownStep(LookupError):
    """The task has no step of that name or uuid; `hint` names one that is near."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"the task has no step {name}")
        self.hint = hint


class EditRefused(Exception):
    """An edit that can't be made: the step isn't retried, or what came out can't be kept."""


class BadEdit(EditRefused):
    """The patched inputs or settings can't be kept; `where` is the field of the request, `error` why."""

    def __init__(self, where: str, error: PayloadRejected) -> None:
        super().__init__(f"{where}: {error}")
        self.where = where
        self.error = error


class TaskStep(NamedTuple):
    """A step of a task, as far as choosing one goes."""

    step_uuid: UUID
    name: str
    state: str


async def task_steps(conn: Connection, task_uuid: UUID) -> list[TaskStep]:
    """The steps of a task."""
    rows = await conn.fetch(
        "SELECT step_uuid, name, state::text FROM tasker.steps WHERE task_uuid = $1 ORDER BY step_uuid",
        task_uuid,
    )
    return [TaskStep(*row) for row in rows]


def choose(steps: Sequence[TaskStep], wanted: Iterable[str]) -> list[TaskStep]:
    """The steps with these names or uuids, each once; raises UnknownStep."""
    known = {one.name: one for one in steps} | {str(one.step_uuid): one for one in steps}
    chosen: dict[UUID, TaskStep] = {}
    for name in wanted:
        if name not in known:
            names = [one.name for one in steps]
            near = difflib.get_close_matches(name, names, n=1)
            few = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
            raise UnknownStep(name, f"did you mean {near[0]}?" if near else f"it has {few}")
        chosen[known[name].step_uuid] = known[name]
    return list(chosen.values())


@dataclass(frozen=True, slots=True)
class _Edit:
    """The whole new values as JSON text; None leaves a side as it is."""

    step: TaskStep
    inputs: str | None
    settings: str | None


async def retry(
    conn: Connection, task_uuid: UUID, chosen: Sequence[TaskStep], request: RetryRequest
) -> list[RerunStep]:
    """Do what an operator asks for, or see what it would do and undo it; answers what runs again.

    Raises EditRefused where inputs or settings are to change of a step that isn't retried.
    """
    async with transaction(conn, undo=request.dry_run):
        edits = await _edits(conn, task_uuid, chosen, request) if request.edits else []
        rows = await _run_again(conn, task_uuid, chosen, request, _reason(request.reason, edits))
        effects = {row[0]: row[3] for row in rows}
        for edit in edits:
            if (effect := effects.get(edit.step.step_uuid)) in (None, "superseded"):
                why = "made anew by what runs again" if effect else f"{edit.step.state}, and not retried"
                raise EditRefused(
                    f"step {edit.step.name} is {why}: its inputs and settings can't change; leave it out"
                )
            await conn.execute(
                "SELECT tasker.edit_step($1, $2, $3, $4, $5)",
                edit.step.step_uuid, edit.inputs, edit.settings, request.actor, request.reason,
            )  # fmt: skip
    edited = {edit.step.step_uuid for edit in edits}
    return [
        RerunStep(
            step_uuid=row[0],
            name=row[1],
            old_state=row[2],
            effect=row[3],
            chosen=row[4],
            lease_lost=row[2] == "in_progress",
            edited=row[0] in edited,
        )
        for row in rows
    ]


async def _run_again(
    conn: Connection, task_uuid: UUID, chosen: Sequence[TaskStep], request: RetryRequest, reason: str
) -> list[Any]:
    uuids = [one.step_uuid for one in chosen]
    if request.whole_task:
        return await conn.fetch(_RETRY_TASK, [task_uuid], request.actor, reason)
    if request.downstream:
        return await conn.fetch(_RERUN, uuids, request.keep_checkpoint, request.actor, reason)
    rows = await conn.fetch(_RESET, uuids, request.actor, reason)
    if not request.keep_checkpoint:
        done = [row[0] for row in rows]
        await conn.execute("UPDATE tasker.steps SET checkpoint = NULL WHERE step_uuid = ANY ($1)", done)
    return rows


def _reason(reason: str, edits: Sequence[_Edit]) -> str:
    """What the log says of every step that runs again."""
    if not edits:
        return reason
    sides = {"inputs": [edit.inputs for edit in edits], "settings": [edit.settings for edit in edits]}
    what = " and ".join(side for side, values in sides.items() if any(values))
    return f"{reason} (other {what} for {', '.join(edit.step.name for edit in edits)})"


async def _edits(
    conn: Connection, task_uuid: UUID, chosen: Sequence[TaskStep], request: RetryRequest
) -> list[_Edit]:
    """The new inputs and settings of those steps that the patches change, under the task's locks."""
    await conn.execute("SELECT tasker.lock_whole_tasks($1)", [task_uuid])
    rows = await conn.fetch(
        """
        SELECT s.step_uuid, s.name, s.state::text, s.inputs, coalesce(e.new_settings, ts.initialization)
        FROM tasker.steps s
        JOIN tasker.template_steps ts USING (template_step_id)
        LEFT JOIN tasker.step_edits e ON e.edit_id = s.settings_edit
        WHERE s.step_uuid = ANY ($1)
        ORDER BY s.step_uuid
        """,
        [one.step_uuid for one in chosen],
    )
    context = await conn.fetchval("SELECT context FROM tasker.tasks WHERE task_uuid = $1", task_uuid)
    patch_inputs = partial(patched_inputs, load_json(context))
    edits = []
    for row in rows:
        inputs = _patched("inputs", patch_inputs, row[3], request.inputs)
        settings = _patched("handler", merge_patch, row[4], request.handler)
        if inputs is not None or settings is not None:
            edits.append(_Edit(TaskStep(*row[:3]), inputs, settings))
    return edits


def _patched(
    where: str, change: Callable[[Any, Any], Any], old: str | None, patch: dict[str, Any] | None
) -> str | None:
    """The whole new value as JSON text, None where it stays as it is."""
    before = {} if old is None else load_json(old)
    after = change(before, patch or {})
    if canonical_json(after) == canonical_json(before):  # Python finds 1 and true alike
        return None
    try:
        return dump_json(after)
    except PayloadRejected as error:
        raise BadEdit(where, error) from None
