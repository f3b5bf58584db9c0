"""A snapshot that somebody holds keeps dead rows, and claims and events don't walk them."""

from __future__ import annotations

from uuid import uuid4

from engine.store.claims import DEPENDENCY_LIMIT
from engine.store.pool import Connection
from tests.gates.plans import buffers_of
from tests.gates.running import a_worker, connected, create, register_bench

DEAD = 500_000
WAITING = 500
BATCH = 50
MOST_BUFFERS = 2_000

# In the same lane as the steps that are to be found, claimed one after another in the last ten minutes.
CHURN = """
INSERT INTO tasker.ready_steps (step_uuid, task_uuid, namespace, handler, priority, ready_at)
SELECT tasker.uuid7(), tasker.uuid7(), 'bench', 'bench.async', 0,
       tasker.now() - interval '10 minutes' + n * interval '10 minutes' / $1
FROM generate_series(1, $1::int) AS n
"""

DEAD_EVENTS = 200_000
MOVED = 50
EVENTS = """
INSERT INTO tasker.domain_events (namespace, task_uuid, step_uuid, claim_no, event, ready)
SELECT 'bench', tasker.uuid7(), tasker.uuid7(), 1, '{}', true FROM generate_series(1, $1::int)
"""


async def test_a_claim_does_not_walk_the_dead_rows_of_a_held_snapshot(quiet_database):
    async with connected(quiet_database) as conn, connected(quiet_database) as holder:
        revision = await register_bench(conn, "linear_async")
        async with holder.transaction(isolation="repeatable_read"):
            await holder.fetchval("SELECT count(*) FROM tasker.tasks")
            await conn.execute(CHURN, DEAD)
            await conn.execute("DELETE FROM tasker.ready_steps")
            await create(conn, revision, WAITING)
            await conn.execute("VACUUM tasker.ready_steps")
            walking = await _buffers_of_claim(conn)
            await conn.execute("SELECT tasker.sweep_lanes()")
            swept = await _buffers_of_claim(conn)
        assert walking > MOST_BUFFERS, "the dead rows are not in the way: this gate tests nothing"
        assert swept <= MOST_BUFFERS


async def test_moving_events_does_not_walk_the_dead_rows_of_a_held_snapshot(quiet_database):
    """The outbox has a mark as well, which an engine keeps: the last id that it has moved."""
    async with connected(quiet_database) as conn, connected(quiet_database) as holder:
        await conn.execute("SELECT tasker.event_queue('bench')")
        async with holder.transaction(isolation="repeatable_read"):
            await holder.fetchval("SELECT count(*) FROM tasker.tasks")
            await conn.execute(EVENTS, DEAD_EVENTS)
            await conn.execute("DELETE FROM tasker.domain_events")
            mark = await conn.fetchval("SELECT last_value FROM tasker.domain_events_id_seq")
            await conn.execute(EVENTS, 2 * MOVED)
            await conn.execute("VACUUM tasker.domain_events")
            move = "count(*) FROM tasker.publish_domain_events($1, $2)"
            marked = await buffers_of(conn, move, MOVED, mark)
            walking = await buffers_of(conn, move, MOVED, 0)
        assert await conn.fetchval("SELECT count(*) FROM pgmq.q_bench_domain_events") == 2 * MOVED
        assert walking > MOST_BUFFERS, "the dead rows are not in the way: this gate tests nothing"
        assert marked <= MOST_BUFFERS


async def _buffers_of_claim(conn: Connection) -> int:
    worker = a_worker()
    return await buffers_of(
        conn, "count(*) FROM tasker.claim_steps($1, $2, $3, $4, $5, $6, $7)", worker.worker_uuid, uuid4(),
        worker.namespaces, worker.handlers, BATCH, worker.lease, DEPENDENCY_LIMIT,
    )  # fmt: skip
