"""A RabbitMQ that hangs with its connections open, or has lost a queue, costs an engine little (issue 5)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection

from engine.messaging import rabbit_inbox, rabbit_link
from engine.messaging.rabbit_inbox import RabbitInbox
from engine.messaging.rabbit_link import RabbitLink
from engine.messaging.rabbit_publisher import RabbitPublisher
from engine.messaging.taker import Taker
from engine.settings import RabbitSettings
from engine.store.messages import AT_ONCE, StepMessage
from engine.store.pool import open_pool
from tests.integration.rabbit.conftest import Queues
from tests.support.rabbit import SHARED, RabbitNode
from tests.support.waiting import until

SECONDS = 0.5
"""What an answer of one that hangs may take here."""


@pytest.fixture
async def node(rabbit: str) -> AsyncIterator[RabbitNode]:
    """The run's node, which goes on after the test."""
    node = await SHARED.get()
    yield node
    node.thaw()


@pytest.fixture
async def publisher(rabbit: str) -> AsyncIterator[RabbitPublisher]:
    """Of an engine that is connected."""
    made = RabbitPublisher(RabbitSettings(url=rabbit), lambda: None)
    running = asyncio.create_task(made.link.run())
    await is_connected(made)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def is_connected(made: RabbitPublisher | RabbitInbox) -> None:
    async def connected() -> bool:
        return made.link.connected

    await until(connected, "there is a connection")


@asynccontextmanager
async def inbox_of(database: str, url: str, *namespaces: str) -> AsyncIterator[RabbitInbox]:
    """Of a worker that is connected."""
    taker = Taker([*namespaces], ["noop"], lambda: True, lambda: None, lambda: None, lambda: None)
    pool = await open_pool(database)
    inbox = RabbitInbox(RabbitSettings(url=url), pool, taker, Counter())
    running = asyncio.create_task(inbox.link.run())
    await is_connected(inbox)
    yield inbox
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await pool.close()


def message(namespace: str = "test") -> StepMessage:
    return StepMessage(uuid4(), uuid4(), uuid4(), namespace)


async def test_a_broker_that_hangs_fails_what_waits_for_it_and_cancels_nobody(
    publisher: RabbitPublisher, node: RabbitNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await publisher.publish([message()])
    monkeypatch.setattr(rabbit_link, "ANSWER_SECONDS", SECONDS)
    node.freeze()
    asked = asyncio.create_task(publisher.depths(["test"]))
    assert await publisher.publish([message()]) == set()
    assert not publisher.link.connected
    with pytest.raises(publisher.link.errors):
        await asked
    node.thaw()
    monkeypatch.undo()
    await is_connected(publisher)
    assert await publisher.publish([message()])


async def test_a_worker_that_cannot_stop_its_consumers_drops_their_connection(
    database: str, rabbit: str, node: RabbitNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may deliver on, beside those that it starts next."""
    async with inbox_of(database, rabbit, "test") as inbox:
        monkeypatch.setattr(rabbit_inbox, "CANCEL_SECONDS", SECONDS)
        node.freeze()
        await inbox.close()
        assert not inbox.link.connected
        node.thaw()


async def test_a_queue_that_hangs_is_left_alone_and_the_others_go_on(
    publisher: RabbitPublisher,
    database: str,
    rabbit: str,
    node: RabbitNode,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await publisher.publish([message("stuck"), message("well")])
    node.hang_queue(rabbit, "worker_stuck_queue")
    monkeypatch.setattr(rabbit_link, "ANSWER_SECONDS", 1.0)

    async def send_both() -> tuple[bool, bool]:
        """Whether the message of the queue that is well arrived, and whether the connection was kept."""
        await is_connected(publisher)
        well = message("well")
        confirmed = await publisher.publish([message("stuck"), well])
        return confirmed == {well.step_uuid}, publisher.link.connected

    assert await send_both() == (True, False)
    await send_both()  # on a new channel the broker itself may wait for that queue, and others behind it
    assert await send_both() == (True, True)
    assert caplog.text.count("the queue of namespace stuck does not answer") == 1

    async with inbox_of(database, rabbit, "stuck", "well"):
        assert caplog.text.count("the queue of namespace stuck does not answer") == 2
        connection = await aio_pika.connect(rabbit)
        async with connection, connection.channel() as channel:
            found = await channel.declare_queue("worker_well_queue", passive=True)
            assert found.declaration_result.consumer_count == 1


@pytest.mark.parametrize(("query", "seconds"), [("", 10), ("?heartbeat=33", 33)])
async def test_a_heartbeat_finds_a_broker_that_is_silent(rabbit: str, query: str, seconds: int) -> None:
    agreed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def set_up(connection: AbstractConnection) -> None:
        assert connection.transport is not None
        agreed.set_result(connection.transport.connection.connection_tune.heartbeat)

    running = asyncio.create_task(RabbitLink(rabbit + query, "a test", set_up).run())
    assert await agreed == seconds
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_many_messages_whose_queue_was_deleted_are_sent_again_by_one_declaration(
    publisher: RabbitPublisher, rabbit: str
) -> None:
    assert await publisher.publish([message()])
    await Queues(rabbit).delete()
    many = [message() for _ in range(AT_ONCE)]
    assert len(await publisher.publish(many)) == AT_ONCE
    transport = publisher.link.connection.transport
    assert transport is not None
    assert transport.connection.last_channel < 5
