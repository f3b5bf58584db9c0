"""Skipping steps, and ending decisions and analyzers by hand."""

from __future__ import annotations

from typing import Any

from tests.integration.api.conftest import Failure, World, step, template

CHAIN = [step("a", retry={"max_attempts": 1}), step("b", "a")]
BRANCHES = [
    step("start"),
    step("decide", "start", type="decision", retry={"max_attempts": 1}),
    step("left", "decide"),
    step("right", "decide"),
    step("join", "left", "right", type="deferred_convergence"),
]


async def steps(world: World, uuid: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in await world.get(f"/v1/tasks/{uuid}/workflow_steps")}


async def act(world: World, uuid: str, name: str, **action: Any) -> Any:
    one = (await steps(world, uuid))[name]
    return await world.http.patch(f"/v1/tasks/{uuid}/workflow_steps/{one['step_uuid']}", json=action)


async def skip(world: World, uuid: str, name: str, **more: Any) -> Any:
    return await act(world, uuid, name, action_type="skip", reason="not needed", skipped_by="ana", **more)


async def test_a_skipped_step_counts_as_resolved_and_gives_its_result_on(world: World) -> None:
    await world.register(template("chain", CHAIN))
    uuid = (await world.create("chain"))["task_uuid"]
    await world.worker.run(a=Failure("broken", retryable=False))
    assert (await world.task(uuid))["status"] == "blocked_by_failures"
    answer = await skip(world, uuid, "a", result={"total": 7})
    assert (answer.status_code, answer.json()["current_state"]) == (200, "resolved_manually")
    (b,) = await world.worker.claim()
    assert b.dependencies is not None
    assert '"total"' in b.dependencies
    await world.worker.finish(b, {"ok": True})
    assert (await world.task(uuid))["status"] == "complete"
    done = (await steps(world, uuid))["a"]
    (newest, _) = await world.get(f"/v1/tasks/{uuid}/workflow_steps/{done['step_uuid']}/audit")
    assert (newest["to_state"], newest["success"]) == ("resolved_manually", True)


async def test_a_second_skip_changes_nothing_and_says_so(world: World) -> None:
    await world.register(template("chain", CHAIN))
    uuid = (await world.create("chain"))["task_uuid"]
    assert (await skip(world, uuid, "a")).status_code == 200
    again = await skip(world, uuid, "a", result={"other": True})
    assert again.status_code == 400
    assert "resolved_manually" in again.json()["error"]["message"]


async def failed_decision(world: World) -> str:
    await world.register(template("branches", BRANCHES))
    uuid: str = (await world.create("branches"))["task_uuid"]
    await world.worker.run(decide=Failure("rules are down", retryable=False))
    return uuid


async def complete(world: World, uuid: str, result: Any) -> Any:
    data = {"completion_data": {"result": result}, "reason": "by hand", "completed_by": "ana"}
    return await act(world, uuid, "decide", action_type="complete_manually", **data)


async def test_a_decision_completed_by_hand_creates_the_steps_that_its_result_names(world: World) -> None:
    uuid = await failed_decision(world)
    outcome = {"decision_point_outcome": {"type": "create_steps", "step_names": ["left"]}}
    assert (await complete(world, uuid, outcome)).status_code == 200
    assert set(await steps(world, uuid)) == {"start", "decide", "left", "join"}
    await world.worker.run()
    assert (await world.task(uuid))["status"] == "complete"


async def test_a_result_that_names_an_unknown_step_is_refused_and_changes_nothing(world: World) -> None:
    uuid = await failed_decision(world)
    outcome = {"decision_point_outcome": {"type": "create_steps", "step_names": ["middle"]}}
    answer = await complete(world, uuid, outcome)
    assert answer.status_code == 400
    assert "'middle' (no such step in the template)" in answer.json()["error"]["message"]
    assert (await steps(world, uuid))["decide"]["current_state"] == "error"
    assert (await world.task(uuid))["status"] == "blocked_by_failures"


async def test_a_skipped_decision_creates_no_branches(world: World) -> None:
    uuid = await failed_decision(world)
    assert (await skip(world, uuid, "decide")).status_code == 200
    assert set(await steps(world, uuid)) == {"start", "decide"}
    assert (await world.task(uuid))["status"] == "complete"
