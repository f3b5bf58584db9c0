"""A snapshot that somebody holds keeps dead rows, and claims and events don't walk them."""

from __future__ import annotations

from uuid import uuid4

from engine.store.backlog import Kind, backlog
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


DEAD_COUNTED = 40_000
MOST_COUNTING = 100
RESULTS = """
INSERT INTO tasker.unprocessed_results (task_uuid) SELECT tasker.uuid7() FROM generate_series(1, $1::int)
"""


async def test_counting_what_waits_does_not_walk_the_dead_rows_of_a_held_snapshot(gate_server):
    """Results and events are counted from the marks that the last count gave."""
    async with gate_server.new_database() as dsn, connected(dsn) as conn, connected(dsn) as holder:
        async with holder.transaction(isolation="repeatable_read"):
            await holder.fetchval("SELECT count(*) FROM tasker.tasks")
            for statement in (RESULTS, EVENTS):
                await conn.execute(statement, DEAD_COUNTED)
            await conn.execute("DELETE FROM tasker.unprocessed_results")
            await conn.execute("DELETE FROM tasker.domain_events")
            empty = await _marks(conn, {})
            for statement in (RESULTS, EVENTS):
                await conn.execute(statement, MOVED)
            await conn.execute("VACUUM tasker.unprocessed_results, tasker.domain_events")
            depths = {one.kind: one.depth for one in await backlog(conn, 100_000, empty)}
            assert depths == {"results": MOVED, "events": MOVED}
            count = "count(*) FROM tasker.backlog_above($1, $2, $3)"
            walking = await buffers_of(conn, count, 100_000, 0, 0)
            # The last marks, below the oldest that waits: no step further than the first ones.
            marks = await _marks(conn, {})
            assert marks == empty
            marked = await buffers_of(conn, count, 100_000, marks["results"], marks["events"])
        assert walking > 5 * MOST_COUNTING, "the dead rows are not in the way: this gate tests nothing"
        assert marked <= MOST_COUNTING


async def _marks(conn: Connection, before: dict[Kind, int]) -> dict[Kind, int]:
    found = await backlog(conn, 100_000, before)
    return {one.kind: one.low_mark for one in found if one.low_mark is not None}


async def _buffers_of_claim(conn: Connection) -> int:
    worker = a_worker()
    return await buffers_of(
        conn, "count(*) FROM tasker.claim_steps($1, $2, $3, $4, $5, $6, $7)", worker.worker_uuid, uuid4(),
        worker.namespaces, worker.handlers, BATCH, worker.lease, DEPENDENCY_LIMIT,
    )  # fmt: skip
