"""Random workflows run by a real worker while the engine is killed again and again, when a seed says so."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from tests.support import random_handlers
from tests.support.random_templates import random_steps
from tests.support.stack import Stack
from tests.support.waiting import until

HANDLERS = Path(random_handlers.__file__)
SEEDS = range(int(os.environ.get("TASKER_RANDOM_KILLS", "1")))
TEMPLATES = 12
TASKS_EACH = 4
KILLS = 4
CHANGES_BETWEEN = 200
"""A killed engine is followed by another one after at most so many rows of the log."""

RESTING = """
SELECT count(*) FILTER (WHERE state NOT IN ('complete', 'blocked_by_failures')) = 0
       AND NOT EXISTS (SELECT FROM tasker.unprocessed_results)
FROM tasker.tasks
"""
STRANGE = """
SELECT t.task_uuid, t.state::text, w.name, w.kind, w.sentence
FROM tasker.tasks t LEFT JOIN LATERAL tasker.why_steps(t.task_uuid, interval '1 minute') w ON true
WHERE t.state = 'complete' AND w.name IS NOT NULL
   OR t.state <> 'complete'
      AND coalesce(w.kind, '') NOT IN ('failed', 'failed_parent', 'parents', 'batch_failed')
"""
IDLE = """
SELECT NOT EXISTS (SELECT FROM tasker.leases) AND NOT EXISTS (SELECT FROM tasker.step_retries)
       AND NOT EXISTS (SELECT FROM tasker.ready_steps WHERE NOT held)
       AND NOT EXISTS (SELECT FROM tasker.unprocessed_results)
"""
ENDS = "SELECT state::text, count(*)::int FROM tasker.tasks GROUP BY 1"


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_engine_that_is_killed_at_random_loses_nothing(stack: Stack, seed: int):
    random = Random(seed)
    for number in range(TEMPLATES):
        revision = await stack.flows.register(
            random_steps(random.randrange, handler="random"), f"random_{number}"
        )
        for task in range(TASKS_EACH):
            await stack.flows.create(revision, context={"seed": f"{seed} {number} {task}"})
    await stack.worker(slots=4, handlers=HANDLERS)
    for _ in range(KILLS):
        engine = await stack.engine()
        await changes(stack, random.randrange(CHANGES_BETWEEN))
        engine.kill()
    await stack.engine()

    async def all_rest() -> bool:
        return bool(await stack.flows.conn.fetchval(RESTING))

    await until(all_rest, "every task ends or waits for an operator", timeout=60)
    assert await stack.flows.conn.fetch(STRANGE) == []
    ends = dict(await stack.flows.conn.fetch(ENDS))
    assert ends.keys() == {"complete", "blocked_by_failures"}, ends
    assert sum(ends.values()) == TEMPLATES * TASKS_EACH


async def changes(stack: Stack, more: int) -> None:
    """Wait until the log has so many more rows, or nothing is left that could write them."""
    query = "SELECT count(*) FROM tasker.transitions"
    wanted = await stack.flows.conn.fetchval(query) + more

    async def written() -> bool:
        rows = await stack.flows.conn.fetchval(query)
        return bool(rows >= wanted or await stack.flows.conn.fetchval(IDLE))

    await until(written, f"{more} more changes of state happen")
