"""The system of one chaos run: engines and workers on a database of their own."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import asyncpg
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity

from engine.store.pool import RECONNECTABLE
from engine.store.registration import queue_name
from tasker_tui.chaos.errors import ChaosError
from tasker_tui.chaos.parts import Part, all_ready
from tasker_tui.chaos.plan import ENGINES, LEASE_SECONDS, WORKERS, Kind, Plan
from tasker_tui.chaos.servers import Servers

NAMESPACE = "chaos"
APPLICATION = "tasker chaos"
SLOTS = 8
TEMPLATES = Path(__file__).parents[2] / "workers" / "chaos" / "templates"
HANDLERS = "workers.chaos.handlers"
START_SECONDS = 90.0
REACH_SECONDS = 30.0
RETRY = 0.1


class System:
    """Engines and workers, and the servers below them. `locks` keep faults of one thing apart."""

    def __init__(self, servers: Servers, dsn: str, folder: Path, plan: Plan) -> None:
        self.servers = servers
        self.dsn = dsn
        self.folder = folder
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        environment = self._environment()
        clocks = {
            fault.target % WORKERS: fault.seconds for fault in plan.faults if fault.kind is Kind.CLOCK_WRONG
        }
        self.engines = [Part(f"engine-{n}", "server", folder, environment) for n in range(ENGINES)]
        self.workers = [
            Part(f"worker-{n}", "worker", folder, environment, clocks.get(n, 0.0)) for n in range(WORKERS)
        ]

    @property
    def parts(self) -> list[Part]:
        """All processes that runs of this system start."""
        return [*self.engines, *self.workers]

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection, for which is waited while the server is away; raises ChaosError after 30 s."""
        conn = await self._connect()
        try:
            yield conn
        finally:
            conn.terminate()

    async def _connect(self) -> asyncpg.Connection:
        try:
            async with asyncio.timeout(REACH_SECONDS):
                while True:
                    try:
                        return await asyncpg.connect(
                            self.dsn, server_settings={"application_name": APPLICATION}
                        )
                    except RECONNECTABLE:
                        await asyncio.sleep(RETRY)
        except TimeoutError:
            raise ChaosError(f"the database does not answer within {REACH_SECONDS:g} s") from None

    async def messages(self, suffix: str = "") -> int | None:
        """How many messages wait in RabbitMQ's queue, or the one of this suffix; None if it can't say."""
        rabbit = self.servers.rabbit
        if rabbit is None:
            return 0
        try:
            async with asyncio.timeout(5), await aio_pika.connect(rabbit.url) as connection:
                channel = await connection.channel()
                found = await channel.declare_queue(queue_name(NAMESPACE) + suffix, passive=True)
                return found.declaration_result.message_count or 0
        except ChannelNotFoundEntity:
            return 0
        except (AMQPError, OSError, TimeoutError):
            return None

    async def start(self) -> None:
        """Start all parts and wait until they work; raises ChaosError."""
        for part in self.parts:
            part.start()
        if late := await all_ready(self.parts, START_SECONDS):
            words = next(part for part in self.parts if part.name == late[0]).output.splitlines()[-2:]
            raise ChaosError(
                f"{', '.join(late)} did not get ready: {' / '.join(words)}", f"see {self.folder}"
            )

    async def stop(self) -> None:
        """Let the workers end in order, then the engines."""
        for parts in (self.workers, self.engines):
            await asyncio.gather(*(part.stop() for part in parts))

    async def end(self) -> None:
        """End what is left at once, and forget the messages."""
        for part in self.parts:
            part.abandon()
        if rabbit := self.servers.rabbit:
            async with asyncio.timeout(REACH_SECONDS), await aio_pika.connect(rabbit.url) as connection:
                channel = await connection.channel()
                for suffix in ("", "_dlq"):
                    await channel.queue_delete(queue_name(NAMESPACE) + suffix)

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
        rabbit = self.servers.rabbit
        broker = {"TASKER_MESSAGING_BACKEND": "rabbitmq", "RABBITMQ_URL": rabbit.url} if rabbit else {}
        return {
            **inherited,
            "DATABASE_URL": self.dsn,
            "TASKER_ENV": "chaos",
            "TASKER_LEASE_SECONDS": str(LEASE_SECONDS),
            "TASKER_WORKER_TEMPLATES": str(TEMPLATES),
            "TASKER_WORKER_HANDLERS": HANDLERS,
            "TASKER_WORKER_SLOTS": str(SLOTS),
            "TASKER_WORKER_DRAIN_TIMEOUT_SECONDS": "20",
            "CHAOS_FOLDER": str(self.folder),
            **broker,
        }
