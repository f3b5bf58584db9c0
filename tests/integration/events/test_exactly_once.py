"""A durable event is in its queue exactly once if its result was accepted, and never if it was not."""

from __future__ import annotations

import json
import signal
from uuid import uuid4

import asyncpg

from engine.store import claims, engine_calls
from engine.store.claims import ClaimedStep, FinishedStep, SubmitAnswer
from engine.store.pool import open_pool
from tests.integration.events.conftest import ARGUMENTS, Events, event
from tests.support.hand_worker import HandWorker
from tests.support.proxy import proxy_to
from tests.support.stack import Stack
from tests.support.workflows import Workflows, step

PAY = [step("pay", publishes_events=[event("payment.done")])]


async def submit(worker: HandWorker, *steps: ClaimedStep) -> SubmitAnswer:
    """Submit successes with an event each."""
    results = [
        FinishedStep(one.step_uuid, one.claim_no, True, "{}", None, 1, json.dumps([{"event_name": one.name}]))
        for one in steps
    ]
    return await claims.submit(worker.conn, worker.identity, uuid4(), results, keep=0, claim=0)


async def outbox(conn: asyncpg.Connection) -> list[str]:
    rows = await conn.fetch("SELECT event ->> 'event_name' FROM tasker.domain_events ORDER BY id")
    return [row[0] for row in rows]


async def test_a_result_that_is_refused_publishes_nothing(database: str) -> None:
    conn = await asyncpg.connect(database)
    flows = Workflows(conn)
    worker = HandWorker(conn)
    await worker.register()
    lost, cancelled, kept = await flows.create(await flows.register([step("one")]), count=3)
    steps = {one.task_uuid: one for one in await worker.claim(3)}
    mine = [steps[lost].step_uuid], [steps[lost].claim_no]
    await conn.fetchval("SELECT tasker.take_back_steps($1, $2, '{true}', false, 'a test')", *mine)
    await conn.fetch("SELECT count(*) FROM tasker.cancel_tasks($1, 'a test', 'a reason')", [cancelled])
    answer = await submit(worker, *steps.values())
    assert {one.reason for one in answer.refused} == {"stale", "cancelled"}
    rows = await conn.fetch("SELECT task_uuid, namespace, ready FROM tasker.domain_events")
    assert [tuple(row) for row in rows] == [(kept, "test", True)]
    await conn.close()


async def test_events_keep_the_order_of_their_results(database: str) -> None:
    conn = await asyncpg.connect(database)
    flows = Workflows(conn)
    worker = HandWorker(conn)
    await worker.register()
    await flows.run([step(name) for name in "abc"])
    steps = sorted(await worker.claim(3), key=lambda one: one.name, reverse=True)
    await submit(worker, *steps)
    assert await outbox(conn) == ["c", "b", "a"]
    move = "SELECT * FROM tasker.publish_domain_events($1, $2)"
    published, last = await conn.fetchrow(move, 2, 0)
    assert published == 2
    assert tuple(await conn.fetchrow(move, 2, last)) == (1, last + 1)
    assert tuple(await conn.fetchrow(move, 2, last + 1)) == (0, last + 1)
    queued = await conn.fetch("SELECT message ->> 'event_name' FROM pgmq.read('test_domain_events', 0, 9)")
    assert [row[0] for row in queued] == ["c", "b", "a"]
    await conn.close()


async def test_the_queue_is_there_before_the_first_event(database: str) -> None:
    conn = await asyncpg.connect(database)
    flows = Workflows(conn)
    declared = {"fast": [event("a.b", mode="fast")], "Durable": [event("a.b"), event("a.c", mode="fast")]}
    for namespace, events in declared.items():
        await flows.register([step("one", publishes_events=events)], namespace=namespace)
    assert await conn.fetchval("SELECT count(*) FROM pgmq.read('durable_domain_events', 0, 1)") == 0
    assert await conn.fetchval("SELECT to_regclass('pgmq.q_fast_domain_events')") is None
    await conn.close()


async def test_events_that_nobody_will_decide_about_are_forgotten(database: str) -> None:
    conn = await asyncpg.connect(database)
    flows = Workflows(conn)
    worker = HandWorker(conn)
    await worker.register()
    decide = step("decide", "first", type="decision")
    task = await flows.run([step("first"), decide, step("left", "decide")])
    await worker.succeed(*await worker.claim())
    await submit(worker, *await worker.claim())
    pool = await open_pool(database, min_size=1, max_size=1)
    await engine_calls.forget_undecided_events(pool)
    assert await outbox(conn) == ["decide"]
    await conn.fetch("SELECT count(*) FROM tasker.cancel_tasks($1, 'a test', 'a reason')", [task])
    await engine_calls.forget_undecided_events(pool)
    assert await outbox(conn) == []
    await pool.close()
    await conn.close()


async def test_a_submit_whose_answer_was_lost_publishes_once(stack: Stack) -> None:
    await stack.engine()
    events = Events(stack)
    async with proxy_to(stack.dsn) as proxy:
        await stack.worker(lease=300.0, dsn=proxy.dsn)
        proxy.lose_answer_of("submit_results")
        declared = [event("order.made", mode="broadcast")]
        steps = [step("a", publishes_events=declared), step("b", "a", publishes_events=declared)]
        task = await stack.flows.run([*steps, step("c", "b", publishes_events=declared)])
        await stack.flows.reaches(task, "complete")
        assert proxy.lost.is_set()
    published = await events.published(task)
    assert [one["metadata"]["step_name"] for one in published] == ["a", "b", "c"]
    stats = await events.stats()
    assert (stats["router"]["broadcast_routed"], stats["router"]["withdrawn"]) == (3, 0)
    assert stats["in_process_bus"]["total_events_dispatched"] == 3


async def test_a_worker_killed_after_its_commit_publishes_once(stack: Stack) -> None:
    await stack.engine()
    first = await stack.worker(TASKER_CRASH_AT="submit.after")
    task = await stack.flows.run(PAY)
    await first.ended()
    await stack.flows.end_leases()
    await stack.worker()
    await stack.flows.reaches(task, "complete")
    assert await Events(stack).names(task) == ["payment.done"]


async def test_a_worker_that_is_told_to_stop_waits_for_nobody_who_hangs(stack: Stack) -> None:
    worker = await stack.worker(arguments=ARGUMENTS)
    declared = [
        event("stock.endless", mode="fast"),
        event("order.made", mode="fast"),
        event("order.hung", publisher="Hanging"),
    ]
    task = await stack.flows.run([step("order", publishes_events=declared)])
    await stack.flows.reaches(task, "complete")
    worker.signal(signal.SIGTERM)
    assert await worker.ended(timeout=20) == 0
    assert len(await Events(stack).seen("event", task, 2)) == 2


async def test_an_engine_killed_after_it_published_publishes_once(stack: Stack) -> None:
    await stack.worker()
    task = await stack.flows.run(PAY)
    await stack.flows.reaches(task, "complete")
    assert await stack.start_engine(TASKER_CRASH_AT="publish.after").ended() < 0
    assert len(await Events(stack).queue()) == 1
    await stack.engine()
    assert await Events(stack).names(task) == ["payment.done"]
