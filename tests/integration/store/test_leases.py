"""Leases as time goes by. The database's clock is moved, not waited for."""

from __future__ import annotations

from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker
from tests.support.workflows import Workflows, step


async def at(conn: Connection, seconds: int) -> None:
    """Let it be so many seconds after the test's begin."""
    await conn.execute(f"SET tasker.clock_offset = '{seconds} s'")


async def expire(conn: Connection) -> int:
    taken: int = await conn.fetchval("SELECT tasker.expire_leases(100, 'engine')")
    return taken


async def test_a_lease_that_is_renewed_lasts(flows: Workflows, conn: Connection) -> None:
    task = await flows.run([step("s1", timeout_seconds="none")])
    worker = HandWorker(conn)
    (claimed,) = await worker.claim()
    for seconds in range(20, 200, 20):
        await at(conn, seconds)
        assert await worker.beat(claimed) == []
        assert await expire(conn) == 0
    await at(conn, 211)
    assert await expire(conn) == 1
    ((_, _, reason),) = await worker.beat(claimed)
    assert reason == "lost"
    assert (await flows.steps(task))["s1"]["state"] == "enqueued"


async def test_past_timeout_and_5_seconds_no_heartbeat_keeps_a_step(
    flows: Workflows, conn: Connection
) -> None:
    """A worker that does not enforce the step's time-out cannot hold it for ever."""
    task = await flows.run([step("s1", timeout_seconds=60)])
    worker = HandWorker(conn)
    (claimed,) = await worker.claim()
    for seconds in (20, 40, 60, 64):
        await at(conn, seconds)
        await worker.beat(claimed)
        assert await expire(conn) == 0
    await at(conn, 66)
    await worker.beat(claimed)
    assert await expire(conn) == 1
    (attempt,) = await flows.attempts(task, "s1")
    assert (attempt["error_type"], attempt["retryable"]) == ("handler_timeout", "true")


async def test_a_heartbeat_renews_what_it_names_alone(flows: Workflows, conn: Connection) -> None:
    """A claim whose answer was lost is never named, and so runs out, whatever else its worker does."""
    await flows.run([step("named", timeout_seconds="none"), step("forgotten", timeout_seconds="none")])
    worker = HandWorker(conn)
    named, forgotten = sorted(await worker.claim(2), key=lambda one: one.name, reverse=True)
    await at(conn, 20)
    await worker.beat(named)
    await at(conn, 31)
    assert await expire(conn) == 1
    assert await worker.beat(named) == []
    ((step_uuid, _, _),) = await worker.beat(forgotten)
    assert step_uuid == forgotten.step_uuid


async def test_another_workers_heartbeat_renews_nothing(flows: Workflows, conn: Connection) -> None:
    await flows.run([step("s1", timeout_seconds="none")])
    (claimed,) = await HandWorker(conn).claim()
    await at(conn, 20)
    await HandWorker(conn).beat(claimed)
    await at(conn, 31)
    assert await expire(conn) == 1
