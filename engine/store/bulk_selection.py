"""Selecting the items of a bulk operation: a filter becomes rows that stay, and a preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from engine.model.payload import dump_json
from engine.model.states import STEP_SATISFIES, STEP_TERMINAL, StepState, TaskState
from engine.model.wire.bulk import BulkFilter, BulkPreviewRequest, BulkVerb
from engine.store.bulk_preview import preview_of
from engine.store.pool import Connection
from engine.store.task_filter import (
    ACTIVE,
    STATUS_WORDS,
    WITH_FAILED_STEPS,
    Query,
    TaskFilter,
    alternatives,
    tasks_of,
    where,
)
from engine.store.task_list import template_ids

_INSERT = """
    INSERT INTO tasker.bulk_items (bulk_uuid, number, task_uuid, step_uuid)
    SELECT {bulk}, row_number() OVER (ORDER BY f.task_uuid, f.step_uuid), f.task_uuid, f.step_uuid
    FROM ({found}) f
"""
_STEPS = """
    SELECT s.task_uuid, s.step_uuid FROM ({tasks}) u JOIN tasker.steps s ON s.task_uuid = u.task_uuid {where}
    ORDER BY s.task_uuid, s.step_uuid LIMIT {limit}
"""
_TASKS = (
    "SELECT u.task_uuid, NULL::uuid AS step_uuid FROM ({tasks}) u {where} ORDER BY u.task_uuid LIMIT {limit}"
)

_SIGNATURE = """
    EXISTS (SELECT FROM tasker.failed_steps f
            WHERE f.step_uuid = s.step_uuid AND f.signature = ANY ({signatures}))
"""
# Of a step that will be tried again, which is not in error: the signature of its last attempt.
_LAST_SIGNATURE = """
    EXISTS (SELECT FROM tasker.step_attempts a
            WHERE a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no
              AND NOT a.success
              AND tasker.failure_signature(a.details ->> 'error_type', a.details ->> 'message')
                  = ANY ({signatures}))
"""
_NAME = """
    (s.name = {name} OR EXISTS (SELECT FROM tasker.template_steps ts
                                WHERE ts.template_step_id = s.template_step_id AND ts.name = {name}))
"""
_OPERATION = """
    INSERT INTO tasker.bulk_operations
        (bulk_uuid, verb, filter, step_states, result, preview, items, created_at, expires_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, c.now, c.now + interval '15 minutes'
    FROM (SELECT tasker.now() AS now) c
"""


class SelectionRefused(Exception):
    """The filter selects too much, or nothing that the verb could act on; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


FAILED_STEPS = frozenset({StepState.ERROR, StepState.WAITING_FOR_RETRY})
FAILED_TASKS = STATUS_WORDS["failed"]

_STEPS_OF = {
    BulkVerb.RETRY: FAILED_STEPS,
    BulkVerb.RETRY_DOWNSTREAM: FAILED_STEPS | STEP_SATISFIES,
}
"""The states of steps that these verbs can act on; others act on all steps that have not ended."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a verb acts on, narrowed by a filter."""

    task_states: frozenset[TaskState]
    step_states: tuple[StepState, ...]


async def select_items(conn: Connection, asked: BulkPreviewRequest, limit: int) -> UUID:
    """Keep the tasks or steps that a filter wants as the items of a new bulk operation; returns its id.

    All is read from one snapshot. Raises SelectionRefused for more than `limit` items, and for states that
    the verb can't act on.
    """
    bulk_uuid, wanted = uuid4(), _wanted(asked.verb, asked.filter)
    async with conn.transaction(isolation="repeatable_read"):
        count = await _insert(conn, bulk_uuid, asked, wanted, limit)
        if count > limit:
            raise SelectionRefused(
                f"the filter selects more than {limit:,} items", "narrow it, for one by a time window"
            )
        preview = await preview_of(conn, bulk_uuid, asked.verb, len(set(asked.filter.task_uuids)))
        await conn.execute(
            _OPERATION, bulk_uuid, asked.verb.value, asked.filter.model_dump_json(exclude_defaults=True),
            [state.value for state in wanted.step_states],
            None if asked.result is None else dump_json(asked.result), preview.model_dump_json(), count,
        )  # fmt: skip
    return bulk_uuid


def _wanted(verb: BulkVerb, asked: BulkFilter) -> _Wanted:
    steps = _step_states(verb, asked)
    tasks = _possible_tasks(verb, steps)
    if asked.states:
        _refuse_none(verb, "tasks", asked.states, tasks)
        tasks &= frozenset(asked.states)
    elif verb is BulkVerb.RETRY_TASK and not asked.task_uuids:
        tasks = frozenset(FAILED_TASKS)
    return _Wanted(tasks, steps)


def _step_states(verb: BulkVerb, asked: BulkFilter) -> tuple[StepState, ...]:
    if not verb.takes_steps:
        return tuple(asked.step_states)
    # What was not named is what has failed: nobody ends steps that run by a filter that forgot the states.
    if not asked.step_states:
        return (StepState.ERROR,)
    possible = _STEPS_OF.get(verb, frozenset(StepState) - STEP_TERMINAL)
    _refuse_none(verb, "steps", asked.step_states, possible)
    return tuple(state for state in asked.step_states if state in possible)


def _possible_tasks(verb: BulkVerb, steps: tuple[StepState, ...]) -> frozenset[TaskState]:
    if verb is BulkVerb.RETRY_TASK or (
        verb is BulkVerb.RETRY_DOWNSTREAM and not FAILED_STEPS.issuperset(steps)
    ):
        return frozenset(TaskState) - {TaskState.CANCELLED}
    return frozenset(ACTIVE) | ({TaskState.ERROR} if verb.takes_steps else frozenset())


def _refuse_none(
    verb: BulkVerb,
    what: str,
    asked: Sequence[TaskState] | Sequence[StepState],
    possible: frozenset[TaskState] | frozenset[StepState],
) -> None:
    if not possible.intersection(asked):
        named = ", ".join(asked)
        raise SelectionRefused(
            f"{verb} does nothing to {what} that are {named}",
            f"it acts on {what} that are {', '.join(sorted(possible))}",
        )


async def _insert(
    conn: Connection, bulk_uuid: UUID, asked: BulkPreviewRequest, wanted: _Wanted, limit: int
) -> int:
    query = Query()
    bulk = f"{query.add(bulk_uuid)}::uuid"
    parts = [
        tasks_of(one)
        for one in alternatives(await _tasks(conn, asked, wanted), query, _more(asked, wanted, query))
    ]
    if not parts:
        return 0
    tasks = " UNION ALL ".join(parts)
    steps = _step_conditions(asked.filter, wanted.step_states, query)
    if asked.verb.takes_steps:
        found = _STEPS.format(tasks=tasks, where=where(steps), limit=limit + 1)
    else:
        inner = f"EXISTS (SELECT FROM tasker.steps s {where(('s.task_uuid = u.task_uuid', *steps))})"
        found = _TASKS.format(tasks=tasks, where=where([inner] if steps else []), limit=limit + 1)
    done = await conn.execute(_INSERT.format(bulk=bulk, found=found), *query.values)
    return int(done.rpartition(" ")[2])


async def _tasks(conn: Connection, asked: BulkPreviewRequest, wanted: _Wanted) -> TaskFilter:
    given = asked.filter
    return TaskFilter(
        template_ids=await template_ids(conn, given.namespace, given.template, given.version),
        states=wanted.task_states,
        correlation_id=given.correlation_id,
        parent_correlation_id=given.parent_correlation_id,
        since=given.created_since,
        until=given.created_until,
        # A step that will be tried again is not in error: it is known by its last attempt alone.
        signatures=given.all_signatures if StepState.WAITING_FOR_RETRY not in wanted.step_states else (),
    )


def _more(asked: BulkPreviewRequest, wanted: _Wanted, query: Query) -> list[str]:
    """The conditions on tasks that lists of tasks don't have."""
    given, found = asked.filter, []
    if given.task_uuids:
        found.append(f"t.task_uuid = ANY ({query.add(given.task_uuids)}::uuid[])")
    if given.updated_since:
        found.append(f"t.updated_at >= {query.add(given.updated_since)}")
    if given.updated_until:
        found.append(f"t.updated_at < {query.add(given.updated_until)}")
    if asked.verb in (BulkVerb.PAUSE, BulkVerb.RESUME):
        paused = "EXISTS (SELECT FROM tasker.pauses p WHERE p.task_uuid = t.task_uuid)"
        found.append(paused if asked.verb is BulkVerb.RESUME else f"NOT {paused}")
    # Tasks without such steps need no look at them.
    if wanted.step_states == (StepState.ERROR,):
        found.append(WITH_FAILED_STEPS)
    elif wanted.step_states == (StepState.WAITING_FOR_RETRY,):
        found.append("t.retrying_steps > 0")
    return found


def _step_conditions(given: BulkFilter, states: Sequence[StepState], query: Query) -> list[str]:
    found = []
    if states:
        found.append(f"s.state = ANY ({query.add([state.value for state in states])}::tasker.step_state[])")
    if given.failed_since:
        found.append(f"s.last_failure_at >= {query.add(given.failed_since)}")
    if given.failed_until:
        found.append(f"s.last_failure_at < {query.add(given.failed_until)}")
    if given.step:
        found.append(_NAME.format(name=query.add(given.step)))
    if given.all_signatures:
        known = _LAST_SIGNATURE if StepState.WAITING_FOR_RETRY in states else _SIGNATURE
        found.append(known.format(signatures=f"{query.add(given.all_signatures)}::text[]"))
    return found
