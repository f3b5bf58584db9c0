"""Steps go through RabbitMQ as messages, and what a message says is never trusted (reference 4)."""

from __future__ import annotations

from signal import SIGKILL, SIGTERM
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from tests.integration.rabbit.conftest import DEAD_LETTERS, QUEUE, Queues
from tests.support.rabbit import SHARED
from tests.support.stack import Stack, WorkerPart
from tests.support.waiting import until
from tests.support.workflows import linear, step

CONNECTED = "connected to RabbitMQ"


async def unpublished(stack: Stack) -> int:
    """Ready steps without a confirmed message."""
    count: int = await stack.flows.conn.fetchval(
        "SELECT count(*) FROM tasker.ready_steps WHERE published_at IS NULL"
    )
    return count


async def all_published(stack: Stack) -> None:
    async def published() -> bool:
        return await unpublished(stack) == 0

    await until(published, "every ready step has a confirmed message")


@pytest.mark.scenario(148)
async def test_a_ready_step_is_published_after_its_commit_and_again_when_the_queue_is_deleted(
    stack: Stack, queues: Queues
) -> None:
    """No worker: what the engine does alone, with a namespace that was PGMQ's before."""
    revision = await stack.flows.register([step("a"), step("b")])
    await stack.flows.conn.execute("SELECT tasker.move_queues('{test}', '{worker_test_queue}')")
    (task,) = await stack.flows.create(revision)
    assert await stack.flows.conn.fetchval("SELECT count(*) FROM pgmq.q_worker_test_queue") == 2
    await stack.engine()
    await queues.until_depth(2)
    await all_published(stack)
    assert await stack.flows.conn.fetchval("SELECT count(*) FROM pgmq.q_worker_test_queue") == 0
    (other,) = await stack.flows.create(revision)
    await queues.until_depth(4)
    bodies = await queues.take(4)
    assert {body["task_uuid"] for body in bodies} == {str(task), str(other)}
    steps = [*(await stack.flows.steps(task)).values(), *(await stack.flows.steps(other)).values()]
    assert {body["step_uuid"] for body in bodies} == {str(row["step_uuid"]) for row in steps}
    assert {frozenset(body) for body in bodies} == {frozenset({"task_uuid", "step_uuid", "correlation_id"})}
    # Their messages are gone, and they still wait. The younger ones go with the older.
    await all_published(stack)
    for one, age in ((task, "4 s"), (other, "1 s")):
        await stack.flows.conn.execute(
            f"UPDATE tasker.ready_steps SET published_at = now() - interval '{age}' WHERE task_uuid = $1", one
        )
    await queues.delete(QUEUE)
    await queues.until_depth(4)
    await all_published(stack)


@pytest.mark.scenario(148)
async def test_a_queue_that_the_broker_refuses_holds_up_no_other(stack: Stack, queues: Queues) -> None:
    await (await SHARED.get()).restrict(queues.url, "^worker_(?!secret)")
    await stack.flows.conn.execute("INSERT INTO tasker.namespaces (name) VALUES ('secret')")
    await stack.flows.create(await stack.flows.register([step("a")], "workflow", "secret"))
    revision = await stack.flows.register([step("a")])
    await stack.flows.create(revision)
    engine = await stack.engine()
    await queues.until_depth(1)
    connections = engine.output.count(CONNECTED)
    await stack.flows.create(revision)
    await queues.until_depth(2)
    assert await queues.depth("worker_secret_queue") is None
    assert engine.output.count(CONNECTED) == connections
    assert engine.output.count("the queue of namespace secret is refused") == 1
    worker = await stack.worker(arguments=("--namespace", "secret"))
    await queues.until_depth(0)
    assert worker.output.count("the queue of namespace secret is refused") == 1
    # Once it is allowed, everybody uses it without a new connection.
    connections = worker.output.count(CONNECTED)
    await (await SHARED.get()).restrict(queues.url, ".*")
    secret = await stack.flows.register([step("a")], "later", "secret")

    before = sum((await worker.messages()).values())

    async def gets_messages() -> bool:
        # Whether they come before the step is found by looking depends on who looks first each second.
        await stack.flows.all_complete(await stack.flows.create(secret))
        return sum((await worker.messages()).values()) > before

    await until(gets_messages, "the worker gets messages of that queue")
    await queues.until_depth(0, "worker_secret_queue")
    assert worker.output.count(CONNECTED) == connections


@pytest.mark.scenario(148)
async def test_a_database_changes_its_broker_with_steps_waiting(stack: Stack, queues: Queues) -> None:
    """What waits on the old one is found by polling on the new one; what comes has its message there."""
    conn = stack.flows.conn
    revision = await stack.flows.register([step("a")])
    (first,) = await stack.flows.create(revision)
    engine = await stack.engine()
    await queues.until_depth(1)
    engine.kill()
    await stack.engine(TASKER_MESSAGING_BACKEND="pgmq")

    async def moved() -> bool:
        return bool(await conn.fetchval("SELECT queue_name FROM tasker.namespaces WHERE name = 'test'"))

    await until(moved, "the queue is PGMQ's")
    (second,) = await stack.flows.create(revision)
    assert await conn.fetchval("SELECT count(*) FROM pgmq.q_worker_test_queue") == 1
    await stack.worker(TASKER_MESSAGING_BACKEND="pgmq")
    await stack.flows.all_complete([first, second])
    assert await conn.fetchval("SELECT count(*) FROM pgmq.q_worker_test_queue") == 0


@pytest.mark.scenario(148)
async def test_a_worker_is_woken_by_messages_and_acknowledges_every_one(stack: Stack, queues: Queues) -> None:
    await stack.engine()
    worker = await stack.worker(slots=2)
    revision = await stack.flows.register(linear(3))

    async def claimed_by_message(number: int) -> bool:
        await stack.flows.all_complete(await stack.flows.create(revision, count=3))
        return (await worker.messages()).get("claimed", 0) >= number

    await until(lambda: claimed_by_message(3), "the worker claims for messages")
    # A queue that is deleted is declared and consumed again.
    await queues.delete(QUEUE)
    await until(lambda: claimed_by_message(6), "it goes on with a new queue")
    await all_settled(worker, queues)


async def all_settled(worker: WorkerPart, queues: Queues) -> None:
    """Nothing goes back to the queue when the worker ends: it has acknowledged all that it was given."""
    await queues.until_depth(0)
    worker.signal(SIGTERM)
    assert await worker.ended() == 0
    assert await queues.depth() == 0


@pytest.mark.scenario(158)
async def test_messages_that_are_doubled_stale_or_not_ours_change_nothing(
    stack: Stack, queues: Queues
) -> None:
    await stack.engine()
    revision = await stack.flows.register([step("a", handler="gate", initialization={"gate": "open"})])
    (task,) = await stack.flows.create(revision)
    await queues.until_depth(1)
    (body,) = await queues.take(1)
    for message in (body, body, body | {"step_uuid": str(uuid4())}):
        await queues.send(orjson.dumps(message))
    poison = [b"", b"not json", b"[]", b"{}", b'{"step_uuid": 7}', b'{"step_uuid": "[bold]"}', b"\xff\x00"]
    for bad in poison:
        await queues.send(bad)
    worker = await stack.worker()
    await stack.has_effect("begin a 1")
    stack.open_gate("open")
    await stack.flows.reaches(task, "complete")
    await queues.until_depth(len(poison), DEAD_LETTERS)
    await all_settled(worker, queues)
    assert stack.effects() == ["begin a 1", "a 1"]
    assert len(await stack.flows.attempts(task, "a")) == 1


@pytest.mark.scenario(148)
async def test_a_worker_without_a_free_slot_leaves_messages_to_others(stack: Stack, queues: Queues) -> None:
    await stack.engine()
    revision = await stack.flows.register([step("a", handler="gate", initialization={"gate": "open"})])
    worker = await stack.worker(slots=1)
    tasks = await stack.flows.create(revision, count=4)

    async def given_back() -> bool:
        # Those that were published when it had stopped consuming never came.
        return (await worker.messages()).get("given_back", 0) >= 1

    await until(given_back, "messages are left to others")
    await queues.until_at_least(3)
    stack.open_gate("open")
    await stack.flows.all_complete(tasks)
    await queues.until_depth(0)


async def test_a_worker_drains_in_order_while_the_database_says_no(stack: Stack, queues: Queues) -> None:
    """What it holds then, and can't give back, ends with its connection."""
    conn = stack.flows.conn
    await stack.engine()
    revision = await stack.flows.register([step("a", handler="gate", initialization={"gate": "open"})])
    tasks = await stack.flows.create(revision, count=4)
    await queues.until_depth(4)
    await all_published(stack)
    await conn.execute("""
        CREATE FUNCTION public.say_no() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'not now'; END$$;
        CREATE TRIGGER no BEFORE UPDATE ON tasker.ready_steps EXECUTE FUNCTION public.say_no()
    """)
    worker = await stack.worker(slots=1)

    async def refused() -> bool:
        return "messages could not be given back" in worker.output

    await until(refused, "messages can't be given back")
    worker.signal(SIGTERM)

    async def draining() -> bool:
        state = "SELECT state FROM tasker.workers WHERE worker_uuid = $1"
        return await conn.fetchval(state, UUID(worker.uuid)) == "draining"

    await until(draining, "the worker drains")
    stack.open_gate("open")
    assert await worker.ended() == 0
    await conn.execute("DROP TRIGGER no ON tasker.ready_steps")
    await stack.worker()
    await stack.flows.all_complete(tasks)
    assert {row["attempts"] for task in tasks for row in (await stack.flows.steps(task)).values()} == {1}


@pytest.mark.scenario(148)
async def test_paused_steps_have_no_message_and_get_one_when_they_may_run(
    stack: Stack, queues: Queues
) -> None:
    """The message of one on which somebody works is kept until it is known what becomes of it."""
    conn = stack.flows.conn
    await stack.engine()
    revision = await stack.flows.register([step("a"), step("b")])
    await conn.execute("SELECT tasker.pause('test', NULL, NULL, 'ana', 'a look at it')")
    (task,) = await stack.flows.create(revision)
    worker = await stack.worker()
    await queues.until_depth(0)
    a, b = [row["step_uuid"] for row in (await stack.flows.steps(task)).values()]
    await conn.execute("UPDATE tasker.ready_steps SET published_at = now()")

    async def given_back(count: int) -> bool:
        published = await conn.fetchval("SELECT published_at FROM tasker.ready_steps WHERE step_uuid = $1", b)
        return published is None and (await worker.messages()).get("given_back", 0) >= count

    other = await asyncpg.connect(stack.dsn)
    async with other.transaction():
        await other.execute("SELECT FROM tasker.ready_steps WHERE step_uuid = $1 FOR UPDATE", a)
        for one in (a, b):
            await queues.send(orjson.dumps({"step_uuid": str(one)}))
        await until(lambda: given_back(1), "the other's message is settled")
        assert (await worker.messages())["given_back"] == 1
    await other.close()
    await until(lambda: given_back(2), "its message is settled")
    assert await stack.flows.states(task) == {"a": "enqueued", "b": "enqueued"}
    await conn.execute("SELECT tasker.resume('test', NULL, NULL)")
    await stack.flows.reaches(task, "complete")


@pytest.mark.scenario(148)
@pytest.mark.parametrize(
    ("point", "unknown", "messages"),
    [
        ("take.before", 1, 1),
        ("take.after", 1, 1),
        ("messages.before", 1, 1),
        ("messages.after", 1, 2),
        ("settle.before", 1, 2),
        ("settle.after", 0, 1),
    ],
)
async def test_an_engine_is_killed_around_a_publish(
    stack: Stack, queues: Queues, point: str, unknown: int, messages: int
) -> None:
    """Another one sends the message that may not have been sent; a second one is stale."""
    task = await stack.flows.run([step("a")])
    doomed = stack.start_engine(TASKER_CRASH_AT=point)
    assert await doomed.ended() == -SIGKILL
    assert await unpublished(stack) == unknown
    await later(stack)
    await stack.engine()
    await queues.until_depth(messages)
    await all_published(stack)
    worker = await stack.worker()
    await stack.flows.reaches(task, "complete")
    assert stack.effects() == ["a 1"]
    await all_settled(worker, queues)


async def later(stack: Stack) -> None:
    """Have it be so late that messages count as lost, for those who connect from now on."""
    name = await stack.flows.conn.fetchval("SELECT current_database()")
    await stack.flows.conn.execute(f"ALTER DATABASE {name} SET tasker.clock_offset = '11 s'")


@pytest.mark.scenario(148)
@pytest.mark.parametrize("point", ["forget.before", "forget.after"])
async def test_an_engine_is_killed_while_it_gives_up_a_lost_message(
    stack: Stack, queues: Queues, point: str
) -> None:
    first = await stack.engine()
    task = await stack.flows.run([step("a")])
    await queues.until_depth(1)
    await all_published(stack)
    first.kill()
    await queues.delete()
    await later(stack)
    assert await stack.start_engine(TASKER_CRASH_AT=point).ended() == -SIGKILL
    await stack.engine()
    await queues.until_depth(1)
    worker = await stack.worker()
    await stack.flows.reaches(task, "complete")
    assert stack.effects() == ["a 1"]
    await all_settled(worker, queues)


@pytest.mark.scenario(148)
@pytest.mark.parametrize("point", ["ack.before", "ack.after"])
async def test_a_worker_is_killed_around_an_acknowledgement(stack: Stack, queues: Queues, point: str) -> None:
    """The message may come again and is stale then; the step comes back by its lease, if it was claimed."""
    await stack.engine()
    task = await stack.flows.run([step("a")])
    await queues.until_depth(1)
    assert await stack.start_worker(TASKER_CRASH_AT=point).ended() == -SIGKILL
    await stack.flows.end_leases()
    worker = await stack.worker()
    await stack.flows.reaches(task, "complete")
    attempts = [(row["error_type"], row["success"]) for row in await stack.flows.attempts(task, "a")]
    assert attempts in ([(None, True)], [("worker_lost", False), (None, True)])
    await all_settled(worker, queues)


@pytest.mark.scenario(148)
async def test_a_message_that_ends_every_consumer_goes_to_the_dead_letters(
    stack: Stack, queues: Queues
) -> None:
    """And the step, which still waits, gets a new one."""
    await stack.engine(TASKER_RABBITMQ_DELIVERY_LIMIT="1")
    await stack.flows.run([step("a")])
    await queues.until_depth(1)
    for _ in range(2):
        await queues.take_and_die()
    await queues.until_depth(1, DEAD_LETTERS)
    await queues.until_depth(1)
