"""Working off bulk operations: how fast, until when, by whom, and what one bad item does to the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest

from engine.model.wire.bulk import BulkRunRequest, BulkState
from engine.store import bulk
from engine.store.pool import Connection
from tests.support.bulk import BURST_SECONDS, Bulk, assert_rate
from tests.support.hand_worker import HandWorker, process_all
from tests.support.invariants import assert_invariants
from tests.support.postgres import PgServer
from tests.support.waiting import until
from tests.support.workflows import step


@pytest.fixture(scope="module")
async def dsn(pg_server: PgServer) -> AsyncIterator[str]:
    """One database for all tests of the module; each test has a template of its own."""
    async with pg_server.new_database() as made:
        yield made
        assert_invariants(made)


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
def made(conn: Connection) -> Bulk:
    return Bulk(conn)


async def clock(conn: Connection, seconds: float) -> None:
    """From now on it is so much later than it is."""
    await conn.execute(f"SET tasker.clock_offset = '{seconds} s'")


async def work(conn: Connection) -> int:
    """One batch, as an engine does it; how many items it had."""
    return (await bulk.work_bulk(conn)).worked


async def work_all(conn: Connection) -> None:
    while await work(conn):
        pass


async def test_a_rate_is_kept_by_the_clock(made: Bulk, conn: Connection) -> None:
    await made.failed(60)
    operation = await made.begin("retry", rate=20)
    assert await work(conn) == 1
    for tick in range(1, 100):
        await clock(conn, tick * 0.05)
        await work(conn)
        if (await made.counts(operation))[3] == 0:
            break
    assert await made.counts(operation) == (60, 0, 0, 0)
    assert_rate(await made.items(operation), 20)


async def test_time_that_nobody_used_is_not_saved_up(made: Bulk, conn: Connection) -> None:
    await made.failed(60)
    operation = await made.begin("retry", rate=20)
    await clock(conn, 3600)
    assert await work(conn) == 1 + 20 * BURST_SECONDS
    answer = await bulk.work_bulk(conn)
    assert answer.next_in is not None
    assert answer.next_in.total_seconds() <= 1 / 20
    assert await bulk.stop(conn, operation, "enough", "ben")


async def test_what_is_skipped_costs_nothing(made: Bulk, conn: Connection) -> None:
    tasks = await made.failed(30)
    operation = await made.begin("retry", rate=0.001)
    await conn.fetch("SELECT * FROM tasker.cancel_tasks($1, 'ben', 'gone')", tasks)
    while await work(conn):
        pass
    assert await made.counts(operation) == (0, 30, 0, 0)
    assert {row["message"] for row in await made.items(operation)} == {"the step is cancelled"}


async def test_it_stops_and_goes_on_where_it_was(made: Bulk, conn: Connection) -> None:
    tasks = await made.failed(120)
    operation = await made.begin("retry")
    assert await work(conn) == 20
    assert await bulk.stop(conn, operation, "look first", "ben")
    assert not await bulk.stop(conn, operation, "look first", "ben")
    assert await work(conn) == 0
    found = await bulk.get_operation(conn, operation)
    assert found is not None
    assert (found.state, found.stopped_by, found.stop_reason) == (BulkState.STOPPED, "ben", "look first")
    assert (found.done, found.remaining, found.eta_seconds) == (20, 100, None)
    assert await bulk.resume(conn, operation)
    assert not await bulk.resume(conn, operation)
    await work_all(conn)
    assert await made.counts(operation) == (120, 0, 0, 0)
    assert await made.resets(tasks) == 120


async def test_a_selection_expires(made: Bulk, conn: Connection) -> None:
    await made.failed(1)
    operation = await made.preview("retry")
    run = BulkRunRequest()
    await clock(conn, 15 * 60 + 1)
    assert not await bulk.start(conn, operation, run)
    await bulk.forget_bulk(conn)
    assert await bulk.get_operation(conn, operation) is None
    assert await made.items(operation) == []


async def test_operations_that_ended_are_kept_for_a_week(made: Bulk, conn: Connection) -> None:
    await made.failed(1)
    operation = await made.begin("retry")
    await work_all(conn)
    await clock(conn, 7 * 24 * 3600 - 60)
    await bulk.forget_bulk(conn)
    assert len(await made.items(operation)) == 1
    await clock(conn, 7 * 24 * 3600 + 60)
    await bulk.forget_bulk(conn)
    assert await bulk.get_operation(conn, operation) is None


async def test_one_bad_item_leaves_the_others_alone(made: Bulk, conn: Connection) -> None:
    tasks = await made.failed(60)
    # Whatever makes the database refuse one of them: here a constraint that nobody foresaw.
    await conn.execute(
        f"ALTER TABLE tasker.transitions ADD CONSTRAINT odd CHECK (task_uuid <> '{tasks[7]}') NOT VALID"
    )
    operation = await made.begin("retry")
    while (await made.counts(operation))[3]:
        await work(conn)
    await conn.execute("ALTER TABLE tasker.transitions DROP CONSTRAINT odd")
    assert await made.counts(operation) == (59, 0, 1, 0)
    (bad,) = [row for row in await made.items(operation) if row["outcome"] == "failed"]
    assert bad["task_uuid"] == tasks[7]
    assert bad["message"] == "the database refused it (SQLSTATE 23514); its log tells more"
    assert await made.resets(tasks) == 59


async def test_a_verb_that_refuses_says_why(made: Bulk, conn: Connection) -> None:
    steps = [
        step("first", handler=made.name),
        step("choose", "first", handler=made.name, type="decision"),
        step("left", "choose", handler=made.name),
    ]
    await made.flows.create(await made.flows.register(steps, made.name), count=2)
    worker = HandWorker(conn, handlers=[made.name])
    await worker.succeed(*await worker.claim(2))
    wrong = {"decision_point_outcome": {"type": "create_steps", "step_names": ["right"]}}
    operation = await made.begin(
        "complete", result=wrong, wanted={"step": "choose", "step_states": ["enqueued"]}
    )
    await work_all(conn)
    assert await made.counts(operation) == (0, 0, 2, 0)
    assert "right" in (await made.items(operation))[0]["message"]


async def test_several_engines_do_each_item_once_and_keep_the_rate(
    made: Bulk, conn: Connection, dsn: str
) -> None:
    tasks = await made.failed(80)
    engines = [await asyncpg.connect(dsn) for _ in range(3)]
    operation = await made.begin("retry", rate=200)

    async def engine(connection: Connection) -> None:
        while not await Bulk(connection).is_done(operation):
            await work(connection)

    await asyncio.gather(*map(engine, engines))
    for one in engines:
        await one.close()
    assert await made.counts(operation) == (80, 0, 0, 0)
    assert await made.resets(tasks) == 80
    assert_rate(await made.items(operation), 200)


async def test_no_deadlock_with_workers(made: Bulk, conn: Connection, dsn: str) -> None:
    tasks = await made.failed(300, retry={"max_attempts": 1})
    connections = [await asyncpg.connect(dsn) for _ in range(6)]
    over = asyncio.Event()

    async def worker(connection: Connection, dice: random.Random) -> None:
        hands = HandWorker(connection, handlers=[made.name])
        while not over.is_set():
            held = await hands.claim(8)
            while held:
                one = held.pop()
                if dice.random() < 0.4:
                    await hands.fail(one)
                else:
                    held += (await hands.succeed(one, keep=1)).held
            await process_all(connection)

    async def engine(connection: Connection) -> None:
        while not over.is_set():
            if not await work(connection):
                await asyncio.sleep(0.005)

    async def operator() -> None:
        for verb, wanted in (
            *(("retry", {}), ("skip", {"step": "second"}), ("retry_downstream", {})) * 2,
            ("pause", {}), ("resume", {}), ("cancel", {}),
        ):  # fmt: skip
            operation = await made.begin(verb, wanted=wanted)
            await until(partial(made.is_done, operation), f"{verb} is done")
        over.set()

    # Whoever is chosen to end a deadlock raises DeadlockDetectedError here.
    dice = random.Random(1)
    await asyncio.gather(
        operator(), *(worker(one, dice) for one in connections[:4]), *map(engine, connections[4:])
    )
    for one in connections:
        await one.close()
    ended = await conn.fetch(
        "SELECT DISTINCT state::text FROM tasker.tasks WHERE task_uuid = ANY ($1)", tasks
    )
    assert {row[0] for row in ended} == {"complete", "cancelled"}
