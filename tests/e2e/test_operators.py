"""What operators do to steps and tasks, and that work goes on by itself (reference 8.4, 8.5; row 107)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.e2e.api import BLOCKED, Api, Json, error_of, sample, standing, until
from tests.e2e.rows import done, failed
from tests.e2e.test_retries import FAILURES, orders

ONE_CALL = {"fail": "permanent", "calls": 1}
ALWAYS = {"fail": "permanent"}


async def blocked(api: Api, template: str, **steps: Json) -> tuple[Json, dict[str, Json]]:
    """A task that rests blocked, and its steps."""
    task = await api.create(template, FAILURES, orders(**steps))
    assert standing(await api.rested(task)) == BLOCKED
    return task, await api.steps(task)


def resolve(**more: Any) -> Json:
    """The action that ends a step without a result."""
    return {"action_type": "resolve_manually", "reason": "done by hand", "resolved_by": "grace", **more}


def complete(result: Any, **more: Any) -> Json:
    """The action that ends a step with a result."""
    data = {"result": result, **more}
    return {
        "action_type": "complete_manually",
        "completion_data": data,
        "reason": "seen to",
        "completed_by": "grace",
    }


async def refused(worker: httpx.AsyncClient) -> float:
    """How many results of the worker came too late."""
    return sample((await worker.get("/metrics")).text, "tasker_steps_results_refused_total")


@pytest.mark.scenario(107)
async def test_cancelling_a_running_task(api: Api, worker: httpx.AsyncClient) -> None:
    refused_before = await refused(worker)
    task = await api.create("linear", FAILURES, orders(linear_2={"hold": 60}))
    running = await api.step_in(task, "linear_2", "in_progress")
    assert running["worker_uuid"] is not None

    answer = await api.cancel(task)
    assert answer.status_code == 200
    cancelled = answer.json()
    assert cancelled["status"] == "cancelled"
    assert [step["current_state"] for step in cancelled["steps"]] == [
        "complete", "cancelled", "cancelled", "cancelled",
    ]  # fmt: skip

    # The handler is told, goes on, and returns a result that nobody takes.
    async def log() -> list[str]:
        return await api.log(running)

    assert await until(log, lambda lines: len(lines) == 2) == ["holds linear_2", "told: cancelled"]
    await until(lambda: refused(worker), lambda count: count == refused_before + 1)
    steps = await api.steps(task)
    assert steps["linear_2"]["current_state"] == "cancelled"
    assert steps["linear_2"]["results"] is None
    assert await api.audit(running) == []
    assert steps["linear_1"]["results"]["result"]["number"] == 4
    now = await api.task(task)
    assert (now["status"], now["updated_at"]) == ("cancelled", cancelled["updated_at"])
    assert now["completed_at"] is not None


@pytest.mark.scenario(107)
async def test_cancelling_a_task_that_waits(api: Api) -> None:
    order = {"fail": "retryable", "attempts": 1, "retry_after": 3}
    stuck, _ = await blocked(api, "diamond", left=ALWAYS)
    waits = await api.create("linear", FAILURES, orders(linear_1=order))
    await api.until(waits, lambda now: now["status"] == "waiting_for_retry")
    for task in (waits, stuck):  # the first one before its retry is due
        assert (await api.cancel(task)).json()["status"] == "cancelled"
    # The retry that was due does not wake the task again.
    probe = await api.create("linear", FAILURES, orders(linear_1=order))
    await api.completed(probe)
    now = await api.task(waits)
    assert now["status"] == "cancelled"
    assert {step["current_state"] for step in now["steps"]} == {"cancelled"}
    assert [step["attempts"] for step in now["steps"]] == [1, 0, 0, 0]


@pytest.mark.scenario(107)
async def test_cancelling_races_with_completion(api: Api) -> None:
    body = {"name": "tree", "namespace": FAILURES}
    answer = await api.http.post("/v1/tasks/bulk", json={"tasks": [body] * 40})
    tasks = [result["task"] for result in answer.json()["results"]]
    answers = await asyncio.gather(*(api.cancel(task) for task in tasks))
    for task, answer in zip(tasks, answers, strict=True):
        now = await api.rested(task)
        states = {step["current_state"] for step in now["steps"]}
        if answer.status_code == 200:
            assert now["status"] == "cancelled"
            assert "cancelled" in states
            assert states <= {"cancelled", "complete"}
        else:
            error_of(answer, 400)
            assert (now["status"], states) == ("complete", {"complete"})


@pytest.mark.scenario(107)
async def test_no_action_brings_a_cancelled_task_back(api: Api) -> None:
    task, steps = await blocked(api, "linear", linear_2=ALWAYS)
    await api.cancel(task)
    reset = {"action_type": "reset_for_retry", "reason": "x", "reset_by": "ada"}
    for action in (reset, resolve(), complete({})):
        error_of(await api.patch(steps["linear_2"], **action), 400)
    assert (await api.task(task))["status"] == "cancelled"


async def test_a_reset_step_runs_again_and_the_task_completes(api: Api) -> None:
    task, steps = await blocked(api, "linear", linear_2=ONE_CALL)
    await api.reset(steps["linear_2"])
    await api.completed(task)
    assert await api.rows(task) == {
        "linear_1": done(0),
        "linear_2": done(1),
        "linear_3": done(1),
        "linear_4": done(1),
    }
    assert (await api.results(task))["linear_4"]["number"] == 2**16
    audit = await api.audit(steps["linear_2"])
    assert [entry["success"] for entry in audit] == [True, False]


async def test_a_reset_gives_all_attempts_again(api: Api) -> None:
    task, steps = await blocked(api, "linear", linear_1={"fail": "retryable"})
    assert steps["linear_1"]["attempts"] == 3
    await api.reset(steps["linear_1"])
    await api.until(task, lambda now: now["status"] != "blocked_by_failures")
    assert standing(await api.rested(task)) == BLOCKED
    assert (await api.rows(task))["linear_1"] == failed(0, attempts=3)
    assert len(await api.audit(steps["linear_1"])) == 6


async def test_a_task_whose_failed_branch_is_resolved_completes(api: Api) -> None:
    task, steps = await blocked(api, "diamond", left=ALWAYS, end={"fail": "exception", "attempts": 1})
    answer = await api.patch(steps["left"], **resolve())
    assert answer.status_code == 200
    assert (answer.json()["current_state"], answer.json()["results"]["result"]) == ("resolved_manually", None)
    # The end needs the number that is missing now: it fails, and is completed by hand as well.
    assert standing(await api.rested(task)) == BLOCKED
    end = (await api.steps(task))["end"]
    assert (end["current_state"], end["attempts"], end["completed_at"]) == ("error", 3, None)
    assert end["last_error"]["error_type"] == "handler_error"
    await api.patch(end, **complete({"number": 1}))
    now = await api.rested(task)
    assert standing(now) == ("complete", "all_complete", "finalize_task", "healthy")
    assert (now["completed_steps"], now["completion_percentage"]) == (4, 100.0)
    assert {step["name"]: step["current_state"] for step in now["steps"]} == {
        "start": "complete",
        "left": "resolved_manually",
        "right": "complete",
        "end": "complete",
    }


async def test_a_result_given_by_hand_is_read_by_the_dependants(api: Api) -> None:
    task, steps = await blocked(api, "diamond", left=ALWAYS)
    given = {"number": 10**25, "note": "computed on paper"}
    answer = await api.patch(steps["left"], **complete(given, metadata={"ticket": "OPS-7"}))
    assert answer.status_code == 200
    step = answer.json()
    assert step["current_state"] == "complete"
    assert step["results"]["result"] == given
    assert step["results"]["success"] is True
    assert step["results"]["metadata"]["custom"] == {"ticket": "OPS-7"}
    await api.completed(task)
    assert (await api.results(task))["end"]["number"] == (10**25 * 16) ** 2
    assert [entry["to_state"] for entry in await api.audit(step)] == [
        "complete",
        "enqueued_as_error_for_orchestration",
    ]
    history = await api.get(f"/v1/tasks/{task['task_uuid']}/transitions", step_uuid=step["step_uuid"])
    last = history["transitions"][-1]
    assert (last["path"], last["actor"], last["reason"]) == (["error", "complete"], "grace", "seen to")


async def test_a_running_step_completed_by_hand_keeps_that_result(api: Api) -> None:
    task = await api.create("linear", FAILURES, orders(linear_1={"hold": 60}))
    running = await api.step_in(task, "linear_1", "in_progress")
    answer = await api.patch(running, **complete({"number": 3}))
    assert answer.json()["current_state"] == "complete"
    await api.completed(task)
    results = await api.results(task)
    assert [one["number"] for one in results.values()] == [3, 3**2, 3**4, 3**8]

    async def log() -> list[str]:
        return await api.log(running)

    assert (await until(log, lambda lines: len(lines) == 2))[1].startswith("told: ")
    assert (await api.steps(task))["linear_1"]["results"]["result"] == {"number": 3}
    [entry] = await api.audit(running)
    assert entry["worker_uuid"] is None


async def test_what_cannot_be_done_to_a_step(api: Api) -> None:
    task = await api.create("linear", FAILURES)
    await api.completed(task)
    step = (await api.steps(task))["linear_1"]
    reset = {"action_type": "reset_for_retry", "reason": "x", "reset_by": "ada"}
    for action in (reset, resolve(), complete({})):
        error = error_of(await api.patch(step, **action), 400)
        assert "complete" in error["message"]
    for action in ({}, {"action_type": "explode"}, reset | {"more": 1}, {"action_type": "complete_manually"}):
        error_of(await api.patch(step, **action), 422)
    assert (await api.rows(task))["linear_1"] == done(0)


async def test_a_step_can_be_completed_before_its_parents_are(api: Api) -> None:
    task, steps = await blocked(api, "linear", linear_2=ALWAYS)
    await api.patch(steps["linear_3"], **complete({"number": 7}))
    last = await api.step_in(task, "linear_4", "complete")
    assert last["results"]["result"]["number"] == 49
    assert (await api.steps(task))["linear_2"]["current_state"] == "error"
