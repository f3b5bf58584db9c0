"""How long a failed step waits: the SQL function against its model, and what wins over it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from engine.model.retry import backoff_bounds
from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker, process
from tests.support.workflows import Workflows, step

MICROSECOND = 1e-6


@pytest.mark.parametrize("kind", ["exponential", "linear", "fibonacci", "none"])
@pytest.mark.parametrize(
    ("base", "most"), [(0, 0), (50, 10_000), (1_000, 3_600_000), (3_600_000, 3_600_000), (7, 5)]
)
async def test_waits_are_within_the_bounds_and_spread(
    conn: Connection, kind: str, base: int, most: int
) -> None:
    rows = await conn.fetch(
        """
        SELECT attempt, array_agg(tasker.backoff_interval($1, $2, $3, attempt)) AS waits
        FROM generate_series(1, 100) AS attempt, generate_series(1, 20) GROUP BY 1
        """,
        kind,
        base,
        most,
    )
    policy = SimpleNamespace(backoff=kind, backoff_base_ms=base, max_backoff_ms=most)
    for attempt, waits in rows:
        shortest, longest = backoff_bounds(policy, attempt)
        seconds = [wait.total_seconds() for wait in waits]
        assert shortest - MICROSECOND <= min(seconds)
        assert max(seconds) <= longest + MICROSECOND
        if longest > 0.01:
            assert max(seconds) > min(seconds), "no jitter"


async def waits_for(flows: Workflows, conn: Connection, retry: dict[str, Any], **details: Any) -> timedelta:
    """How long a step is made to wait after its first attempt."""
    task = await flows.run([step("s1", retry=retry)])
    worker = HandWorker(conn)
    (claimed,) = await worker.claim()
    await worker.fail(claimed, **details)
    await process(conn)
    row = (await flows.steps(task))["s1"]
    assert row["state"] == "waiting_for_retry"
    wait: timedelta = row["retry_at"] - row["updated_at"]
    return wait


async def test_the_handlers_hint_wins(flows: Workflows, conn: Connection) -> None:
    retry = {"backoff": "linear", "backoff_base_ms": 1_000}
    assert await waits_for(flows, conn, retry, retry_after=0.25) == timedelta(seconds=0.25)


async def test_a_hint_is_capped_at_a_day(flows: Workflows, conn: Connection) -> None:
    assert await waits_for(flows, conn, {}, retry_after=10**30) == timedelta(days=1)


async def test_a_hint_in_the_past_means_now(flows: Workflows, conn: Connection) -> None:
    assert await waits_for(flows, conn, {"backoff": "linear"}, retry_after=-5) == timedelta(0)


@pytest.mark.parametrize("hint", ["tomorrow", None, [], {}, True])
async def test_a_hint_that_is_no_number_leaves_the_policy_in_force(
    flows: Workflows, conn: Connection, hint: Any
) -> None:
    wait = await waits_for(flows, conn, {"backoff": "linear", "backoff_base_ms": 1_000}, retry_after=hint)
    assert timedelta(seconds=0.85) <= wait <= timedelta(seconds=1.15)


@pytest.mark.parametrize("retryable", ["no", 0, None])
async def test_only_false_forbids_a_retry(flows: Workflows, conn: Connection, retryable: Any) -> None:
    assert await waits_for(flows, conn, {}, retryable=retryable) == timedelta(0)
