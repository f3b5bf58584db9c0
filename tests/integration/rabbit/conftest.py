"""Stacks whose messages go through RabbitMQ."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity

from tests.support.rabbit import on_rabbit
from tests.support.stack import Stack
from tests.support.waiting import until

QUEUE = "worker_test_queue"
DEAD_LETTERS = "worker_test_queue_dlq"


class Queues:
    """The queues of a virtual host, by a new connection each time: the node may be another by then."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def depth(self, name: str = QUEUE) -> int | None:
        """How many messages wait; None without a queue."""
        async with await aio_pika.connect(self.url) as connection:
            try:
                found = await (await connection.channel()).declare_queue(name, passive=True)
            except ChannelNotFoundEntity:
                return None
            return found.declaration_result.message_count

    async def send(self, body: bytes, name: str = QUEUE) -> None:
        """Put a message into a queue that exists."""
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel(on_return_raises=True)
            await channel.default_exchange.publish(aio_pika.Message(body), name)

    async def take(self, count: int, name: str = QUEUE) -> list[dict[str, Any]]:
        """Take messages out."""
        async with await aio_pika.connect(self.url) as connection:
            queue = await (await connection.channel()).get_queue(name)
            return [json.loads((await queue.get(no_ack=True)).body) for _ in range(count)]

    async def take_and_die(self) -> None:
        """Take a message out and end without having acknowledged it, as a consumer that it kills."""
        async with await aio_pika.connect(self.url) as connection:
            await (await (await connection.channel()).get_queue(QUEUE)).get()

    async def delete(self, name: str = QUEUE) -> None:
        """Delete a queue with all that is in it."""
        async with await aio_pika.connect(self.url) as connection:
            await (await connection.channel()).queue_delete(name)

    async def until_at_least(self, count: int) -> None:
        """Wait until so many messages wait; a step may have several."""

        async def reached() -> bool:
            return (await self.depth() or 0) >= count

        await until(reached, f"{QUEUE} holds {count} messages or more")

    async def until_depth(self, count: int, name: str = QUEUE) -> None:
        """Wait until so many messages wait."""

        async def reached() -> bool:
            return await self.depth(name) == count

        await until(reached, f"{name} holds {count} messages")


@pytest.fixture
def queues(rabbit: str) -> Queues:
    """The queues of the stack."""
    return Queues(rabbit)


@pytest.fixture
async def stack(
    database: str, rabbit: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Stack]:
    """A stack on a database and a virtual host of the test's own."""
    conn = await asyncpg.connect(database)
    # What an engine would find out within two seconds.
    await conn.execute("INSERT INTO tasker.namespaces (name) VALUES ('test')")
    running = Stack(database, tmp_path, conn, on_rabbit(rabbit))
    try:
        yield running
        for part in running.parts:
            print(f"--- {part.log.name}\n{part.output}")
    finally:
        running.end()
        await conn.close()
