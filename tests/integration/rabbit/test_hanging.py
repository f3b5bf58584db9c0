"""A RabbitMQ that hangs, with its connections open, is given up in time and used again (issue 5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from engine.messaging import rabbit_link
from engine.messaging.rabbit_publisher import RabbitPublisher
from engine.settings import RabbitSettings
from engine.store.messages import StepMessage
from tests.support.rabbit import SHARED, RabbitNode
from tests.support.waiting import until

SECONDS = 0.5
"""What an answer may take here."""


@pytest.fixture
async def node(rabbit: str) -> AsyncIterator[RabbitNode]:
    """The run's node, which goes on after the test."""
    node = await SHARED.get()
    yield node
    node.thaw()


@pytest.fixture
async def publisher(rabbit: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RabbitPublisher]:
    """Of an engine that is connected, and impatient."""
    monkeypatch.setattr(rabbit_link, "ANSWER_SECONDS", SECONDS)
    made = RabbitPublisher(RabbitSettings(url=rabbit), lambda: None)
    running = asyncio.create_task(made.link.run())
    await is_connected(made)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def is_connected(made: RabbitPublisher) -> None:
    async def connected() -> bool:
        return made.link.connected

    await until(connected, "the engine is connected")


def message() -> StepMessage:
    return StepMessage(uuid4(), uuid4(), uuid4(), "test")


async def test_a_broker_that_hangs_fails_what_waits_for_it_and_cancels_nobody(
    publisher: RabbitPublisher, node: RabbitNode
) -> None:
    assert await publisher.publish([message()])
    node.freeze()
    asked = asyncio.create_task(publisher.depths(["test"]))
    assert await publisher.publish([message()]) == set()
    assert not publisher.link.connected
    with pytest.raises(publisher.link.errors):
        await asked
    node.thaw()
    await is_connected(publisher)
    assert await publisher.publish([message()])
