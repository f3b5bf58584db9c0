"""Which tasks a list shows, as conditions that PostgreSQL answers from an index.

Tasks are listed by their uuid, which is by their time of creation. A filter is split into alternatives,
each with an index of its own: running tasks from `tasks_active`, those that ended badly from
`tasks_ended_badly`, those of few templates from `tasks_template`, a task's children from
`tasks_correlation`, those that are blocked or failed in some way from their failed steps, those that are
stuck for a reason from the tables of such steps, the rest from the primary key. Tag and correlation id have
indexes of their own, which are used where few tasks have them. Initiator and source system have none: they
are looked at on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.model.states import TASK_TERMINAL, TaskState
from engine.store.why_filter import stuck_for

ACTIVE = tuple(state for state in TaskState if state not in TASK_TERMINAL)
ENDED_BADLY = (TaskState.ERROR, TaskState.CANCELLED, TaskState.RESOLVED_MANUALLY)

STATUS_WORDS: dict[str, tuple[TaskState, ...]] = {
    **{state.value: (state,) for state in TaskState},
    # The two values of the reference's own list: it knows finished tasks and others.
    "completed": (TaskState.COMPLETE,),
    "pending": ACTIVE,
    "active": ACTIVE,
    "failed": (TaskState.BLOCKED_BY_FAILURES, TaskState.ERROR),
    "all_complete": (TaskState.COMPLETE,),
    "processing": (TaskState.STEPS_IN_PROCESS,),
    "has_ready_steps": (TaskState.STEPS_IN_PROCESS,),
}
"""What `status` may be: a state, a word of the reference, or one of an execution status (reference 2.4)."""

CLOCK_DRIFT = timedelta(minutes=1)
"""Between a task's `created_at` and the time inside its uuid, which bounds the part of the index to read."""


WITH_FAILED_STEPS = "t.task_uuid = ANY (ARRAY (SELECT DISTINCT f.task_uuid FROM tasker.failed_steps f))"
"""A condition on tasks. The array says to look them up; of a join it would be the planner's guess."""

_FAILED_AS = (
    "t.task_uuid = ANY (ARRAY (SELECT DISTINCT f.task_uuid FROM tasker.failed_steps f "
    "WHERE f.signature = ANY ({signatures}::text[])))"
)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """What tasks must be like; None and empty mean any.

    `template_ids` is what namespace, template and version come to. `q` is found in an id's beginning
    (`id_range`, both ends included) or in a template's name (`q_template_ids`). `whys` are reasons of which a
    step has one, `signatures` those of failures of which a step in error has one.
    """

    template_ids: Sequence[int] | None = None
    states: frozenset[TaskState] = frozenset()
    tag: str | None = None
    initiator: str | None = None
    source_system: str | None = None
    correlation_id: UUID | None = None
    parent_correlation_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    id_range: tuple[UUID, UUID] | None = None
    q_template_ids: Sequence[int] | None = None
    whys: frozenset[str] = frozenset()
    signatures: Sequence[str] = ()


@dataclass(slots=True)
class Query:
    """SQL in the making: `add` gives the placeholder of a value."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Conditions on `tasker.tasks t` that hold together. With `templates` (a placeholder) the tasks are read
    template by template."""

    conditions: tuple[str, ...]
    templates: str | None = None


def alternatives(wanted: TaskFilter, query: Query, more: Sequence[str] = ()) -> list[Alternative]:
    """The filter as alternatives, any of which may hold; `more` conditions are added to each. None: no task
    can be wanted."""
    common = (*more, *_common(wanted, query))
    return [
        _alternative(
            (*common, *state, *match), template_ids, query, by_state=bool(state) and state != _COMPLETE
        )
        for match, template_ids in _matches(wanted, query)
        for state in _states(wanted.states, query)
    ]


_COMPLETE = ("t.state = 'complete'",)


def _alternative(
    conditions: tuple[str, ...], template_ids: Sequence[int] | None, query: Query, *, by_state: bool
) -> Alternative:
    if template_ids is None:
        return Alternative(conditions)
    templates = query.add(list(template_ids))
    if by_state:
        return Alternative((*conditions, f"t.template_id = ANY ({templates}::int[])"))
    return Alternative(conditions, templates)


def _common(wanted: TaskFilter, query: Query) -> list[str]:
    found = []
    if wanted.tag is not None:
        found.append(f"t.tags @> ARRAY[{query.add(wanted.tag)}::text] AND t.tags <> '{{}}'")
    if wanted.initiator is not None:
        found.append(f"t.initiator = {query.add(wanted.initiator)}")
    if wanted.source_system is not None:
        found.append(f"t.source_system = {query.add(wanted.source_system)}")
    if wanted.correlation_id is not None:
        found.append(f"t.correlation_id = {query.add(wanted.correlation_id)}")
    if wanted.parent_correlation_id is not None:
        found.append(f"t.parent_correlation_id = {query.add(wanted.parent_correlation_id)}")
    if wanted.whys:
        found += stuck_for(wanted.whys, query.add)
    if wanted.signatures:
        found.append(_FAILED_AS.format(signatures=query.add(wanted.signatures)))
    if wanted.since is not None:
        found.append(f"t.created_at >= {query.add(wanted.since)}")
        found.append(f"t.task_uuid >= tasker.uuid7_floor({query.add(wanted.since - CLOCK_DRIFT)})")
    if wanted.until is not None:
        found.append(f"t.created_at < {query.add(wanted.until)}")
        found.append(f"t.task_uuid < tasker.uuid7_floor({query.add(wanted.until + CLOCK_DRIFT)})")
    return found


def _states(states: frozenset[TaskState], query: Query) -> list[tuple[str, ...]]:
    if not states:
        return [()]
    found: list[tuple[str, ...]] = []
    active = [state.value for state in ACTIVE if state in states]
    if len(active) == len(ACTIVE):
        found.append(("t.completed_at IS NULL",))
    elif active:
        conditions = ["t.completed_at IS NULL", f"t.state = ANY ({query.add(active)}::tasker.task_state[])"]
        if active == [TaskState.BLOCKED_BY_FAILURES.value]:
            conditions.append(WITH_FAILED_STEPS)
        found.append(tuple(conditions))
    for state in ENDED_BADLY:
        if state in states:
            value = query.add(state.value)
            found.append(("t.final_state <> 'complete'", f"t.final_state = {value}::tasker.task_state"))
    if TaskState.COMPLETE in states:
        found.append(_COMPLETE)
    return found


def _matches(wanted: TaskFilter, query: Query) -> list[tuple[tuple[str, ...], Sequence[int] | None]]:
    """The ways in which a task can fit `q`: conditions, and the templates that it may be of."""
    ids = wanted.template_ids
    found: list[tuple[tuple[str, ...], Sequence[int] | None]] = []
    if wanted.id_range is None and wanted.q_template_ids is None:
        found.append(((), ids))
    if wanted.id_range is not None:
        low, high = wanted.id_range
        found.append(((f"t.task_uuid BETWEEN {query.add(low)} AND {query.add(high)}",), ids))
    if wanted.q_template_ids is not None:
        found.append(((), [one for one in wanted.q_template_ids if ids is None or one in ids]))
    return [(conditions, ids) for conditions, ids in found if ids is None or ids]


def tasks_of(one: Alternative) -> str:
    """The statement that selects the uuids of an alternative's tasks."""
    conditions = one.conditions
    if one.templates is not None:
        conditions = (f"t.template_id = ANY ({one.templates}::int[])", *conditions)
    return f"SELECT t.task_uuid FROM tasker.tasks t {where(conditions)}"


def where(conditions: Sequence[str]) -> str:
    """The clause of some conditions that hold together; empty for none."""
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def id_range_of(prefix: str) -> tuple[UUID, UUID] | None:
    """The uuids that begin with a text, as the first and the last of them; None if none can."""
    digits = prefix.replace("-", "").lower()
    if not 0 < len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
