"""Two transactions at once, stepped by hand: what one did while the other waited is not lost."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import asyncpg
import pytest

from engine.store import claims
from engine.store.claims import ClaimedStep, FinishedStep
from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker, process, process_all
from tests.support.waiting import until
from tests.support.workflows import Workflows, linear, step

END_BY_HAND = "SELECT done FROM tasker.end_step_by_hand($1, $2, true, '{}', NULL, 'ana', 'paid in cash')"


async def waits_for_a_lock(conn: Connection, watched: Connection) -> None:
    """Wait until the backend of `watched` waits for a lock."""
    pid = watched.get_server_pid()

    async def waits() -> bool:
        return bool(await conn.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid))

    await until(waits, "the other transaction waits for a lock")


async def hand_over_behind(conn: Connection, other: Connection, call: str, a: ClaimedStep) -> ClaimedStep:
    """Run `call` in an open transaction of `other`, behind one in which `a` succeeds and hands over."""
    worker = HandWorker(conn)
    transaction = conn.transaction()
    await transaction.start()
    (handed,) = (await worker.succeed(a, keep=1)).held
    await other.execute("BEGIN")
    running = asyncio.create_task(other.fetch(call))
    await waits_for_a_lock(conn, other)
    await transaction.commit()
    await running
    return handed


@pytest.mark.parametrize("how", ["failure", "worker lost", "no handler"])
async def test_a_step_that_ends_while_another_fails_does_not_leave_the_task_behind(
    flows: Workflows, conn: Connection, other: Connection, how: str
) -> None:
    """The failing side can't lock a2, which was handed over while it waited for its locks.

    a → a2 ─┬→ end
    b → b2 ─┘
    """
    worker = HandWorker(conn, lease=0.0 if how == "worker lost" else 30.0)
    task = await flows.run(
        [
            step("a"),
            step("a2", "a"),
            step("b", handler="other", retry={"max_attempts": 1}),
            step("b2", "b"),
            step("end", "a2", "b2"),
        ]
    )
    (a,) = await worker.claim(1)
    handlers = HandWorker(conn, handlers=["other"], lease=0.0 if how == "worker lost" else 30.0)
    if how == "no handler":
        await worker.register()
        call = "SELECT tasker.fail_missing_handlers('0', '1 minute', 'engine')"
    else:
        (b,) = await handlers.claim(1)
        call = "SELECT tasker.expire_leases(100, 'engine')"
        if how == "failure":
            await handlers.fail(b)
            call = "SELECT tasker.process_results(100, 'engine')"
        else:
            # Only b's lease ran out.
            await conn.execute(
                "UPDATE tasker.leases SET expires_at = 'infinity' WHERE step_uuid = $1", a.step_uuid
            )
    handed = await hand_over_behind(conn, other, call, a)
    await worker.succeed(handed)
    await other.execute("COMMIT")
    await process_all(conn)
    states = await flows.states(task)
    assert (states["a2"], states["b"], states["end"]) == ("complete", "error", "pending")
    assert await flows.state(task) == "blocked_by_failures"


async def test_a_retry_is_not_fired_again_before_it_is_due(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    """An engine that saw a retry due waits for the step's lock; meanwhile the step runs and fails again."""
    worker = HandWorker(conn)
    retry = {"backoff": "linear", "backoff_base_ms": 3_600_000, "max_backoff_ms": 3_600_000}
    task = await flows.run([step("s1", retry=retry)])
    (first,) = await worker.claim()
    await worker.fail(first, retry_after=0)
    await process(conn)
    async with conn.transaction():
        await conn.execute("SELECT tasker.fire_retries(100, 'engine')")
        late = asyncio.create_task(other.fetchrow("SELECT * FROM tasker.fire_retries(100, 'other engine')"))
        await waits_for_a_lock(conn, other)
        (second,) = await worker.claim()
        await worker.fail(second)
        await process(conn)
    fired = await late
    assert fired is not None
    assert fired["fired"] == 0
    assert await flows.states(task) == {"s1": "waiting_for_retry"}


async def test_steps_go_on_when_an_operator_ended_what_waits_for_them(
    flows: Workflows, conn: Connection
) -> None:
    worker = HandWorker(conn)
    task = await flows.run([step("a"), step("b", "a"), step("c", "b")])
    (a,) = await worker.claim()
    c = (await flows.steps(task))["c"]
    await conn.execute(
        "SELECT * FROM tasker.end_step_by_hand($1, $2, true, '{}', NULL, 'operator', 'so')",
        task,
        c["step_uuid"],
    )
    assert await flows.state(task) == "steps_in_process"
    (b,) = (await worker.succeed(a, keep=1)).held
    await worker.succeed(b)
    await process_all(conn)
    assert await flows.states(task) == {"a": "complete", "b": "complete", "c": "complete"}
    assert await flows.state(task) == "complete"


async def rerun_behind(conn: Connection, other: Connection, task: UUID, name: str, call: str) -> set[str]:
    """Run a step again in `other`, behind a transaction of `conn` that makes `call`; answers what runs."""
    step_uuid = (await Workflows(conn).steps(task))[name]["step_uuid"]
    async with conn.transaction():
        await conn.fetch(call)
        running = asyncio.create_task(
            other.fetch("SELECT name FROM tasker.rerun_steps($1, true, 'ana', 'again')", [step_uuid])
        )
        await waits_for_a_lock(conn, other)
    return {row["name"] for row in await running}


async def test_a_rerun_takes_back_what_was_handed_over_while_it_waited(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    worker = HandWorker(conn)
    task = await flows.run(linear(3))
    (s2,) = (await worker.succeed(*await worker.claim(), keep=1)).held
    s1 = (await flows.steps(task))["s1"]["step_uuid"]
    async with conn.transaction():
        (s3,) = (await worker.succeed(s2, keep=1)).held
        running = asyncio.create_task(
            other.fetch("SELECT name FROM tasker.rerun_steps($1, true, 'ana', 'again')", [s1])
        )
        await waits_for_a_lock(conn, other)
    assert {row["name"] for row in await running} == {"s1", "s2", "s3"}
    assert await flows.states(task) == {"s1": "enqueued", "s2": "pending", "s3": "pending"}
    assert [one.reason for one in (await worker.succeed(s3)).refused] == ["stale"]


async def test_a_rerun_supersedes_what_a_decision_created_while_it_waited(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    worker = HandWorker(conn)
    task = await flows.run(
        [step("start"), step("decide", "start", type="decision"), step("branch", "decide")]
    )
    (decide,) = (await worker.succeed(*await worker.claim(), keep=1)).held
    outcome = {"decision_point_outcome": {"type": "create_steps", "step_names": ["branch"]}}
    result = FinishedStep(decide.step_uuid, decide.claim_no, True, json.dumps(outcome), None, 1)
    await claims.submit(conn, worker.identity, uuid4(), [result], keep=0, claim=0)
    again = await rerun_behind(conn, other, task, "start", "SELECT tasker.process_results(100, 'engine')")
    assert again == {"start", "decide", "branch"}
    assert await flows.states(task) == {"start": "enqueued", "decide": "pending"}


async def test_of_two_reruns_at_once_the_second_finds_nothing_to_do(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    worker = HandWorker(conn)
    task = await flows.run([step("s1")])
    await worker.succeed(*await worker.claim())
    rerun = "SELECT tasker.retry_tasks(ARRAY (SELECT task_uuid FROM tasker.tasks), 'ana', 'again')"
    assert await rerun_behind(conn, other, task, "s1", rerun) == set()
    assert await flows.states(task) == {"s1": "enqueued"}


async def test_a_task_that_is_cancelled_while_a_rerun_waits_stays_cancelled(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    worker = HandWorker(conn)
    task = await flows.run(linear(2))
    await worker.succeed(*await worker.claim())
    cancel = "SELECT * FROM tasker.cancel_tasks(ARRAY (SELECT task_uuid FROM tasker.tasks), 'ben', 'no')"
    assert await rerun_behind(conn, other, task, "s1", cancel) == set()
    assert await flows.state(task) == "cancelled"


async def test_a_task_that_was_cancelled_when_all_of_it_was_done_stays_cancelled(
    flows: Workflows, conn: Connection
) -> None:
    """An operator had ended a step early, and no engine had looked yet whether the task was complete."""
    worker = HandWorker(conn)
    task = await flows.run(linear(2))
    (s1,) = await worker.claim()
    steps = await flows.steps(task)
    by_hand = "SELECT * FROM tasker.end_step_by_hand($1, $2, true, '{}', NULL, 'ana', 'so')"
    await conn.fetch(by_hand, task, steps["s2"]["step_uuid"])
    await worker.succeed(s1)
    await conn.fetch("SELECT * FROM tasker.cancel_tasks($1, 'ben', 'no')", [task])
    assert await flows.states(task) == {"s1": "complete", "s2": "complete"}
    again = await conn.fetch("SELECT * FROM tasker.retry_tasks($1, 'ana', 'again')", [task])
    assert (again, await flows.state(task)) == ([], "cancelled")


@pytest.mark.parametrize("by_hand", [False, True], ids=["results", "by hand"])
async def test_a_convergence_that_comes_while_its_parents_end_is_not_left_behind(
    flows: Workflows, conn: Connection, other: Connection, database: str, by_hand: bool
) -> None:
    """A decision that chooses no branch brings `end` with two parents, whose results wait meanwhile."""
    worker = HandWorker(conn)
    task = await flows.run(
        [
            step("start"),
            step("decide", "start", type="decision"),
            step("branch", "decide"),
            step("left"),
            step("right"),
            step("end", "branch", "left", "right", type="deferred_convergence"),
        ]
    )
    held = {claimed.name: claimed for claimed in await worker.claim(3)}
    (decide,) = (await worker.succeed(held["start"], keep=1)).held
    outcome = {"decision_point_outcome": {"type": "no_branches"}}
    result = FinishedStep(decide.step_uuid, decide.claim_no, True, json.dumps(outcome), None, 1)
    await claims.submit(conn, worker.identity, uuid4(), [result], keep=0, claim=0)
    third = await asyncpg.connect(database)
    try:
        await conn.execute("BEGIN")
        await process(conn)
        waiting = []
        for connection, name in ((other, "left"), (third, "right")):
            if by_hand:
                ending = connection.fetch(END_BY_HAND, task, held[name].step_uuid)
            else:
                late = HandWorker(connection)
                late.identity = worker.identity
                ending = late.succeed(held[name])
            waiting.append(asyncio.create_task(ending))
            await waits_for_a_lock(conn, connection)
        await conn.execute("COMMIT")
        await asyncio.gather(*waiting)
    finally:
        await third.close()
    assert (await flows.states(task))["end"] == "enqueued"
