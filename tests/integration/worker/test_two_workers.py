"""Two engines and two workers side by side."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.stack import Stack
from tests.support.workflows import step

DIAMOND = [step("a"), step("b", "a", handler="echo_sync"), step("c", "a"), step("d", "b", "c")]


@pytest.mark.scenario(157)
async def test_each_step_runs_once(stack: Stack) -> None:
    for _ in range(2):
        await stack.engine()
    workers = [await stack.worker(slots=5) for _ in range(2)]
    tasks = await stack.flows.create(await stack.flows.register(DIAMOND), count=150)
    await stack.flows.all_complete(tasks)
    assert Counter(stack.effects()) == {"a 1": 150, "b 1": 150, "c 1": 150, "d 1": 150}
    attempts = await stack.flows.conn.fetchval("SELECT array_agg(DISTINCT attempts) FROM tasker.steps")
    assert attempts == [1]
    rows = await stack.flows.conn.fetch(
        "SELECT worker_uuid::text, count(*) FROM tasker.step_attempts WHERE success GROUP BY 1"
    )
    shares = dict(map(tuple, rows))
    assert set(shares) == {worker.uuid for worker in workers}
    assert sum(shares.values()) == 600
