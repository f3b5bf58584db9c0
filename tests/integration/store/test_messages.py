"""Messages and wake-ups: sent with the change that they tell of, small, and never trusted (reference 4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from engine.messaging.notify import Listener, Notifier
from engine.store.messages import LOST_AT_ONCE, forget_lost_messages, settle_messages, take_unpublished
from engine.store.pool import Connection, Pool, open_pool
from tests.support.hand_worker import HandWorker, process_all
from tests.support.invariants import violations
from tests.support.waiting import until
from tests.support.workflows import Workflows, linear, step

QUEUE = "pgmq.q_worker_test_queue"
ELSEWHERE = "pgmq.q_worker_elsewhere_queue"


async def messages(conn: Connection, queue: str = QUEUE) -> list[dict[str, Any]]:
    """The bodies in a queue, oldest first."""
    rows = await conn.fetch(f"SELECT message FROM {queue} ORDER BY msg_id")
    return [json.loads(row[0]) for row in rows]


class Heard:
    """A channel's notifications, by another connection."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self.conn = conn
        self.payloads: list[str] = []

    @classmethod
    async def on(cls, conn: asyncpg.Connection, channel: str) -> Heard:
        heard = cls(conn)
        await conn.add_listener(channel, lambda *args: heard.payloads.append(args[3]))
        return heard

    async def count(self) -> int:
        """How many came, all that were sent before this call among them."""
        await self.conn.execute("SELECT pg_notify('fence', '')")
        return len(self.payloads)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database, max_size=4)
    yield opened
    await opened.close()


@pytest.mark.scenario(148)
async def test_a_message_and_its_wake_up_are_sent_with_the_step_or_not_at_all(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    heard = await Heard.on(other, "tasker_ready")
    revision = await flows.register([step("a"), step("b"), step("c", "a", "b")])
    transaction = conn.transaction()
    await transaction.start()
    await flows.create(revision)
    assert len(await messages(conn)) == 2
    assert await messages(other) == []
    await transaction.rollback()
    assert await messages(other) == []
    assert await heard.count() == 0
    (task,) = await flows.create(revision)
    steps = await flows.steps(task)
    correlation = await conn.fetchval("SELECT correlation_id FROM tasker.tasks WHERE task_uuid = $1", task)
    assert await messages(other) == [
        {
            "task_uuid": str(task),
            "step_uuid": str(steps[name]["step_uuid"]),
            "correlation_id": str(correlation),
        }
        for name in sorted(("a", "b"), key=lambda name: steps[name]["step_uuid"])
    ]
    assert await heard.count() == 1


@pytest.mark.scenario(148)
async def test_each_namespace_has_its_queue(flows: Workflows, conn: Connection) -> None:
    here = await flows.register([step("a")])
    there = await flows.register([step("a")], "workflow", "elsewhere")
    # One call for both.
    (first,) = await flows.create(here)
    (second,) = await flows.create(there)
    assert [one["task_uuid"] for one in await messages(conn)] == [str(first)]
    assert [one["task_uuid"] for one in await messages(conn, ELSEWHERE)] == [str(second)]
    worker = HandWorker(conn)
    assert [one.task_uuid for one in await worker.claim(10)] == [first]
    assert (await messages(conn), len(await messages(conn, ELSEWHERE))) == ([], 1)


@pytest.mark.scenario(148)
async def test_a_retry_is_a_message_that_comes_later(flows: Workflows, conn: Connection) -> None:
    task = await flows.run([step("a")])
    worker = HandWorker(conn)
    (claimed,) = await worker.claim()
    await worker.fail(claimed, retry_after=60)
    await process_all(conn)
    assert (await flows.states(task), await messages(conn)) == ({"a": "waiting_for_retry"}, [])
    await conn.execute("SELECT * FROM tasker.fire_retries(100, 'engine')")
    assert await messages(conn) == []
    await conn.execute("SET tasker.clock_offset = '61 s'")
    await conn.execute("SELECT * FROM tasker.fire_retries(100, 'engine')")
    assert len(await messages(conn)) == 1


@pytest.mark.scenario(148)
async def test_what_is_cancelled_or_handed_over_has_no_message(flows: Workflows, conn: Connection) -> None:
    task = await flows.run(linear(2))
    worker = HandWorker(conn)
    (first,) = await worker.claim()
    (second,) = (await worker.succeed(first, keep=1)).held
    assert await messages(conn) == []
    await worker.fail(second, retry_after=0)
    await process_all(conn)
    await conn.execute("SELECT * FROM tasker.fire_retries(100, 'engine')")
    assert len(await messages(conn)) == 1
    await conn.fetch("SELECT * FROM tasker.cancel_tasks($1, 'ana', 'enough')", [task])
    assert await messages(conn) == []


@pytest.mark.scenario(148)
async def test_a_queue_that_is_gone_fails_the_call_as_a_whole(flows: Workflows, conn: Connection) -> None:
    revision = await flows.register([step("a")])
    await conn.execute(f"ALTER TABLE {QUEUE} RENAME TO away")
    with pytest.raises(asyncpg.PostgresError):
        await flows.create(revision)
    assert await conn.fetchval("SELECT count(*) FROM tasker.tasks") == 0
    assert await conn.fetchval("SELECT count(*) FROM tasker.ready_steps") == 0
    await conn.execute("ALTER TABLE pgmq.away RENAME TO q_worker_test_queue")
    await flows.create(revision)
    assert len(await messages(conn)) == 1


@pytest.mark.scenario(149)
async def test_a_large_payload_stays_in_the_database(
    flows: Workflows, conn: Connection, other: Connection
) -> None:
    """A notification holds less than 8,000 bytes: ours hold none, and a message three ids."""
    heard = await Heard.on(other, "tasker_ready")
    revision = await flows.register(linear(2))
    context = {"text": "x" * 900_000}
    (task,) = await flows.create(revision, context=context)
    (claimed,) = await HandWorker(conn).claim()
    assert json.loads(claimed.context) == context
    assert (await heard.count(), heard.payloads) == (1, [""])
    await flows.create(revision, context=context)
    (body,) = await messages(conn)
    assert set(body) == {"task_uuid", "step_uuid", "correlation_id"}
    assert (await flows.states(task))["s1"] == "in_progress"


@pytest.mark.scenario(148)
async def test_wake_ups_at_the_same_time_are_one(pool: Pool, other: Connection) -> None:
    heard = await Heard.on(other, "tasker_ready")
    notifier = Notifier(pool)
    for _ in range(500):
        notifier.wake("tasker_ready")
    await notifier.close()
    assert await heard.count() == 1
    # One that comes after it was sent is a new one: what it tells of may be younger.
    notifier.wake("tasker_ready")
    await notifier.close()
    assert await heard.count() == 2


@pytest.mark.scenario(148)
async def test_several_notifiers_at_once_wake_every_listener(pool: Pool, database: str) -> None:
    woken = [0, 0]

    def wake(number: int) -> None:
        woken[number] += 1

    listeners = [Listener(database, {"tasker_ready": lambda n=n: wake(n)}) for n in range(2)]
    running = [asyncio.create_task(listener.run()) for listener in listeners]

    async def connected() -> bool:
        return all(listener.connected for listener in listeners)

    await until(connected, "both listen")
    assert woken == [1, 1]
    notifiers = [Notifier(pool) for _ in range(4)]
    for notifier in notifiers:
        notifier.wake("tasker_ready")

    async def all_woken() -> bool:
        return min(woken) >= 2

    await until(all_woken, "both are woken")
    for task in running:
        task.cancel()
    await asyncio.gather(*running, *(notifier.close() for notifier in notifiers), return_exceptions=True)


@pytest.mark.scenario(148)
async def test_a_listener_whose_connection_is_lost_looks_when_it_is_back(
    conn: Connection, database: str
) -> None:
    looked = 0

    def look() -> None:
        nonlocal looked
        looked += 1

    listener = Listener(database, {"tasker_ready": look})
    running = asyncio.create_task(listener.run())

    async def has_looked(times: int) -> bool:
        return listener.connected and looked >= times

    await until(lambda: has_looked(1), "it listens")
    await conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'tasker' AND datname = current_database()"
    )
    await until(lambda: has_looked(2), "it listens again")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.scenario(148)
async def test_a_listener_whom_the_server_refuses_tries_again(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not because it is away: as by a standby, or after the password was changed."""
    conn = await asyncpg.connect(database, database="postgres")
    name = urlsplit(database).path.strip("/")
    await conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    listener = Listener(database, {})
    running = asyncio.create_task(listener.run())

    async def complains() -> bool:
        return "can't listen: " in caplog.text or running.done()

    async def listens() -> bool:
        return listener.connected

    await until(complains, "it is refused")
    await conn.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await until(listens, "it listens")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await conn.close()


@pytest.mark.scenario(148)
async def test_a_wake_up_that_cannot_be_sent_harms_nobody(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    pool = await open_pool(database)
    notifier = Notifier(pool)
    await pool.close()
    notifier.wake("tasker_ready")
    await notifier.close()
    assert "wake-up on tasker_ready not sent" in caplog.text


@pytest.mark.scenario(148)
async def test_a_wake_up_that_the_database_refuses_is_told_in_the_log(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    notifier, refused = Notifier(pool), "long" * 20
    notifier.wake(refused)
    await notifier.close()
    assert f"wake-up on {refused} not sent: channel name too long" in caplog.text


@pytest.mark.scenario(148)
async def test_wake_ups_behind_one_that_waits_for_a_connection_are_one(
    database: str, other: Connection
) -> None:
    heard = await Heard.on(other, "tasker_ready")
    pool = await open_pool(database, max_size=1)
    notifier, woken = Notifier(pool), 0

    async def many_times() -> bool:
        nonlocal woken
        notifier.wake("tasker_ready")
        woken += 1
        return woken == 20

    async with pool.acquire():
        await until(many_times, "it was woken again and again, longer than the gap between two")
    await notifier.close()
    assert await heard.count() == 2
    await pool.close()


@pytest.mark.scenario(148)
async def test_of_each_handler_only_the_oldest_lost_messages_are_sent_again(
    flows: Workflows, conn: Connection, pool: Pool
) -> None:
    """Workers that can't use them may take those of busy workers again and again."""
    for handler in ("busy", "idle"):
        revision = await flows.register([step("a", handler=handler)], handler)
        await flows.create(revision, count=LOST_AT_ONCE + 2)
    await conn.execute(
        "UPDATE tasker.ready_steps SET message_id = NULL, published_at = tasker.now() - interval '1 min'"
    )
    unpublished = "SELECT step_uuid FROM tasker.ready_steps WHERE published_at IS NULL ORDER BY 1"
    oldest = (
        "SELECT step_uuid FROM (SELECT *, rank() OVER (PARTITION BY handler ORDER BY ready_at, step_uuid)"
        " AS place FROM tasker.ready_steps) r WHERE place <= $1 ORDER BY 1"
    )
    assert await forget_lost_messages(pool, ["test"]) == 2 * LOST_AT_ONCE
    assert await conn.fetch(unpublished) == await conn.fetch(oldest, LOST_AT_ONCE)
    assert await forget_lost_messages(pool, ["test"]) == 0
    await conn.execute("DELETE FROM pgmq.q_worker_test_queue")


@pytest.mark.scenario(158)
async def test_a_message_that_comes_twice_runs_nothing_twice(
    flows: Workflows, conn: Connection, database: str
) -> None:
    task = await flows.run([step("a"), step("b", "a")])
    await conn.execute(f"INSERT INTO {QUEUE} (vt, message) SELECT now(), message FROM {QUEUE}")
    worker = HandWorker(conn)
    (claimed,) = await worker.claim(10)
    assert await worker.claim(10) == []
    await worker.succeed(claimed)
    assert len(await messages(conn)) == 2
    (last,) = await worker.claim(10)
    assert last.name == "b"
    await worker.succeed(last)
    assert await flows.state(task) == "complete"
    assert {row["attempts"] for row in (await flows.steps(task)).values()} == {1}
    # The copy is still there, and the doctor knows it for what it is.
    (found,) = violations(database)
    assert "there is no ready row" in found
    await conn.execute(f"DELETE FROM {QUEUE}")


@pytest.mark.scenario(158)
@pytest.mark.parametrize("success", [True, False])
async def test_a_result_that_is_submitted_twice_counts_once(
    flows: Workflows, conn: Connection, success: bool
) -> None:
    task = await flows.run([step("a"), step("b", "a")])
    worker = HandWorker(conn)
    (claimed,) = await worker.claim()
    submit = worker.succeed if success else worker.fail
    first = await submit(claimed)
    assert first.refused == []

    async def everything() -> list[Any]:
        queries = (
            "SELECT s.* FROM tasker.steps s ORDER BY 1",
            "SELECT t.* FROM tasker.tasks t ORDER BY 1",
            "SELECT x.id FROM tasker.transitions x ORDER BY 1",
            "SELECT u.id FROM tasker.unprocessed_results u ORDER BY 1",
            "SELECT a.claim_no FROM tasker.step_attempts a ORDER BY 1",
            "SELECT r.step_uuid FROM tasker.ready_steps r ORDER BY 1",
        )
        return [await conn.fetch(query) for query in queries]

    before = await everything()
    assert (await submit(claimed)).refused == []
    # The other way round, or by another worker, it is a late result and is refused.
    changed = await (worker.fail if success else worker.succeed)(claimed)
    foreign = await HandWorker(conn).succeed(claimed)
    assert [one.reason for one in (*changed.refused, *foreign.refused)] == ["stale", "stale"]
    assert await everything() == before
    await process_all(conn)
    states = await flows.states(task)
    assert states == (
        {"a": "complete", "b": "enqueued"} if success else {"a": "waiting_for_retry", "b": "pending"}
    )


async def test_a_confirmation_that_comes_after_the_message_was_given_back_is_of_no_use(
    flows: Workflows, conn: Connection, pool: Pool
) -> None:
    revision = await flows.register([step("a")])
    await conn.execute("UPDATE tasker.namespaces SET queue_name = NULL")
    await flows.create(revision)
    (sent,) = await take_unpublished(pool, everything=True)
    await settle_messages(pool, [sent.step_uuid], published=False)  # by the worker that could not take it
    await settle_messages(pool, [sent.step_uuid], published=True)  # by the engine, a moment late
    assert [one.step_uuid for one in await take_unpublished(pool, everything=True)] == [sent.step_uuid]


async def test_of_which_steps_it_is_kept_that_they_need_a_message_is_told(
    flows: Workflows, conn: Connection, other: Connection, pool: Pool
) -> None:
    revision = await flows.register([step("a")])
    await flows.create(revision)  # its message is in this database
    await conn.execute("UPDATE tasker.namespaces SET queue_name = NULL")
    await flows.create(revision, count=2)
    sent = [one.step_uuid for one in await take_unpublished(pool, everything=True)]
    rows = await conn.fetch("SELECT step_uuid FROM tasker.ready_steps WHERE message_id IS NOT NULL")
    (here,) = [row[0] for row in rows]
    asked = [*sent, here, uuid4()]
    async with other.transaction():
        await other.execute("SELECT FROM tasker.ready_steps WHERE step_uuid = $1 FOR UPDATE", sent[0])
        assert set(await settle_messages(pool, asked, published=False)) == {sent[1], here}
    assert set(await settle_messages(pool, asked, published=False)) == {*sent, here}
    assert await settle_messages(pool, [sent[0]], published=True) == []
    # Processes of the previous release call it by its older name.
    assert await conn.fetchval("SELECT tasker.settle_published($1, false)", sent) == 2
