"""What screens ask for is found by index above a long history, and among many tasks that do well."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.model.states import TaskState
from engine.store.claims import FinishedStep, claim, submit
from engine.store.comparison import compare_tasks
from engine.store.failures import failure_groups
from engine.store.grid import read_grid
from engine.store.handlers import read_handlers
from engine.store.logs import task_log
from engine.store.pool import Connection
from engine.store.queues import read_queues
from engine.store.statistics import Span, read_statistics
from engine.store.summary import read_summary
from engine.store.task_filter import ACTIVE, TaskFilter
from engine.store.task_list import PageRequest, list_tasks
from engine.store.timeline import read_timeline
from engine.store.transitions import task_history
from engine.store.why import why_tasks
from tasker_tui.bench.history import seed_finished_tasks
from tests.gates.plans import explained, rows_read, scans_of, told, walks_all
from tests.gates.running import a_worker, connected, create, register_bench, succeeded

LARGE = {"tasks", "steps", "transitions", "step_attempts", "step_logs"}
FINISHED = 8_000
OPEN, FAILED, RUNNING = 200, 30, 20
KNOWN = UUID(int=7)
LIMITED = {"grid"}
"""Of a template that most tasks are of, the newest are found by walking the newest of all."""

MOST_ROWS = 1_000
"""That one scan may read in all its loops: of a page of 50 runs each step, and of failures their tasks."""

AS_IF_OPEN = """
UPDATE tasker.tasks SET completed_at = NULL, final_state = NULL, state = 'steps_in_process'
WHERE task_uuid IN (SELECT task_uuid FROM tasker.tasks WHERE state = 'complete' LIMIT $1)
"""

LOGS = """
INSERT INTO tasker.step_logs (task_uuid, step_uuid, claim_no, attempt, level, message, at)
SELECT task_uuid, step_uuid, 1, 1, 'ERROR', 'refused', now() FROM tasker.steps
"""

Reading = Callable[[Connection, list[UUID]], Awaitable[object]]


@pytest.fixture(scope="module")
async def crowd(gate_server) -> AsyncIterator[tuple[str, list[UUID]]]:
    """Many tasks that have ended and many that are open, of which few failed; and two that were begun."""
    async with gate_server.new_database() as dsn, connected(dsn) as conn:
        revision = await register_bench(conn, "linear_async")
        await seed_finished_tasks(conn, revision, FINISHED)
        worker = a_worker()
        tasks = await create(conn, revision, OPEN)
        await create(conn, await register_bench(conn, "linear_def"), 60)
        held = await claim(conn, worker, uuid4(), FAILED + RUNNING)
        error = '{"error_type": "refused", "message": "no", "retryable": false}'
        results = [FinishedStep(one.step_uuid, one.claim_no, False, None, error, 1) for one in held[:FAILED]]
        results += [succeeded(one) for one in held[FAILED:]]
        await submit(conn, worker, uuid4(), results, keep=RUNNING, claim=0)
        await conn.execute("SELECT tasker.process_results(1000, 'engine:gate')")
        await conn.execute(LOGS)
        await conn.execute(AS_IF_OPEN, FINISHED - 100)
        await conn.execute(
            "UPDATE tasker.tasks SET tags = '{rare}', correlation_id = $2 WHERE task_uuid = $1",
            tasks[7],
            KNOWN,
        )
        await conn.execute("ANALYZE")
        yield dsn, [held[0].task_uuid, held[-1].task_uuid, tasks[-1]]


def grid(template: str, *states: TaskState) -> Reading:
    """The newest 50 runs of a template, or of those in some states."""
    chosen = frozenset(states)
    return lambda conn, _: read_grid(conn, "bench", template, "1.0.0", states=chosen, before=None, limit=50)


def listed(**wanted: Any) -> Reading:
    """The newest 50 tasks that a filter wants."""
    return lambda conn, _: list_tasks(conn, TaskFilter(**wanted), PageRequest(50), "none")


def statistics(conn: Connection, _: list[UUID]) -> Awaitable[object]:
    now = datetime.now(UTC)
    span = Span(now - timedelta(hours=1), now, timedelta(minutes=1))
    return read_statistics(conn, span, template_ids=None, namespace=None, one_template=False)


def failures(conn: Connection, _: list[UUID]) -> Awaitable[object]:
    return failure_groups(conn, namespace=None, template=None, since=None, limit=100)


def whys(conn: Connection, tasks: list[UUID]) -> Awaitable[object]:
    """Of the tasks in a page."""
    return why_tasks(conn, [*tasks, *(uuid4() for _ in range(50))])


READINGS: dict[str, Reading] = {
    "summary": lambda conn, tasks: read_summary(conn, tasks[0]),
    "timeline": lambda conn, tasks: read_timeline(conn, tasks[1], after=None, limit=1000, attempts=20),
    "diff": lambda conn, tasks: compare_tasks(conn, tasks[0], tasks[1], differing_only=True, limit=100),
    "grid": grid("linear_async"),
    "grid of a template with few runs": grid("linear_def"),
    "grid of blocked runs": grid("linear_async", TaskState.BLOCKED_BY_FAILURES),
    "list of blocked tasks": listed(states=frozenset({TaskState.BLOCKED_BY_FAILURES})),
    "list of one kind of failure": listed(signatures=["refused: no"]),
    "list of open tasks of one kind of failure": listed(signatures=["refused: no"], states=frozenset(ACTIVE)),
    "list by correlation": listed(correlation_id=KNOWN),
    "list by tag": listed(tag="rare"),
    "queues": lambda conn, _: read_queues(conn),
    "handlers": lambda conn, _: read_handlers(conn, None, missing_only=False),
    "failures": failures,
    "history": lambda conn, tasks: task_history(
        conn, tasks[0], step_uuid=None, after=0, limit=100, by_hand=True
    ),
    "logs": lambda conn, tasks: task_log(conn, tasks[0], step=None, levels=["ERROR"], after=0, limit=100),
    "statistics": statistics,
    "whys of failed, running and queued tasks": whys,
}


AS_A_BATCH = """
WITH added AS (
    INSERT INTO tasker.steps (step_uuid, task_uuid, template_step_id, name, state, priority,
                              remaining_parents, parents, children, created_at, updated_at)
    SELECT gen_random_uuid(), s.task_uuid, s.template_step_id, s.name || n, 'enqueued', 0, 0, '{}', '{}',
           now(), now()
    FROM tasker.steps s, generate_series(1, 3000) n WHERE s.task_uuid = $1 AND s.state = 'enqueued'
    RETURNING *)
INSERT INTO tasker.ready_steps (step_uuid, task_uuid, namespace, handler, priority, ready_at)
SELECT a.step_uuid, a.task_uuid, ts.namespace, ts.handler, a.priority, now()
FROM added a JOIN tasker.template_steps ts USING (template_step_id)
"""


async def test_why_a_task_with_thousands_of_queued_steps_waits_takes_a_look_at_some(
    crowd: tuple[str, list[UUID]],
) -> None:
    dsn, tasks = crowd
    async with connected(dsn) as conn:
        changes = conn.transaction()
        await changes.start()
        await conn.execute(AS_A_BATCH, tasks[-1])
        async with explained(conn) as plans:
            (reason,) = await why_tasks(conn, tasks[-1:])
        await changes.rollback()
    assert reason.state == "enqueued"
    scans = [node for node in scans_of(plans, {*LARGE, "ready_steps"}) if node["Actual Loops"]]
    assert scans
    assert told(node for node in scans if rows_read(node) > MOST_ROWS) == ""


@pytest.mark.parametrize("name", READINGS)
async def test_it_is_found_by_index(crowd: tuple[str, list[UUID]], name: str) -> None:
    dsn, tasks = crowd
    async with connected(dsn) as conn, explained(conn) as plans:
        assert await READINGS[name](conn, tasks)
    assert plans, "no plan was told"
    scans = [node for node in scans_of(plans, LARGE) if node["Actual Loops"]]
    assert told(node for node in scans if node["Node Type"] == "Seq Scan") == ""
    if name not in LIMITED:
        assert told(node for node in scans if walks_all(node)) == ""
    assert told(node for node in scans if rows_read(node) > MOST_ROWS) == ""
