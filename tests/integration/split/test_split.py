"""The queues in a database of their own: PGMQ as RabbitMQ is, hints that may be lost (reference 4)."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest

from engine.messaging import pgmq_link
from engine.messaging.pgmq_publisher import PgmqPublisher
from engine.settings import PgmqSettings
from engine.store import message_queues
from engine.store.messages import StepMessage
from tasker_tui.dev.ports import claim_ports
from tests.e2e.api import sample
from tests.support.brokers import new_queue_database, on_queue_database
from tests.support.postgres import PgServer
from tests.support.stack import Part, Stack, WorkerPart
from tests.support.waiting import until
from tests.support.workflows import linear, step

QUEUE = "pgmq.q_worker_test_queue"
ARCHIVE = "pgmq.a_worker_test_queue"
LISTENS = re.compile(r"engine listens at (\S+)")


class Queues:
    """The queue database, by a new connection each time: it may be another one by then."""

    def __init__(self, tasks: str) -> None:
        self._tasks = tasks
        self.url = ""

    async def make(self) -> None:
        """An empty database; one that is there is dropped, under whoever uses it."""
        self.url = await new_queue_database(self._tasks)

    async def drop(self) -> None:
        """Take it away."""
        name = urlsplit(self.url).path[1:]
        conn = await asyncpg.connect(urlsplit(self._tasks)._replace(path="/postgres").geturl())
        await conn.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await conn.close()

    async def fetch(self, query: str, *arguments: object) -> list[Any]:
        """The first column of a query."""
        conn = await asyncpg.connect(self.url)
        try:
            return [row[0] for row in await conn.fetch(query, *arguments)]
        finally:
            await conn.close()

    async def depth(self, table: str = QUEUE) -> int | None:
        """How many messages a table holds; None without the table."""
        if await self.fetch("SELECT to_regclass($1)::text", table) == [None]:
            return None
        return int((await self.fetch(f"SELECT count(*) FROM {table}"))[0])

    async def until_depth(self, count: int, table: str = QUEUE) -> None:
        """Wait until it holds so many."""

        async def reached() -> bool:
            return await self.depth(table) == count

        await until(reached, f"{table} holds {count} messages")


@pytest.fixture(scope="module")
async def split(
    pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Stack, Queues]]:
    """A stack for all tests here with an engine, and its queues."""
    async with pg_server.new_database() as dsn:
        queues = Queues(dsn)
        await queues.make()
        conn = await asyncpg.connect(dsn)
        # What an engine would find out within two seconds.
        await conn.execute("INSERT INTO tasker.namespaces (name) VALUES ('test')")
        stack = Stack(dsn, tmp_path_factory.mktemp("split"), conn, on_queue_database(queues.url))
        try:
            await server(stack)
            yield stack, queues
            for part in stack.parts:
                print(f"--- {part.log.name}\n{part.output}")
                assert "Traceback" not in part.output
        finally:
            stack.end()
            await conn.close()


async def unpublished(stack: Stack) -> bool:
    """Whether a ready step has no confirmed message."""
    query = "SELECT EXISTS (SELECT FROM tasker.ready_steps WHERE published_at IS NULL)"
    return bool(await stack.flows.conn.fetchval(query))


async def all_published(stack: Stack) -> None:
    async def published() -> bool:
        return not await unpublished(stack)

    await until(published, "every ready step has a confirmed message")


async def claims_for_messages(stack: Stack, worker: WorkerPart, revision: int) -> None:
    """Messages wake the worker (again)."""
    before = (await worker.messages()).get("claimed", 0)

    async def claimed() -> bool:
        tasks = await stack.flows.create(revision, count=2)
        await stack.flows.conn.execute("SELECT pg_notify('tasker_publish', '')")  # as a creation does
        await stack.flows.all_complete(tasks)
        return (await worker.messages()).get("claimed", 0) > before

    await until(claimed, "the worker claims for a message")


async def tasker(stack: Stack, queues: Queues, *arguments: str) -> tuple[int, str]:
    """Run a command; its exit code and output."""
    own = {"DATABASE_URL": stack.dsn, **on_queue_database(queues.url)}
    part = Part("tasker", list(arguments), {**os.environ, **own}, stack.folder / f"{arguments[0]}.log")
    return await part.ended(), part.output


async def server(stack: Stack) -> None:
    """Start an engine with its API."""
    port = claim_ports(0, 0).server
    env = {**os.environ, "DATABASE_URL": stack.dsn, **stack.broker, "TASKER_SERVER_PORT": str(port)}
    part = Part("tasker", ["server"], env, stack.folder / "server.log")
    stack.parts.append(part)
    await part.wrote(LISTENS)


async def get(stack: Stack, path: str) -> httpx.Response:
    """Ask the engine."""
    found = LISTENS.search(stack.parts[0].output)
    assert found is not None
    async with httpx.AsyncClient(base_url=found[1], timeout=10) as client:
        return await client.get(path)


async def asked(stack: Stack) -> tuple[str, str, bool]:
    """What the engine says of the queue database: its health, why, and whether it is connected."""
    health = (await get(stack, "/health/detailed")).json()
    broker = (await get(stack, "/v1/queues")).json()["broker"]
    assert broker["name"] == "pgmq"
    return health["status"], health["checks"]["queue_depth"]["message"], broker["connected"]


async def healthy(stack: Stack) -> bool:
    """Whether the engine says that nothing is wrong."""
    return (await asked(stack))[0] == "healthy"


async def breaker_is(stack: Stack, state: int) -> bool:
    """What the engine's metrics say of the breaker."""
    metrics = (await get(stack, "/metrics")).text
    return sample(metrics, "tasker_circuit_breaker_state", 'breaker="messaging"') == state


async def test_a_step_is_published_after_its_commit_and_again_when_its_message_is_gone(
    split: tuple[Stack, Queues],
) -> None:
    """First without a worker: what the engine does alone, in a database that was empty when it came."""
    stack, queues = split
    conn = stack.flows.conn
    revision = await stack.flows.register([step("a"), step("b")])
    (task,) = await stack.flows.create(revision)
    await queues.until_depth(2)
    await all_published(stack)
    assert await conn.fetchval(f"SELECT count(*) FROM {QUEUE}") == 0  # the one beside the tasks
    bodies = [json.loads(body) for body in await queues.fetch(f"SELECT message::text FROM {QUEUE}")]
    steps = (await stack.flows.steps(task)).values()
    assert {body["step_uuid"] for body in bodies} == {str(row["step_uuid"]) for row in steps}
    assert {frozenset(body) for body in bodies} == {frozenset({"task_uuid", "step_uuid", "correlation_id"})}
    settings = "SELECT reloptions FROM pg_class WHERE oid = $1::text::regclass"
    assert await queues.fetch(settings, QUEUE) == [await conn.fetchval(settings, "tasker.ready_steps")]
    await queues.fetch(f"DELETE FROM {QUEUE}")
    await conn.execute("UPDATE tasker.ready_steps SET published_at = now() - interval '4 s'")
    await queues.until_depth(2)
    # It finds the first ones by looking, since it is not connected yet; then it is told.
    worker = await stack.worker(TASKER_PGMQ_DEPLOYMENT_MODE="EventDrivenOnly")
    await stack.flows.all_complete([task])
    await queues.until_depth(0)
    await claims_for_messages(stack, worker, revision)
    await queues.until_depth(0)
    assert await queues.depth(ARCHIVE) == 0
    worker.kill()


async def test_no_message_outlives_the_claim_of_its_step(split: tuple[Stack, Queues]) -> None:
    """Also where a worker with no free slot finds steps by looking; what is not ours goes to the archive."""
    stack, queues = split
    revision = await stack.flows.register([step("gated", handler="gate", initialization={"gate": "one"})])
    tasks = await stack.flows.create(revision, count=8)
    await queues.until_depth(8)
    bad = ["null", '"text"', "{}", '{"step_uuid": 7}']
    await queues.fetch(f"INSERT INTO {QUEUE} (vt, message) SELECT now(), unnest($1::text[])::jsonb", bad)
    worker = await stack.worker(slots=1, TASKER_PGMQ_DEPLOYMENT_MODE="PollingOnly")
    await stack.has_effect("begin gated 1")

    async def given_back() -> bool:
        return (await worker.messages()).get("given_back", 0) >= 1

    await until(given_back, "messages are left to others")
    stack.open_gate("one")
    await stack.flows.all_complete(tasks)
    await queues.until_depth(0)
    assert await queues.depth(ARCHIVE) == len(bad)
    assert (await worker.messages())["refused"] == len(bad)
    await claims_for_messages(stack, worker, await stack.flows.register(linear(1)))
    await queues.until_depth(0)
    worker.kill()


async def test_a_queue_database_that_is_away_or_wiped_while_tasks_run_loses_nothing(
    split: tuple[Stack, Queues],
) -> None:
    stack, queues = split
    worker = await stack.worker(slots=2)
    revision = await stack.flows.register([step("first", handler="gate"), step("second", "first")])
    tasks = await stack.flows.create(revision, count=6)
    await stack.has_effect("begin first 1")
    await queues.drop()
    tasks += await stack.flows.create(revision, count=3)

    async def told(connected: bool) -> bool:
        return (await asked(stack))[2] is connected

    await until(lambda: told(False), "the engine says that it is away")
    status, why, _ = await asked(stack)
    assert status == "degraded"
    assert "the queue database: " in why
    assert "workers find steps by polling" in why
    code, output = await tasker(stack, queues, "doctor")
    assert code == 1
    assert "queue database: connection" in output
    assert "check PGMQ_DATABASE_URL" in output
    stack.open_gate("first")
    await stack.flows.all_complete(tasks)  # without it: by polling

    await until(lambda: breaker_is(stack, 2), "its breaker is open")
    await queues.make()
    await until(lambda: told(True), "it is there again")
    await claims_for_messages(stack, worker, revision)
    await until(lambda: breaker_is(stack, 0), "its breaker is closed")
    await until(lambda: healthy(stack), "the engine is healthy")
    await queues.until_depth(0)
    effects = Counter(line for line in stack.effects() if line.split()[-2] in ("first", "second"))
    assert set(effects) == {"begin first 1", "first 1", "second 1"}
    assert len(set(effects.values())) == 1


async def test_it_is_migrated_as_the_other_one_is(split: tuple[Stack, Queues]) -> None:
    stack, _ = split
    other = Queues(urlsplit(stack.dsn)._replace(path="/other").geturl())
    await other.make()
    code, output = await tasker(stack, other, "doctor")
    assert code == 1
    assert "queue database: PGMQ" in output
    code, output = await tasker(stack, other, "migrate", "--json")
    assert code == 0, output
    assert [change["kind"] for change in json.loads(output)["changes"]] == ["queues"]
    assert await other.fetch("SELECT to_regclass('pgmq.meta')::text") == ["pgmq.meta"]


async def test_a_queue_that_is_not_for_us_is_refused_and_one_that_two_make_is_made_once(
    split: tuple[Stack, Queues],
) -> None:
    _, queues = split
    one, other = [await asyncpg.connect(queues.url) for _ in range(2)]
    try:
        await message_queues.prepare(one)
        await asyncio.gather(*(message_queues.declare(conn, "shared") for conn in (one, other)))
        indexes = "SELECT count(*) FROM pg_indexes WHERE tablename = $1 AND indexdef LIKE '%step_uuid%'"
        assert await one.fetchval(indexes, "q_worker_shared_queue") == 1

        await one.execute("GRANT USAGE ON SCHEMA pgmq TO pg_monitor")
        await one.execute("GRANT SELECT ON pgmq.q_worker_shared_queue TO pg_monitor; SET ROLE pg_monitor")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="q_worker_shared_queue"):
            await message_queues.declare(one, "shared")
    finally:
        await asyncio.gather(one.close(), other.close())


async def test_a_count_that_takes_too_long_keeps_nobody_from_publishing(
    split: tuple[Stack, Queues], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgmq_link, "ANSWER_SECONDS", 4.0)
    _, queues = split
    publisher = PgmqPublisher(PgmqSettings(url=queues.url), lambda: None)
    keeping = asyncio.create_task(publisher.link.run())

    async def connected() -> bool:
        return publisher.link.connected

    await until(connected, "it is connected")
    conn = await asyncpg.connect(queues.url)
    await message_queues.declare(conn, "slow")
    async with conn.transaction():
        await conn.execute("LOCK TABLE pgmq.q_worker_slow_queue")
        counting = asyncio.create_task(publisher.depths(["slow"]))
        one = StepMessage(uuid4(), uuid4(), uuid4(), "quick")
        assert await publisher.publish([one]) == {one.step_uuid}
        with pytest.raises(TimeoutError):
            await counting
    assert publisher.link.connected
    assert await publisher.depths(["slow", "quick", "none"]) == {"slow": 0, "quick": 1, "none": 0}
    keeping.cancel()
    await conn.close()
