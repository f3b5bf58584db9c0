"""Handlers that raise, that are not there, that take too long (reference 10.4, rows 74 to 76)."""

from __future__ import annotations

import pytest

from tests.e2e.api import BLOCKED, Api, standing
from tests.e2e.rows import Row, done, failed, waiting
from tests.e2e.test_retries import FAILURES, gaps, moment, orders


@pytest.mark.scenario(74)
async def test_an_unexpected_exception_is_kept_and_retried(api: Api) -> None:
    task = await api.create("linear", FAILURES, orders(linear_1={"fail": "exception"}))
    assert standing(await api.rested(task)) == BLOCKED
    step = (await api.steps(task))["linear_1"]
    assert (step["current_state"], step["attempts"]) == ("error", 3)
    results = step["results"]
    assert (results["success"], results["status"], results["result"]) == (False, "failed", None)
    error = results["error"]
    assert error["message"] == "ZeroDivisionError: linear_1 was told to fail (attempt 3)"
    assert (error["error_type"], error["retryable"]) == ("handler_error", True)
    backtrace = "\n".join(error["backtrace"])
    assert backtrace.startswith("Traceback")
    assert "graph.py" in backtrace
    assert "raise ZeroDivisionError(message)" in backtrace
    assert results["metadata"]["custom"]["exception_class"] == "ZeroDivisionError"
    assert results["metadata"]["handler_version"] == "2.1.0"
    messages = [entry["result"]["error"]["message"] for entry in await api.audit(step)]
    assert messages == [f"ZeroDivisionError: linear_1 was told to fail (attempt {n})" for n in (3, 2, 1)]


@pytest.mark.scenario(75)
async def test_a_handler_that_nobody_has_fails_its_step_for_good(api: Api) -> None:
    task = await api.create("missing_handler", FAILURES)
    assert standing(await api.rested(task)) == BLOCKED
    assert await api.rows(task) == {
        "there": done(0),
        # It was never run: no attempt is spent.
        "nowhere": Row("error", 0, 3, 1, 1, True, True, False),
        "after": waiting(1),
    }
    step = (await api.steps(task))["nowhere"]
    error = step["last_error"]
    assert (error["error_type"], error["retryable"]) == ("handler_not_found", False)
    assert "'e2e.nobody_wrote_this'" in error["message"]
    assert f"'{FAILURES}'" in error["message"]
    [entry] = await api.audit(step)
    assert (entry["success"], entry["worker_uuid"]) == (False, None)

    # A person can go on without it.
    resolved = await api.patch(
        step, action_type="resolve_manually", reason="done elsewhere", resolved_by="ada"
    )
    assert resolved.json()["current_state"] == "resolved_manually"
    now = await api.rested(task)
    assert (now["status"], now["execution_status"]) == ("complete", "all_complete")
    assert (await api.steps(task))["after"]["results"]["result"]["number"] == 16


@pytest.mark.scenario(76)
async def test_a_handler_that_takes_too_long_is_ended_and_retried(api: Api) -> None:
    twice = await api.create("timed", FAILURES, orders(only={"fail": "time_out"}))
    once = await api.create("timed", FAILURES, orders(only={"fail": "time_out", "attempts": 1}))
    await api.completed(once)
    assert await api.rows(once) == {"only": done(0, attempts=2, of=2)}

    assert standing(await api.rested(twice)) == BLOCKED
    assert await api.rows(twice) == {"only": failed(0, attempts=2, of=2)}
    step = (await api.steps(twice))["only"]
    error = step["last_error"]
    assert (error["error_type"], error["retryable"]) == ("handler_timeout", True)
    assert error["message"] == "the handler did not return within timeout_seconds (1 s)"
    audit = await api.audit(step)
    assert [entry["result"]["error"]["error_type"] for entry in audit] == ["handler_timeout"] * 2
    for entry in audit:
        ran = moment(entry["recorded_at"]) - moment(entry["result"]["metadata"]["started_at"])
        assert 1 <= ran.total_seconds() < 5
        assert 1000 <= entry["execution_time_ms"] < 5000
    assert all(gap >= 0 for gap in gaps(audit))


@pytest.mark.scenario(76)
async def test_the_bundled_sleeper_times_out(api: Api) -> None:
    in_time = await api.create("timeout_workflow", "example", {"seconds": 0})
    late = await api.create("timeout_workflow", "example", {"seconds": 60})
    await api.completed(in_time)
    assert standing(await api.rested(late)) == BLOCKED
    assert await api.rows(late) == {
        "sleep_too_long": failed(0, attempts=2, of=2),
        "wake_up": waiting(1),
    }
    assert (await api.steps(late))["sleep_too_long"]["last_error"]["error_type"] == "handler_timeout"
