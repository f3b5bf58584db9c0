"""A RabbitMQ that is killed, wiped or impatient loses nothing: PostgreSQL knows what waits (issue 5)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import asyncpg
import pytest

from tests.integration.rabbit.conftest import Queues
from tests.support.rabbit import RabbitNode, on_rabbit, running_rabbit
from tests.support.stack import Stack, WorkerPart
from tests.support.waiting import until
from tests.support.workflows import step

pytestmark = pytest.mark.timeout(300)
"""A node takes seconds to start, and the second test starts three."""

IMPATIENT = {"consumer_timeout": "3000"}
OFTEN = "[{rabbit, [{channel_tick_interval, 500}]}].\n"
"""A consumer that keeps a message for three seconds is cut off, not after half an hour, and at once."""


@pytest.fixture(scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RabbitNode]:
    """The node of this module, which its tests kill."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    (folder / "advanced.config").write_text(OFTEN)
    async with running_rabbit(folder, IMPATIENT) as node:
        yield node


@pytest.fixture
async def stack(database: str, node: RabbitNode, tmp_path: Path) -> AsyncIterator[Stack]:
    """A stack on the first virtual host, the one that is there again on a wiped node."""
    conn = await asyncpg.connect(database)
    await conn.execute("INSERT INTO tasker.namespaces (name) VALUES ('test')")
    running = Stack(database, tmp_path, conn, on_rabbit(node.url))
    try:
        yield running
        for part in running.parts:
            print(f"--- {part.log.name}\n{part.output}")
    finally:
        running.end()
        await conn.close()
    await Queues(node.url).delete()


def gated(gate: str) -> list[dict[str, object]]:
    """A step that waits at a gate, however long a node takes to start, and one after it."""
    first = step("first", handler="gate", initialization={"gate": gate}, timeout_seconds="none")
    return [first, step("second", "first")]


async def keep(_: object) -> None:
    """Never acknowledge a message."""


async def cut_off(url: str) -> str:
    """Consume a message, keep it, and wait for what the broker does about it."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"keep me"), "kept")
        closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def on_close(_: object, error: object) -> None:
            closed.set_result(str(error))

        channel.close_callbacks.add(on_close)
        await queue.consume(keep)
        return await closed


@pytest.mark.scenario(148)
async def test_a_step_longer_than_the_consumer_timeout_keeps_its_connection(
    stack: Stack, node: RabbitNode
) -> None:
    """Its message is acknowledged when it is claimed; those behind it are left to others in time."""
    await stack.engine()
    worker = await stack.worker(slots=1)
    tasks = await stack.flows.create(await stack.flows.register(gated("long")), count=5)
    await stack.has_effect("begin first 1")
    # So long that the broker cuts off somebody who keeps a message.
    assert "timed out" in await cut_off(node.url)

    await Queues(node.url).until_at_least(4)
    assert worker.output.count("connected to RabbitMQ") == 1
    stack.open_gate("long")
    await stack.flows.all_complete(tasks)
    assert worker.output.count("connected to RabbitMQ") == 1
    assert Counter(stack.effects()) == {"begin first 1": 5, "first 1": 5, "second 1": 5}


async def claims_for_messages(stack: Stack, worker: WorkerPart, revision: int) -> None:
    """Messages wake the worker (again)."""
    before = (await worker.messages()).get("claimed", 0)

    async def claimed() -> bool:
        await stack.flows.all_complete(await stack.flows.create(revision, count=2))
        return (await worker.messages()).get("claimed", 0) > before

    await until(claimed, "the worker claims for a message")


@pytest.mark.scenario(148)
async def test_a_broker_that_is_killed_and_wiped_while_tasks_run_loses_nothing(
    stack: Stack, node: RabbitNode
) -> None:
    engine = await stack.engine()
    worker = await stack.worker(slots=2)
    revision = await stack.flows.register(gated("run"))
    tasks = await stack.flows.create(revision, count=6)
    await stack.has_effect("begin first 1")

    node.kill()
    node.wipe()
    tasks += await stack.flows.create(revision, count=3)
    stack.open_gate("run")
    # Without the broker: by polling.
    await stack.flows.all_complete(tasks)
    await node.start()
    await claims_for_messages(stack, worker, revision)

    # Messages that a killed node kept are delivered again, and those that it lost are sent again.
    held = await stack.flows.create(await stack.flows.register(gated("again"), "again"), count=6)
    await until(lambda: _count(stack, "begin first 1", 11), "two of them run")
    node.kill()
    await node.start()
    stack.open_gate("again")
    await stack.flows.all_complete(held)
    await claims_for_messages(stack, worker, revision)
    await Queues(node.url).until_depth(0)
    effects = Counter(stack.effects())
    assert set(effects) == {"begin first 1", "first 1", "second 1"}
    assert len(set(effects.values())) == 1
    assert effects["first 1"] == await stack.flows.conn.fetchval("SELECT count(*) FROM tasker.tasks")
    for part in (engine, worker):
        assert part.output.count("connected to RabbitMQ") == 3
        assert "Traceback" not in part.output


async def _count(stack: Stack, line: str, least: int) -> bool:
    return stack.effects().count(line) >= least
