"""Killed at every commit of the hot path, engine and worker recover, and every effect is recorded once."""

from __future__ import annotations

import time
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from uuid import UUID

import pytest

from tests.support.stack import Stack, WorkerPart
from tests.support.waiting import until
from tests.support.workflows import linear, step

LOST_AND_DONE = [("worker_lost", False), (None, True)]
DONE = [(None, True)]


async def outcomes(stack: Stack, task: UUID, name: str) -> list[tuple[str | None, bool]]:
    return [(row["error_type"], row["success"]) for row in await stack.flows.attempts(task, name)]


@pytest.mark.parametrize(
    ("point", "lost", "effects"),
    [
        ("claim.before", None, ["s1 1", "s2 1", "s3 1"]),
        ("claim.after", "s1", ["s1 2", "s2 1", "s3 1"]),
        # What a handler did before it could say so is done again; it is recorded once.
        ("submit.before", "s1", ["s1 1", "s1 2", "s2 1", "s3 1"]),
        # The hand-over died with the worker.
        ("submit.after", "s2", ["s1 1", "s2 2", "s3 1"]),
    ],
)
async def test_a_worker_is_killed_at_a_commit(
    stack: Stack, point: str, lost: str | None, effects: list[str]
) -> None:
    await stack.engine()
    task = await stack.flows.run(linear(3))
    doomed = stack.start_worker(TASKER_CRASH_AT=point)
    assert await doomed.ended() == -SIGKILL
    await stack.flows.end_leases()
    await stack.worker()
    await stack.flows.reaches(task, "complete")
    assert stack.effects() == effects
    for name in ("s1", "s2", "s3"):
        assert await outcomes(stack, task, name) == (LOST_AND_DONE if name == lost else DONE)


@pytest.mark.parametrize("point", ["heartbeat.before", "heartbeat.after"])
async def test_a_worker_is_killed_while_it_renews_its_leases(stack: Stack, point: str) -> None:
    await stack.engine()
    task = await stack.flows.run([step("s1", handler="gate")])
    # The first beats name no step: they come before it, or while it is young.
    doomed = stack.start_worker(lease=3.0, TASKER_CRASH_AT=f"{point}:4")
    assert await doomed.ended() == -SIGKILL
    stack.open_gate("s1")
    await stack.flows.end_leases()
    await stack.worker()
    await stack.flows.reaches(task, "complete")
    assert await outcomes(stack, task, "s1") == LOST_AND_DONE


@pytest.mark.parametrize("point", ["give_back.before", "give_back.after"])
async def test_a_worker_is_killed_while_it_gives_a_step_back(stack: Stack, point: str) -> None:
    await stack.engine()
    doomed = await stack.worker(drain=0.1, TASKER_CRASH_AT=point)
    task = await stack.flows.run([step("s1", handler="deaf_sync")])
    await stack.has_effect("begin s1 1")
    doomed.signal(SIGTERM)
    assert await doomed.ended() == -SIGKILL
    stack.open_gate("s1")
    await stack.flows.end_leases()
    await stack.worker()
    await stack.flows.reaches(task, "complete")
    assert stack.effects()[-1] == "s1 2"
    assert await outcomes(stack, task, "s1") == LOST_AND_DONE


async def unprocessed(stack: Stack) -> None:
    async def waits() -> bool:
        return bool(await stack.flows.conn.fetchval("SELECT count(*) FROM tasker.unprocessed_results"))

    await until(waits, "a result waits for an engine")


async def killed_and_replaced(stack: Stack, point: str) -> None:
    doomed = stack.start_engine(TASKER_CRASH_AT=point)
    assert await doomed.ended() == -SIGKILL
    await stack.engine()


@pytest.mark.parametrize("point", ["process.before", "process.after", "retry.before", "retry.after"])
async def test_an_engine_is_killed_at_a_commit(stack: Stack, point: str) -> None:
    await stack.worker()
    steps = [step("s1", handler="flaky", initialization={"failures": 1}), step("s2", "s1")]
    task = await stack.flows.run(steps)
    await unprocessed(stack)
    if point.startswith("retry"):
        await stack.flows.conn.execute("SELECT tasker.process_results(100, 'test')")
    await killed_and_replaced(stack, point)
    await stack.flows.reaches(task, "complete")
    assert stack.effects() == ["s1 2", "s2 1"]
    assert [success for _, success in await outcomes(stack, task, "s1")] == [False, True]


@pytest.mark.parametrize("point", ["expire.before", "expire.after"])
async def test_an_engine_is_killed_while_it_takes_a_step_back(stack: Stack, point: str) -> None:
    worker = await stack.worker()
    task = await stack.flows.run([step("s1", handler="gate"), step("s2", "s1")])
    await stack.has_effect("begin s1 1")
    worker.kill()
    await stack.flows.end_leases()
    await killed_and_replaced(stack, point)
    stack.open_gate("s1")
    await stack.worker()
    await stack.flows.reaches(task, "complete")
    assert await outcomes(stack, task, "s1") == LOST_AND_DONE


async def test_a_killed_worker_costs_one_lease(stack: Stack) -> None:
    lease = 5.0
    await stack.engine()
    doomed = await stack.worker(lease=lease)
    task = await stack.flows.run([step("s1", handler="gate")])
    await stack.has_effect("begin s1 1")
    await stack.worker()
    stack.open_gate("s1")
    doomed.kill()
    killed = time.monotonic()
    await stack.flows.reaches(task, "complete")
    # An engine looks for lost leases every second; the rest is for a busy machine.
    assert time.monotonic() - killed < lease + 1.0 + 5.0
    lost, done = await stack.flows.attempts(task, "s1")
    assert (lost["error_type"], lost["attempt"], lost["retryable"]) == ("worker_lost", 1, "true")
    assert (str(lost["worker_uuid"]), done["attempt"]) == (doomed.uuid, 2)


async def test_a_worker_that_slept_past_its_lease_is_refused(stack: Stack) -> None:
    await stack.engine()
    sleeper = await stack.worker()
    task = await stack.flows.run([step("s1", handler="deaf_sync"), step("s2", "s1")])
    await stack.has_effect("begin s1 1")
    sleeper.signal(SIGSTOP)
    await stack.flows.end_leases()
    other = await stack.worker()
    await stack.has_effect("begin s1 2")
    other.signal(SIGSTOP)
    stack.open_gate("s1")
    sleeper.signal(SIGCONT)
    await refuses(stack, sleeper, 1)
    other.signal(SIGCONT)
    await stack.flows.reaches(task, "complete")
    assert await outcomes(stack, task, "s1") == LOST_AND_DONE


async def test_a_zombie_from_before_a_reset_is_refused(stack: Stack) -> None:
    """The second life of the step has the same attempt number as the zombie's: the claim number tells."""
    await stack.engine()
    zombie = await stack.worker()
    task = await stack.flows.run([step("s1", handler="deaf_sync", retry={"max_attempts": 1})])
    await stack.has_effect("begin s1 1")
    zombie.signal(SIGSTOP)
    await stack.flows.end_leases()
    failed = await stack.flows.step_reaches(task, "s1", "error")
    await stack.flows.reaches(task, "blocked_by_failures")
    other = await stack.worker()
    await stack.flows.conn.execute(
        "SELECT * FROM tasker.reset_steps($1, 'operator', 'try again')", [failed["step_uuid"]]
    )
    claimed = await stack.flows.step_reaches(task, "s1", "in_progress")
    assert (claimed["attempts"], claimed["claim_no"]) == (1, failed["claim_no"] + 1)
    other.signal(SIGSTOP)
    stack.open_gate("s1")
    zombie.signal(SIGCONT)
    await refuses(stack, zombie, 1)
    assert await stack.flows.states(task) == {"s1": "in_progress"}
    other.signal(SIGCONT)
    await stack.flows.reaches(task, "complete")
    _, done = await stack.flows.attempts(task, "s1")
    assert (str(done["worker_uuid"]), done["claim_no"]) == (other.uuid, claimed["claim_no"])


async def refuses(stack: Stack, worker: WorkerPart, number: int) -> None:
    """Wait until the database has refused so many results of a worker."""

    async def refused() -> bool:
        return bool((await worker.get("/metrics/worker")).json()["results_refused"] == number)

    await until(refused, f"{number} results are refused")
