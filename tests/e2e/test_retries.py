"""Retries, their waits and their ends (reference 10.4, rows 54 to 57, 60, 61, 63 and 73)."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.api import BLOCKED, Api, Json, standing
from tests.e2e.rows import Row, done, failed, retrying, waiting
from tests.support.e2e_stack import Stack

FAILURES = "e2e_failures"


def orders(**steps: Json) -> Json:
    """The context that tells steps what to do wrong."""
    return {"number": 2, "steps": steps}


def moment(text: str) -> datetime:
    """A time of an answer, with a zone or, as in readiness rows, without."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def gaps(audit: list[Json]) -> list[float]:
    """Seconds between a failure and the start of the next attempt, the first gap first."""
    pairs = pairwise(audit[::-1])
    return [
        (moment(later["result"]["metadata"]["started_at"]) - moment(before["recorded_at"])).total_seconds()
        for before, later in pairs
    ]


@pytest.mark.scenario(54)
async def test_a_step_fails_twice_and_then_succeeds(api: Api) -> None:
    task = await api.create("single", FAILURES, orders(only={"fail": "retryable", "attempts": 2}))
    await api.completed(task)
    step = (await api.steps(task))["only"]
    assert (step["attempts"], step["max_attempts"]) == (3, 5)
    assert step["results"]["result"]["number"] == 4
    assert step["results"]["result"]["attempt"] == 3
    audit = await api.audit(step)
    assert [entry["success"] for entry in audit] == [True, False, False]
    assert [entry["to_state"] for entry in audit] == [
        "enqueued_for_orchestration",
        "enqueued_as_error_for_orchestration",
        "enqueued_as_error_for_orchestration",
    ]
    # 50 ms doubled per attempt, 15 % either way; late by whatever the machine is busy with.
    first, second = gaps(audit)
    assert 0.085 <= first < 5
    assert 0.170 <= second < 5


@pytest.mark.scenario(55)
async def test_a_step_that_always_fails_uses_up_its_attempts(api: Api) -> None:
    task = await api.create("linear", FAILURES, orders(linear_1={"fail": "retryable"}))
    assert standing(await api.rested(task)) == BLOCKED
    rows = await api.rows(task)
    assert rows["linear_1"] == failed(0, attempts=3, of=3)
    step = (await api.steps(task))["linear_1"]
    error = step["last_error"]
    assert (error["error_type"], error["retryable"]) == ("retryable_error", True)
    assert error["message"] == "linear_1 was told to fail (attempt 3)"
    assert step["results"]["metadata"]["error_code"] == "E2E"
    assert len(await api.audit(step)) == 3


@pytest.mark.scenario(56)
@pytest.mark.parametrize(
    ("how", "error_type", "context"),
    [("permanent", "permanent_error", {"asked_by": "the test"}), ("returned", "told_to_fail", {})],
)
async def test_a_permanent_failure_is_final_at_once(
    api: Api, how: str, error_type: str, context: Json
) -> None:
    begun = time.monotonic()
    task = await api.create("single", FAILURES, orders(only={"fail": how}))
    assert standing(await api.rested(task)) == BLOCKED
    assert time.monotonic() - begun < 10
    step = (await api.steps(task))["only"]
    assert (step["current_state"], step["attempts"]) == ("error", 1)
    assert step["results"]["success"] is False
    assert step["results"]["result"] is None
    assert step["last_error"]["retryable"] is False
    assert step["last_error"]["error_type"] == error_type
    assert step["last_error"]["context"] == context
    assert step["next_retry_at"] is None


@pytest.mark.scenario(57)
async def test_waits_grow_exponentially(api: Api) -> None:
    policy = {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 100}
    task = await one_step(api, "exponential", policy, {"fail": "retryable"})
    assert standing(await api.rested(task)) == BLOCKED
    step = (await api.steps(task))["only"]
    assert (step["current_state"], step["attempts"]) == ("error", 3)
    audit = await api.audit(step)
    first, second = gaps(audit)
    assert 0.170 <= first < 5
    assert 0.340 <= second < 5
    elapsed = (moment(audit[0]["recorded_at"]) - moment(audit[-1]["recorded_at"])).total_seconds()
    assert 0.1 < elapsed < 10


@pytest.mark.parametrize(
    ("backoff", "shortest"),
    [("linear", [0.085, 0.170, 0.255]), ("fibonacci", [0.085, 0.170, 0.255]), ("none", [0, 0, 0])],
)
async def test_each_policy_has_its_waits(api: Api, backoff: str, shortest: list[float]) -> None:
    policy = {"max_attempts": 4, "backoff": backoff, "backoff_base_ms": 100}
    task = await one_step(api, f"waits_{backoff}", policy, {"fail": "retryable"})
    assert standing(await api.rested(task)) == BLOCKED
    found = gaps(await api.audit((await api.steps(task))["only"]))
    assert all(gap >= least for gap, least in zip(found, shortest, strict=True))
    assert sum(found) < sum(shortest) * 1.4 + 5


async def one_step(api: Api, name: str, retry: Json, order: Json) -> Json:
    """A task of one step with a retry policy of its own; the template is registered over HTTP."""
    step = {"name": "only", "handler": {"callable": "e2e.step"}, "retry": retry}
    await api.register(
        {
            "name": name,
            "namespace_name": FAILURES,
            "version": "1.0.0",
            "identity_strategy": "always_unique",
            "steps": [step],
        }
    )
    return await api.create(name, FAILURES, orders(only=order))


async def in_backoff(api: Api, task: Json, name: str, attempts: int) -> list[Json]:
    """Wait until a step of a task waits for the next attempt after so many; all of its steps then."""

    def waits(now: Json) -> bool:
        [step] = [step for step in now["steps"] if step["name"] == name]
        return bool((step["attempts"], step["current_state"]) == (attempts, "waiting_for_retry"))

    steps: list[Json] = (await api.until(task, waits))["steps"]
    return steps


@pytest.mark.scenario(60)
async def test_a_step_that_recovers_lets_its_child_run(api: Api, stack: Stack) -> None:
    order = {"fail": "retryable", "attempts": 2, "retry_after": 60}
    task = await api.create("linear", FAILURES, orders(linear_2=order))
    for attempts in (1, 2):
        _, second, third, _ = await in_backoff(api, task, "linear_2", attempts)
        assert second["retry_eligible"] is True
        assert third["dependencies_satisfied"] is False
        await stack.retry_now(task["task_uuid"])
    await api.completed(task)
    assert await api.rows(task) == {
        "linear_1": done(0),
        "linear_2": done(1, attempts=3),
        "linear_3": done(1),
        "linear_4": done(1),
    }


@pytest.mark.scenario(61)
async def test_a_step_in_backoff_says_when_it_goes_on(api: Api) -> None:
    order = {"fail": "retryable", "attempts": 1}
    task = await api.create("slow_retry", FAILURES, orders(linear_3=order))
    now = await api.until(task, lambda now: now["status"] == "waiting_for_retry")
    looked_at = datetime.now(UTC)
    assert await api.rows(task) == {
        "linear_1": done(0),
        "linear_2": done(1),
        "linear_3": retrying(1, attempts=1),
        "linear_4": waiting(1),
    }
    row = now["steps"][2]
    due, since = moment(row["next_retry_at"]), moment(row["last_failure_at"])
    assert due > looked_at
    # 2 s, doubled at the first attempt, 15 % either way; the wait begins when an engine sees the failure.
    assert timedelta(seconds=3.399) <= due - since < timedelta(seconds=4.601 + 5)
    assert row["backoff_request_seconds"] == math.ceil((due - since).total_seconds())
    assert standing(now)[:2] == ("waiting_for_retry", "waiting_for_dependencies")
    assert standing(now)[2:] == ("wait_for_dependencies", "healthy")

    await api.completed(task)
    rows = await api.rows(task)
    assert rows["linear_3"] == done(1, attempts=2)
    assert rows["linear_4"] == done(1)
    step = (await api.steps(task))["linear_3"]
    assert step["next_retry_at"] is None
    assert timedelta(0) <= moment(step["last_attempted_at"]) - due < timedelta(seconds=5)


@pytest.mark.parametrize("wait", [20, 60])
async def test_a_handlers_retry_after_wins_over_the_policy(api: Api, wait: float) -> None:
    task = await api.create(
        "single", FAILURES, orders(only={"fail": "retryable", "calls": 1, "retry_after": wait})
    )
    now = await api.until(task, lambda now: now["status"] == "waiting_for_retry")
    row = now["steps"][0]
    waits = moment(row["next_retry_at"]) - moment(row["last_failure_at"])
    assert timedelta(seconds=wait) <= waits < timedelta(seconds=wait + 5)
    # It need not be waited for: a reset sends it at once, with all of its attempts.
    begun = time.monotonic()
    await api.reset((await api.steps(task))["only"])
    await api.completed(task)
    assert time.monotonic() - begun < 10
    assert await api.rows(task) == {"only": done(0, of=5)}


@pytest.mark.scenario(63)
async def test_transient_failures_everywhere_do_not_stop_a_task(api: Api) -> None:
    task = await api.create(
        "linear",
        FAILURES,
        orders(
            linear_1={"fail": "retryable", "attempts": 1},
            linear_2={"fail": "exception", "attempts": 2},
            linear_4={"fail": "retryable", "attempts": 2},
        ),
    )
    await api.completed(task)
    assert await api.rows(task) == {
        "linear_1": done(0, attempts=2),
        "linear_2": done(1, attempts=3),
        "linear_3": done(1),
        "linear_4": done(1, attempts=3),
    }
    results = await api.results(task)
    assert [one["number"] for one in results.values()] == [2**2, 2**4, 2**8, 2**16]


def ended(state: str, attempts: int, of: int, *, eligible: bool) -> Row:
    """The row of a root that rests."""
    return Row(state, attempts, of, 0, 0, True, eligible, False)


BOUNDARIES: dict[str, tuple[dict[str, Any], float, Row]] = {
    # name: retry policy, how many attempts fail, what the step comes to
    "max_0_runs_once": ({"max_attempts": 0}, 0, ended("complete", 1, 0, eligible=False)),
    "max_0_is_not_retried": ({"max_attempts": 0}, math.inf, ended("error", 1, 0, eligible=False)),
    "max_1_is_one_attempt": ({"max_attempts": 1}, math.inf, ended("error", 1, 1, eligible=False)),
    "max_3_succeeds_at_its_last": ({"max_attempts": 3}, 2, ended("complete", 3, 3, eligible=False)),
    "max_3_is_three_attempts": ({"max_attempts": 3}, math.inf, ended("error", 3, 3, eligible=False)),
    "not_retryable_runs_once": (
        {"max_attempts": 3, "retryable": False}, 0, ended("complete", 1, 3, eligible=False),
    ),
    "not_retryable_is_not_retried": (
        {"max_attempts": 3, "retryable": False}, math.inf, ended("error", 1, 3, eligible=False),
    ),
}  # fmt: skip


@pytest.mark.scenario(73)
@pytest.mark.parametrize("name", BOUNDARIES)
async def test_how_many_attempts_a_step_has(api: Api, name: str) -> None:
    policy, failing, expected = BOUNDARIES[name]
    order: Json = {} if failing == 0 else {"fail": "retryable"}
    if 0 < failing < math.inf:
        order["attempts"] = failing
    task = await one_step(api, name, {"backoff_base_ms": 20, **policy}, order)
    # Whatever the policy says, the first attempt is allowed.
    assert [step["retry_eligible"] for step in task["steps"]] == [True]
    assert [step["ready_for_execution"] for step in task["steps"]] == [True]
    await api.rested(task)
    assert await api.rows(task) == {"only": expected}
    audit = await api.audit((await api.steps(task))["only"])
    assert len(audit) == expected.attempts


@pytest.mark.scenario(73)
async def test_each_attempt_brings_a_step_nearer_to_its_last(api: Api, stack: Stack) -> None:
    order = {"fail": "retryable", "attempts": 2, "retry_after": 60}
    task = await one_step(api, "progression", {"max_attempts": 3}, order)
    seen = []
    for attempts in (1, 2):
        seen += await in_backoff(api, task, "only", attempts)
        await stack.retry_now(task["task_uuid"])
    seen += (await api.completed(task))["steps"]
    assert [(step["attempts"], step["retry_eligible"], step["ready_for_execution"]) for step in seen] == [
        (1, True, False),
        (2, True, False),
        (3, False, False),
    ]
