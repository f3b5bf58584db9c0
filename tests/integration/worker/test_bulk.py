"""Engines that work off a bulk operation, and are killed meanwhile."""

from __future__ import annotations

from signal import SIGKILL

import pytest

from tests.support.bulk import Bulk, assert_rate
from tests.support.stack import Stack
from tests.support.waiting import until


@pytest.mark.parametrize(("point", "done"), [("bulk.before:3", 40), ("bulk.after:3", 60)])
async def test_an_engine_is_killed_at_a_commit(stack: Stack, point: str, done: int) -> None:
    made = Bulk(stack.flows.conn)
    tasks = await made.failed(100)
    operation = await made.begin("retry")
    doomed = stack.start_engine(TASKER_CRASH_AT=point)
    assert await doomed.ended() == -SIGKILL
    assert await made.counts(operation) == (done, 0, 0, 100 - done)
    await stack.engine()
    await until(lambda: made.is_done(operation), "the operation is done")
    assert await made.counts(operation) == (100, 0, 0, 0)
    assert await made.resets(tasks) == 100


async def test_of_two_engines_one_is_killed_in_the_middle(stack: Stack) -> None:
    made = Bulk(stack.flows.conn)
    tasks = await made.failed(120)
    engines = [await stack.engine(), await stack.engine()]
    operation = await made.begin("retry", rate=60)

    async def some_are_done() -> bool:
        return (await made.counts(operation))[0] > 20

    await until(some_are_done, "some items are done")
    engines[0].kill()
    await until(lambda: made.is_done(operation), "the operation is done")
    assert await made.counts(operation) == (120, 0, 0, 0)
    assert await made.resets(tasks) == 120
    assert_rate(await made.items(operation), 60)
