"""What becomes of what handlers do: time-outs, failures, results, methods, a cancelled task."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.support.stack import Stack, WorkerPart
from tests.support.waiting import until
from tests.support.workflows import step

ONCE = {"max_attempts": 1}


async def error_of(stack: Stack, task: UUID, name: str) -> tuple[str, str, str]:
    """Type, retryable and message of a step's only attempt."""
    (attempt,) = await stack.flows.attempts(task, name)
    assert attempt["success"] is False
    return attempt["error_type"], attempt["retryable"], attempt["message"]


async def stuck_steps(worker: WorkerPart) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await worker.get("/health/detailed")).json()["stuck"]
    return found


@pytest.mark.scenario(76)
async def test_an_async_handler_that_takes_too_long_is_cancelled(
    shared_stack: Stack, worker: WorkerPart
) -> None:
    task = await shared_stack.flows.run([step("endless", handler="endless", timeout_seconds=1, retry=ONCE)])
    await shared_stack.flows.reaches(task, "blocked_by_failures")
    kind, retryable, message = await error_of(shared_stack, task, "endless")
    assert (kind, retryable) == ("handler_timeout", "true")
    assert message == "the handler did not return within timeout_seconds (1 s)"
    assert await stuck_steps(worker) == []


@pytest.mark.scenario(76)
async def test_a_thread_that_takes_too_long_keeps_its_slot_and_shows(
    shared_stack: Stack, worker: WorkerPart
) -> None:
    """Its step fails at once; what the thread returns in the end is nobody's."""
    task = await shared_stack.flows.run([step("deaf", handler="deaf_sync", timeout_seconds=1, retry=ONCE)])
    await shared_stack.flows.reaches(task, "blocked_by_failures")
    kind, _, _ = await error_of(shared_stack, task, "deaf")
    assert kind == "handler_timeout"

    async def shown() -> list[dict[str, Any]]:
        return await stuck_steps(worker)

    (stuck,) = await until(shown, "the stuck step shows in health")
    assert (stuck["name"], stuck["reason"], stuck["task_uuid"]) == ("deaf", "timed out", str(task))
    health = (await worker.get("/health/detailed")).json()
    assert (health["status"], health["checks"]["step_processing"]["status"]) == ("degraded", "degraded")
    assert "tasker_worker_slots_stuck 1.0" in (await worker.get("/metrics")).text

    shared_stack.open_gate("deaf")

    async def gone() -> bool:
        return not await stuck_steps(worker)

    await until(gone, "the thread returned")
    assert await shared_stack.flows.states(task) == {"deaf": "error"}


@pytest.mark.scenario(107)
@pytest.mark.parametrize("handler", ["gate", "gate_sync"])
async def test_a_running_handler_hears_that_its_task_was_cancelled(
    shared_stack: Stack, worker: WorkerPart, handler: str
) -> None:
    name = f"cancelled_{handler}"
    refused = (await worker.get("/metrics/worker")).json()["results_refused"]
    task = await shared_stack.flows.run([step(name, handler=handler), step("after", name)])
    await shared_stack.has_effect(f"begin {name} 1")
    await shared_stack.flows.conn.execute(
        "SELECT * FROM tasker.cancel_tasks($1, 'operator', 'enough')", [task]
    )
    cancelled = time.monotonic()
    await shared_stack.has_effect(f"told {name}: cancelled")
    # A heartbeat every half second; young steps are not named in the first. A busy machine is given more.
    assert time.monotonic() - cancelled < 5.0

    async def late_result_refused() -> bool:
        return bool((await worker.get("/metrics/worker")).json()["results_refused"] > refused)

    await until(late_result_refused, "the late result is refused")
    assert await shared_stack.flows.states(task) == {name: "cancelled", "after": "cancelled"}
    assert await shared_stack.flows.attempts(task, name) == []


@pytest.mark.parametrize(
    ("kind", "error_type", "said"),
    [
        ("nan", "result_not_storable", "NaN"),
        ("nul", "result_not_storable", "NUL"),
        ("large", "result_too_large", "1,048,576"),
    ],
)
async def test_a_result_that_cannot_be_stored_is_a_permanent_failure(
    shared_stack: Stack, kind: str, error_type: str, said: str
) -> None:
    steps = [step("awkward", handler="awkward_result", initialization={"kind": kind}), step("beside")]
    task = await shared_stack.flows.run(steps)
    await shared_stack.flows.reaches(task, "blocked_by_failures")
    found, retryable, message = await error_of(shared_stack, task, "awkward")
    assert (found, retryable) == (error_type, "false")
    assert said in message
    assert (await shared_stack.flows.states(task))["beside"] == "complete"


@pytest.mark.parametrize(
    "metadata",
    [
        {"retry_after": "tomorrow"},
        {"retry_after": [1], "headers": "none", "context": 7, "traceback": {"a": 1}},
        {"status_code": "503", "error_context": None, "mine": {"kept": True}},
    ],
)
async def test_odd_metadata_of_a_failure_stops_nobody(shared_stack: Stack, metadata: dict[str, Any]) -> None:
    steps = [
        step("odd", handler="odd_failure", initialization={"metadata": metadata}, retry={"max_attempts": 2})
    ]
    task = await shared_stack.flows.run(steps)
    await shared_stack.flows.reaches(task, "blocked_by_failures")
    attempts = await shared_stack.flows.attempts(task, "odd")
    assert [(row["error_type"], row["attempt"]) for row in attempts] == [("odd", 1), ("odd", 2)]


async def test_a_method_of_the_handler_is_called(shared_stack: Stack) -> None:
    steps = [step("plain", handler="Methodical"), step("refund", handler="Methodical", method="refund")]
    task = await shared_stack.flows.run(steps)
    await shared_stack.flows.reaches(task, "complete")
    assert await shared_stack.flows.result(task, "plain") == {"method": "call"}
    assert await shared_stack.flows.result(task, "refund") == {"method": "refund"}


async def test_a_method_that_the_handler_lacks_is_a_permanent_failure(shared_stack: Stack) -> None:
    task = await shared_stack.flows.run([step("wrong", handler="Methodical", method="refnud")])
    await shared_stack.flows.reaches(task, "blocked_by_failures")
    kind, retryable, message = await error_of(shared_stack, task, "wrong")
    assert (kind, retryable) == ("handler_not_found", "false")
    assert "refnud" in message
    assert "refund" in message


@pytest.mark.parametrize(("failures", "state"), [(2, "complete"), (3, "blocked_by_failures")])
async def test_retries_end_in_success_or_in_exhaustion(
    shared_stack: Stack, failures: int, state: str
) -> None:
    retry = {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 20}
    steps = [step("flaky", handler="flaky", initialization={"failures": failures}, retry=retry)]
    task = await shared_stack.flows.run(steps)
    assert await shared_stack.flows.reaches(task, "complete", "blocked_by_failures") == state
    attempts = await shared_stack.flows.attempts(task, "flaky")
    assert [row["attempt"] for row in attempts] == [1, 2, 3]


async def test_a_retry_is_fired_when_it_is_due(
    shared_stack: Stack, record_property: Callable[[str, object], None]
) -> None:
    """The figure goes to the report; what is asserted leaves room for a busy machine."""
    steps = [step("due", handler="flaky", initialization={"failures": 1, "retry_after": 0.3})]
    revision = await shared_stack.flows.register(steps)
    tasks = await shared_stack.flows.create(revision, count=20)
    await shared_stack.flows.all_complete(tasks)
    lateness = await shared_stack.flows.conn.fetch(
        """
        SELECT extract(epoch FROM fired.at - failed.at) - 0.3 AS late
        FROM tasker.transitions fired JOIN tasker.transitions failed USING (step_uuid)
        WHERE fired.task_uuid = ANY ($1) AND fired.step_path[1] = 'waiting_for_retry'
          AND failed.step_path[2] = 'waiting_for_retry'
        """,
        tasks,
    )
    late = sorted(float(row["late"]) for row in lateness)
    record_property("retry_lateness_ms", {"median": late[10] * 1000, "max": late[-1] * 1000})
    assert len(late) == 20
    assert late[0] >= 0
    assert late[-1] < 5
