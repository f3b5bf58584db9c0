"""Who is claimed first: priorities from -100 to 100, and waiting, of which a minute is worth a point."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker
from tests.support.workflows import Workflows, linear, step

WAITING = 3_000


async def at(conn: Connection, minutes: float) -> None:
    """Let it be so many minutes after the test's begin."""
    await conn.execute(f"SET tasker.clock_offset = '{minutes} minutes'")


async def order(worker: HandWorker, limit: int = 1, rounds: int = 1_000) -> list[UUID]:
    """The tasks in the order in which their steps are claimed, so many at a time."""
    found: list[UUID] = []
    for _ in range(rounds):
        claimed = await worker.claim(limit)
        if not claimed:
            break
        found += [one.task_uuid for one in claimed]
    return found


@pytest.mark.scenario(143)
async def test_the_higher_priority_goes_first(flows: Workflows, conn: Connection) -> None:
    revision = await flows.register([step("s1")])
    priorities = [0, -100, 100, 7, -1, 8]
    tasks = {n: (await flows.create(revision, priority=n))[0] for n in priorities}
    assert await order(HandWorker(conn)) == [tasks[n] for n in sorted(priorities, reverse=True)]


@pytest.mark.scenario(143)
@pytest.mark.parametrize("limit", [1, 10])
async def test_a_high_priority_overtakes_thousands_within_one_claim(
    flows: Workflows, conn: Connection, limit: int
) -> None:
    revision = await flows.register([step("s1")])
    await flows.create(revision, count=WAITING)
    worker = HandWorker(conn)
    assert len(await worker.claim(limit)) == limit
    (urgent,) = await flows.create(revision, priority=100)
    first, *_ = await worker.claim(1)
    assert first.task_uuid == urgent
    several = await flows.create(revision, count=5, priority=1)
    assert {one.task_uuid for one in await worker.claim(5)} == set(several)


@pytest.mark.scenario(143)
async def test_a_minute_of_waiting_is_worth_a_point(flows: Workflows, conn: Connection) -> None:
    revision = await flows.register([step("s1")])
    (old,) = await flows.create(revision, priority=0)
    await at(conn, 10)
    tasks = {n: (await flows.create(revision, priority=n))[0] for n in (0, 9, 11)}
    assert await order(HandWorker(conn)) == [tasks[11], old, tasks[9], tasks[0]]


@pytest.mark.scenario(143)
async def test_of_equal_priorities_the_older_goes_first(flows: Workflows, conn: Connection) -> None:
    revision = await flows.register([step("s1")])
    tasks = []
    for minutes in (0, 1, 2, 3):
        await at(conn, minutes)
        tasks += await flows.create(revision, priority=5)
    assert await order(HandWorker(conn), 2) == tasks


@pytest.mark.scenario(143)
async def test_nothing_starves(flows: Workflows, conn: Connection) -> None:
    """The lowest priority waits behind ever new tasks of the highest one, for 200 minutes and no longer."""
    revision = await flows.register([step("s1")])
    (lowest,) = await flows.create(revision, priority=-100)
    worker = HandWorker(conn, lease=1e6)
    claimed: dict[UUID, int] = {}
    for minutes in range(0, 221, 10):
        await at(conn, minutes)
        # Two come and one is claimed: there is always one more that waits.
        await flows.create(revision, count=2 if minutes == 0 else 1, priority=100)
        (one,) = await worker.claim(1)
        claimed[one.task_uuid] = minutes
    assert claimed[lowest] in (200, 210)


@pytest.mark.scenario(143)
async def test_a_worker_that_goes_on_with_its_task_lets_higher_priorities_pass(
    flows: Workflows, conn: Connection
) -> None:
    revision = await flows.register(linear(3))
    worker = HandWorker(conn)
    (low,) = await flows.create(revision)
    (first,) = await worker.claim()
    (kept,) = (await worker.succeed(first, keep=1)).held
    assert kept.task_uuid == low
    (urgent,) = await flows.create(revision, priority=1)
    assert (await worker.succeed(kept, keep=1)).held == []
    assert await order(worker) == [urgent, low]
