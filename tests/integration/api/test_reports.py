"""Summary and timeline of a task, through HTTP and the command line."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.api.conftest import Failure, World, code_of, step, template
from tests.integration.api.reading import reading as reading
from tests.support.served import served, tasker

ONCE = {"max_attempts": 1}
NOW = {"max_attempts": 3, "backoff": "none"}


async def summary(world: World, uuid: str) -> Any:
    return await world.get(f"/v1/tasks/{uuid}/summary")


async def timeline(world: World, uuid: str, **query: Any) -> Any:
    return await world.get(f"/v1/tasks/{uuid}/timeline", **query)


async def blocked(world: World, name: str) -> str:
    """A task of a diamond, one branch of which has failed for good."""
    steps = [
        step("load"),
        step("left", "load"),
        step("right", "load", retry=ONCE),
        step("join", "left", "right"),
    ]
    await world.register(template(name, steps))
    uuid: str = (await world.create(name))["task_uuid"]
    await world.worker.run(right=Failure("card declined", error_type="payment", retryable=False))
    return uuid


async def test_a_finished_task_in_figures(reading: World) -> None:
    await reading.register(template("report_linear"))
    uuid = (await reading.create("report_linear"))["task_uuid"]
    await reading.worker.run()
    found = await summary(reading, uuid)
    assert (found["namespace"], found["template"], found["state"]) == ("test", "report_linear", "complete")
    assert (found["total_steps"], found["steps"], found["completion_percentage"]) == (4, {"complete": 4}, 100)
    assert (found["attempts"], found["retries"], found["errors"], found["by_hand"]) == (4, 0, [], [])
    path = found["critical_path"]
    assert [one["step"] for one in path] == ["one", "two", "three", "four"]
    assert path[-1]["ended_at"] == found["completed_at"]
    assert abs(sum(one["took_ms"] for one in path) - found["total_ms"]) <= len(path)
    assert {one["step"] for one in found["slowest_steps"]} == {"one", "two", "three", "four"}
    assert found["running_ms"] == sum(one["running_ms"] for one in found["slowest_steps"])


async def test_a_blocked_task_names_its_error_and_what_was_done_by_hand(reading: World) -> None:
    uuid = await blocked(reading, "report_blocked")
    found = await summary(reading, uuid)
    assert found["steps"] == {"complete": 2, "error": 1, "pending": 1}
    assert (found["state"], found["completion_percentage"]) == ("blocked_by_failures", 50)
    (error,) = found["errors"]
    assert (error["step"], error["error_type"], error["message"]) == ("right", "payment", "card declined")
    assert (error["state"], error["attempt"], error["retryable"]) == ("error", 1, False)
    assert [one["step"] for one in found["critical_path"]] == ["load", "right"]
    assert found["by_hand"] == []
    body = {"action_type": "reset_for_retry", "reason": "bank is back", "reset_by": "grace"}
    await reading.http.patch(f"/v1/tasks/{uuid}/workflow_steps/{error['step_uuid']}", json=body)
    found = await summary(reading, uuid)
    (act,) = found["by_hand"]
    assert (act["actor"], act["reason"], act["steps"]) == ("grace", "bank is back", ["right"])
    assert (act["from_state"], act["to_state"], act["changed_steps"]) == ("error", "enqueued", 1)
    await reading.worker.run()
    found = await summary(reading, uuid)
    assert (found["attempts"], found["retries"], found["errors"]) == (5, 1, [])
    assert [one["step"] for one in found["critical_path"]] == ["load", "right", "join"]


async def test_a_pause_is_told(reading: World) -> None:
    await reading.register(template("report_paused"))
    uuid = (await reading.create("report_paused"))["task_uuid"]
    assert (await summary(reading, uuid))["pauses"] == []
    await reading.post({"reason": "month end", "actor": "ada"}, f"/v1/tasks/{uuid}/pause")
    found = await summary(reading, uuid)
    assert [(one["scope"], one["paused_by"]) for one in found["pauses"]] == [("task", "ada")]
    assert [(one["step"], one["state"]) for one in found["critical_path"]] == [("one", "enqueued")]
    await reading.http.delete(f"/v1/tasks/{uuid}")
    assert (await summary(reading, uuid))["critical_path"] == []


async def test_the_timeline_of_a_step_has_neither_gap_nor_overlap(reading: World) -> None:
    await reading.register(template("report_retry", [step("a", retry=NOW), step("b", "a")]))
    uuid = (await reading.create("report_retry"))["task_uuid"]
    for _ in range(2):
        (claimed,) = await reading.worker.claim()
        await reading.worker.finish(claimed, error={"message": "no", "retryable": True})
        await retry_now(reading, claimed.step_uuid, uuid)
    await reading.worker.run()
    found = await timeline(reading, uuid)
    first, second = found["steps"]
    kinds = [segment["kind"] for segment in first["segments"]]
    assert [kind for kind in kinds if kind != "engine"] == [
        "queued", "running", "retry_wait", "queued", "running", "retry_wait", "queued", "running",
    ]  # fmt: skip
    runs = [segment for segment in first["segments"] if segment["kind"] == "running"]
    assert [run["outcome"] for run in runs] == ["failed", "failed", "succeeded"]
    assert {run["worker_uuid"] for run in runs} == {str(reading.worker.identity.worker_uuid)}
    assert [one["name"] for one in found["workers"]] == ["played"]
    for one in (first, second):
        segments = one["segments"]
        assert [s["start"] for s in segments[1:]] == [s["end"] for s in segments[:-1]]
    assert (second["segments"][0]["kind"], second["state"]) == ("waiting", "complete")
    short = (await timeline(reading, uuid, attempts=1))["steps"][0]
    assert [segment["kind"] for segment in short["segments"]] == ["running"]
    assert (short["earlier_attempts"], first["earlier_attempts"]) == (2, 0)


async def retry_now(world: World, step_uuid: Any, task_uuid: str) -> None:
    body = {"action_type": "reset_for_retry", "reason": "now", "reset_by": "grace"}
    answer = await world.http.patch(f"/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}", json=body)
    assert answer.status_code == 200, answer.text


async def test_what_goes_on_has_no_end_and_what_was_cancelled_has_one(reading: World) -> None:
    await reading.register(template("report_open"))
    uuid = (await reading.create("report_open"))["task_uuid"]
    (claimed,) = await reading.worker.claim()
    steps = (await timeline(reading, uuid))["steps"]
    assert [one["segments"][-1]["kind"] for one in steps] == ["running", "waiting", "waiting", "waiting"]
    assert {one["segments"][-1]["end"] for one in steps} == {None}
    await reading.http.delete(f"/v1/tasks/{uuid}")
    steps = (await timeline(reading, uuid))["steps"]
    assert steps[0]["segments"][-1]["outcome"] == "cancelled"
    assert None not in {one["segments"][-1]["end"] for one in steps}
    assert claimed.name == "one"


async def test_a_long_timeline_comes_in_pages(reading: World) -> None:
    await reading.register(template("report_wide", [step(f"s{number:02}") for number in range(7)]))
    uuid = (await reading.create("report_wide"))["task_uuid"]
    await reading.worker.run()
    names, after = [], None
    for _ in range(3):
        page = await timeline(reading, uuid, limit=3, **({"after": after} if after else {}))
        names += [one["step"] for one in page["steps"]]
        after = page["next_after"]
    assert (names, after) == ([f"s{number:02}" for number in range(7)], None)


@pytest.mark.parametrize("report", ["summary", "timeline"])
async def test_an_unknown_task_is_404(reading: World, report: str) -> None:
    answer = await reading.http.get(f"/v1/tasks/{uuid4()}/{report}")
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("params", [{"limit": 5001}, {"attempts": 0}, {"after": "later"}])
async def test_wrong_parameters_are_named(reading: World, params: dict[str, Any]) -> None:
    answer = await reading.http.get(f"/v1/tasks/{uuid4()}/timeline", params=params)
    assert answer.status_code == 400
    assert next(iter(params)) in answer.text


async def test_the_command_line_shows_both(reading: World) -> None:
    uuid = await blocked(reading, "report_cli")
    async with served(reading.app) as url:
        why = await tasker(url, "task", "why", uuid)
        shown = await tasker(url, "task", "summary", uuid)
        drawn = await tasker(url, "task", "timeline", uuid)
        data = await tasker(url, "task", "timeline", uuid, "--json")
    assert (shown.code, drawn.code, data.code) == (0, 0, 0), shown.err + drawn.err + data.err
    assert [line.split()[0] for line in why.out.splitlines()] == ["STEP", "right", "join"], why.err
    assert "blocked by right (error)" in why.out
    for part in ("test/report_cli 1.0.0", "CRITICAL PATH", "payment: card declined", "4 (50% done)"):
        assert part in shown.out
    bars = {line.split()[0]: line for line in drawn.out.splitlines() if line}
    assert "█" in bars["left"]
    assert "█" not in bars["join"]
    assert "played" in bars["load"]
    assert json.loads(data.out) == json.loads(json.dumps(await timeline(reading, uuid))) | {
        "calculated_at": json.loads(data.out)["calculated_at"]
    }
