"""Checkpoints: a handler gives control back and goes on where it stopped (reference 8.1)."""

from __future__ import annotations

import json
from pathlib import Path
from signal import SIGKILL
from typing import Any
from uuid import UUID

import pytest

from tests.support.stack import Stack
from tests.support.workflows import step

HANDLERS = Path(__file__).with_name("checkpoint_handlers.py")


def counting(**config: Any) -> list[dict[str, Any]]:
    return [step("count", handler="count_to", initialization=config, retry={"max_attempts": 3})]


async def outcome(stack: Stack, task: UUID) -> dict[str, Any]:
    conn = stack.flows.conn
    row = await conn.fetchrow(
        "SELECT s.state, s.attempts, s.checkpoint, a.result FROM tasker.steps s "
        "JOIN tasker.step_attempts a USING (task_uuid, step_uuid, claim_no) WHERE s.task_uuid = $1",
        task,
    )
    assert row is not None
    return {
        "state": row["state"],
        "attempts": row["attempts"],
        "checkpoint": json.loads(row["checkpoint"] or "null"),
        "result": json.loads(row["result"] or "null"),
    }


@pytest.mark.scenario(47, 50)
@pytest.mark.parametrize(("total", "size", "yields"), [(100, 25, 3), (50, 5, 9)])
async def test_a_yield_is_no_attempt(stack: Stack, total: int, size: int, yields: int) -> None:
    await stack.worker(handlers=HANDLERS)
    task = await stack.flows.run(counting(total=total, size=size))
    await stack.flows.reaches(task, "complete")
    end = await outcome(stack, task)
    assert (end["state"], end["attempts"]) == ("complete", 1)
    assert end["result"] == {"sum": sum(range(total)), "resumed_from": total - size, "yields": yields}


@pytest.mark.scenario(51, 52)
async def test_what_fits_into_one_portion_needs_no_checkpoint(stack: Stack) -> None:
    await stack.worker(handlers=HANDLERS)
    for total in (0, 10):
        task = await stack.flows.run(counting(total=total, size=20), name=f"count{total}")
        await stack.flows.reaches(task, "complete")
        end = await outcome(stack, task)
        assert (end["attempts"], end["checkpoint"], end["result"]["yields"]) == (1, None, 0)


@pytest.mark.scenario(45, 46, 48)
async def test_a_retry_goes_on_at_the_checkpoint(stack: Stack) -> None:
    await stack.engine()
    await stack.worker(handlers=HANDLERS)
    task = await stack.flows.run(counting(total=100, size=25, trouble="once", at=50))
    await stack.flows.reaches(task, "complete")
    end = await outcome(stack, task)
    assert end["attempts"] == 2
    assert end["result"]["sum"] == sum(range(100))
    assert stack.effects() == ["1: 0", "1: 25", "1: 50", "2: 50", "2: 75"]


@pytest.mark.scenario(49)
async def test_a_permanent_failure_ends_it_and_keeps_the_checkpoint(stack: Stack) -> None:
    await stack.engine()
    await stack.worker(handlers=HANDLERS)
    task = await stack.flows.run(counting(total=100, size=10, trouble="permanent", at=30))
    await stack.flows.reaches(task, "blocked_by_failures")
    end = await outcome(stack, task)
    assert (end["state"], end["attempts"], end["checkpoint"]["cursor"]) == ("error", 1, 30)


async def test_a_killed_worker_s_successor_goes_on_at_the_checkpoint(stack: Stack) -> None:
    await stack.engine()
    first = await stack.worker(handlers=HANDLERS)
    task = await stack.flows.run(counting(total=100, size=25, trouble="hang", at=50))
    await stack.has_effect("1: 50")
    first.kill()
    await stack.flows.end_leases()
    await stack.worker(handlers=HANDLERS)
    await stack.flows.reaches(task, "complete")
    assert stack.effects()[-2:] == ["2: 50", "2: 75"]


@pytest.mark.parametrize(
    ("point", "effects"),
    [
        # What was done since the last checkpoint is done again, and nothing before it.
        ("checkpoint.before:2", ["1: 0", "1: 25", "2: 25", "2: 50", "2: 75"]),
        ("checkpoint.after:2", ["1: 0", "1: 25", "2: 50", "2: 75"]),
    ],
)
async def test_a_worker_is_killed_while_it_keeps_a_checkpoint(
    stack: Stack, point: str, effects: list[str]
) -> None:
    await stack.engine()
    doomed = stack.start_worker(handlers=HANDLERS, lease=1.0, TASKER_CRASH_AT=point)
    task = await stack.flows.run(counting(total=100, size=25))
    assert await doomed.ended() == -SIGKILL
    await stack.worker(handlers=HANDLERS, lease=1.0)
    await stack.flows.reaches(task, "complete")
    assert stack.effects() == effects
    assert (await outcome(stack, task))["result"]["sum"] == sum(range(100))


async def test_the_history_is_bounded(stack: Stack) -> None:
    await stack.worker(handlers=HANDLERS)
    task = await stack.flows.run(counting(total=60, size=2))
    await stack.flows.reaches(task, "complete")
    end = await outcome(stack, task)
    assert [entry["cursor"] for entry in end["checkpoint"]["history"]] == list(range(20, 60, 2))
