"""Handlers that don't give their slot back, or their loop."""

from __future__ import annotations

from signal import SIGTERM

import pytest

from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.workflows import step

ONCE = {"max_attempts": 1}
EXIT_REPLACE_ME = 75


async def test_a_worker_with_half_of_its_slots_stuck_asks_to_be_replaced(stack: Stack) -> None:
    await stack.engine()
    worker = await stack.worker(slots=4)
    steps = [step(name, handler="hang", timeout_seconds=1, retry=ONCE) for name in ("h1", "h2")]
    await stack.flows.run([*steps, step("fine", handler="gate")])
    await stack.has_effect("begin fine 1")
    stack.open_gate("fine")
    assert await worker.ended() == EXIT_REPLACE_ME
    assert "half of the slots are stuck" in worker.output


@pytest.mark.parametrize("slots", [1, 2])
async def test_an_async_handler_that_times_out_sticks_nowhere(stack: Stack, slots: int) -> None:
    """However few the slots: it is cancelled, and its slot is free for the next."""
    await stack.engine()
    worker = await stack.worker(slots=slots)
    steps = [step(f"e{n}", handler="endless", timeout_seconds=1, retry=ONCE) for n in range(3)]
    task = await stack.flows.run([*steps, step("fine")])
    await stack.flows.reaches(task, "blocked_by_failures")
    assert await stack.flows.states(task) == {"e0": "error", "e1": "error", "e2": "error", "fine": "complete"}
    assert worker.alive


async def test_a_handler_that_blocks_the_loop_does_not_stop_the_heartbeat(stack: Stack) -> None:
    lease = 10.0
    await stack.engine()
    worker = await stack.worker(lease=lease)
    task = await stack.flows.run([step("block", handler="block_loop", timeout_seconds="none")])
    await stack.has_effect("begin block 1")

    async def renewed() -> bool:
        query = "SELECT expires_at - claimed_at > make_interval(secs => $1) FROM tasker.leases"
        return bool(await stack.flows.conn.fetchval(query, lease + 2.0))

    await until(renewed, "the lease is renewed again and again")
    stack.open_gate("block")
    await stack.flows.reaches(task, "complete")
    assert stack.effects() == ["begin block 1", "block 1"]
    worker.signal(SIGTERM)
    assert await worker.ended() == 0


async def test_a_lost_step_that_nobody_can_stop_shows_as_stuck(stack: Stack) -> None:
    """Cancelled, not timed out: the thread does not listen."""
    await stack.engine()
    worker = await stack.worker(slots=10)
    task = await stack.flows.run([step("deaf", handler="deaf_sync")])
    await stack.has_effect("begin deaf 1")
    await stack.flows.conn.execute("SELECT * FROM tasker.cancel_tasks($1, 'operator', 'enough')", [task])

    async def reason() -> str:
        stuck = (await worker.get("/health/detailed")).json()["stuck"]
        return str(stuck[0]["reason"]) if stuck else ""

    assert await until(reason, "the step shows as stuck") == "cancelled"
