"""A worker is told to stop."""

from __future__ import annotations

import time
from signal import SIGINT, SIGTERM, Signals

import pytest

from tests.support.proxy import proxy_to
from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.workflows import step


@pytest.mark.parametrize("signal", [SIGTERM, SIGINT])
async def test_running_steps_end_and_nothing_new_begins(stack: Stack, signal: Signals) -> None:
    await stack.engine()
    worker = await stack.worker()
    task = await stack.flows.run([step("s1", handler="gate"), step("s2", "s1")])
    await stack.has_effect("begin s1 1")
    worker.signal(signal)
    await is_draining(stack, worker.uuid)
    stack.open_gate("s1")
    assert await worker.ended() == 0
    assert stack.effects() == ["begin s1 1", "s1 1"]
    assert await stack.flows.states(task) == {"s1": "complete", "s2": "enqueued"}
    assert (await stack.flows.steps(task))["s2"]["attempts"] == 0
    assert await state_of(stack, worker.uuid) == "stopped"


async def state_of(stack: Stack, worker: str) -> str:
    state: str = await stack.flows.conn.fetchval(
        "SELECT state FROM tasker.workers WHERE worker_uuid = $1", worker
    )
    return state


async def is_draining(stack: Stack, worker: str) -> None:
    async def draining() -> bool:
        return await state_of(stack, worker) == "draining"

    await until(draining, "the worker drains")


@pytest.mark.parametrize("handler", ["gate", "hang"])
async def test_what_outlasts_the_timeout_is_given_back(stack: Stack, handler: str) -> None:
    """Also when a thread hangs: the process ends all the same."""
    await stack.engine()
    worker = await stack.worker(drain=1.0, lease=300.0)
    task = await stack.flows.run([step("s1", handler=handler, timeout_seconds="none")])
    await stack.has_effect("begin s1 1")
    told = time.monotonic()
    worker.signal(SIGTERM)
    assert await worker.ended() == 0
    assert time.monotonic() - told < 1.0 + 10.0
    row = (await stack.flows.steps(task))["s1"]
    assert (row["state"], row["attempts"]) == ("enqueued", 1)
    (lost,) = await stack.flows.attempts(task, "s1")
    assert (lost["error_type"], lost["success"]) == ("worker_lost", False)


async def test_steps_that_were_on_their_way_go_back_at_once(stack: Stack) -> None:
    """They were not begun, and cost no attempt."""
    await stack.engine()
    async with proxy_to(stack.dsn) as proxy:
        worker = await stack.worker(lease=300.0, dsn=proxy.dsn)
        proxy.hold_answer_of("claim_steps")
        task = await stack.flows.run([step("s1"), step("s2")])
        await proxy.lost.wait()
        worker.signal(SIGTERM)
        await is_draining(stack, worker.uuid)
        proxy.released.set()
        assert await worker.ended() == 0
    assert stack.effects() == []
    for name, row in (await stack.flows.steps(task)).items():
        assert (row["state"], row["attempts"]) == ("enqueued", 0)
        assert await stack.flows.attempts(task, name) == []
    await stack.worker()
    await stack.flows.reaches(task, "complete")


async def test_a_worker_without_work_ends_at_once(stack: Stack) -> None:
    worker = await stack.worker(drain=60.0)
    worker.signal(SIGTERM)
    assert await worker.ended() == 0
