"""Steps, what operators do to them, cancelling, audit, history and logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from engine.model.wire.tasks import StepAuditResponse, StepResponse, TaskResponse
from tests.integration.api.conftest import NAMESPACE, Failure, World, code_of, step, template

BRANCHES = [step("left"), step("right"), step("end", "left", "right")]


def action(kind: str, **fields: Any) -> dict[str, Any]:
    actor = {"reset_for_retry": "reset_by", "resolve_manually": "resolved_by"}.get(kind, "completed_by")
    return {"action_type": kind, "reason": "a test", actor: "tester"} | fields


async def act(world: World, one: dict[str, Any], body: dict[str, Any]) -> Any:
    return await world.http.patch(
        f"/v1/tasks/{one['task_uuid']}/workflow_steps/{one['step_uuid']}", json=body
    )


async def test_a_step_tells_everything_an_operator_asks(world: World) -> None:
    single = step("one", timeout_seconds=7, retry={"max_attempts": 5}, type="standard")
    single["handler"]["initialization"] = {"url": "x"}
    await world.register(template("two", [single, step("two", "one")]))
    await world.worker.register()
    uuid = (await world.create("two", priority=3))["task_uuid"]
    await world.worker.claim()
    steps = await world.steps(uuid)
    one, two = steps["one"], steps["two"]
    StepResponse.model_validate(one)
    assert one["current_state"] == "in_progress"
    assert (one["attempts"], one["max_attempts"], one["retry_eligible"]) == (1, 5, True)
    assert one["worker_uuid"] == str(world.worker.identity.worker_uuid)
    assert datetime.fromisoformat(one["lease_expires_at"]) > datetime.now(UTC) + timedelta(seconds=20)
    assert (one["timeout_seconds"], one["priority"], one["initialization"]) == (7, 3, {"url": "x"})
    assert (one["children"], two["parents"]) == ([two["step_uuid"]], [one["step_uuid"]])
    assert (two["parent_names"], two["total_parents"], two["completed_parents"]) == (["one"], 1, 0)
    assert (two["dependencies_satisfied"], two["ready_for_execution"]) == (False, False)
    assert one["results"] is None
    alone = await world.get(f"/v1/tasks/{uuid}/workflow_steps/{one['step_uuid']}")
    assert alone == one


async def test_a_result_has_the_stored_shape(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    (claimed,) = await world.worker.claim()
    await world.worker.finish(claimed, {"n": 6**40}, details={"metadata": {"rows": 3}})
    results = (await world.steps(uuid))["one"]["results"]
    assert results["success"] is True
    assert results["status"] == "completed"
    assert results["result"] == {"n": 6**40}
    assert results["error"] is None
    assert results["metadata"]["execution_time_ms"] == 12
    assert results["metadata"]["custom"] == {"rows": 3}
    assert results["metadata"]["worker_id"] == str(world.worker.identity.worker_uuid)


async def test_a_failure_keeps_its_error_and_when_it_goes_on(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run(one=Failure("no disk", retryable=True, retry_after=60, backtrace=["line 1"]))
    one = (await world.steps(uuid))["one"]
    assert one["current_state"] == "waiting_for_retry"
    assert (one["retry_eligible"], one["ready_for_execution"], one["attempts"]) == (True, False, 1)
    wait = datetime.fromisoformat(one["next_retry_at"]) - datetime.fromisoformat(one["last_failure_at"])
    assert timedelta(seconds=59) < wait < timedelta(seconds=65)
    assert one["last_error"]["message"] == "no disk"
    assert one["last_error"]["backtrace"] == ["line 1"]
    assert one["results"]["orchestration_metadata"]["backoff_hint"] == {"retry_after_seconds": 60}
    (ready, *_) = (await world.task(uuid))["steps"]
    assert 59 <= ready["backoff_request_seconds"] <= 65
    assert ready["next_retry_at"].endswith(one["next_retry_at"].removesuffix("Z")[-10:])


async def test_a_failed_branch_does_not_call_the_task_blocked_while_another_runs(world: World) -> None:
    await world.register(template("branches", BRANCHES))
    uuid = (await world.create("branches"))["task_uuid"]
    claimed = {one.name: one for one in await world.worker.claim()}
    await world.worker.finish(claimed["left"], error=Failure().details)
    running = await world.task(uuid)
    assert (running["execution_status"], running["health_status"]) == ("processing", "recovering")
    assert running["status"] == "steps_in_process"
    await world.worker.finish(claimed["right"])
    blocked = await world.task(uuid)
    assert (blocked["execution_status"], blocked["health_status"]) == ("blocked_by_failures", "blocked")
    assert (blocked["status"], blocked["recommended_action"]) == ("blocked_by_failures", "handle_failures")
    end = (await world.steps(uuid))["end"]
    assert (end["completed_parents"], end["total_parents"]) == (1, 2)


async def test_a_finished_task_is_all_complete(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    assert await world.worker.run() == 4
    task = await world.task(uuid)
    TaskResponse.model_validate(task)
    assert (task["status"], task["execution_status"]) == ("complete", "all_complete")
    assert (task["completion_percentage"], task["health_status"]) == (100.0, "healthy")
    assert task["completed_at"] is not None


@pytest.mark.scenario(140, 142)
async def test_a_reset_step_runs_again_and_its_task_ends_complete(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run(two=Failure())
    failed = (await world.steps(uuid))["two"]
    assert failed["current_state"] == "error"
    done = await act(world, failed, action("reset_for_retry"))
    assert done.status_code == 200
    assert (done.json()["current_state"], done.json()["attempts"]) == ("enqueued", 0)
    await world.worker.run()
    assert (await world.task(uuid))["status"] == "complete"


async def test_a_waiting_step_can_be_sent_at_once(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run(one=Failure(retryable=True, retry_after=3600))
    await act(world, (await world.steps(uuid))["one"], action("reset_for_retry"))
    assert await world.worker.run() == 4
    assert (await world.task(uuid))["status"] == "complete"


@pytest.mark.scenario(138)
async def test_a_step_can_be_resolved_without_a_result(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run(two=Failure())
    done = await act(world, (await world.steps(uuid))["two"], action("resolve_manually"))
    assert done.json()["current_state"] == "resolved_manually"
    assert (await world.steps(uuid))["three"]["ready_for_execution"]
    await world.worker.run()
    task = await world.task(uuid)
    assert (task["status"], task["completed_steps"]) == ("complete", 4)


@pytest.mark.scenario(139, 141)
async def test_a_step_can_be_completed_with_a_result_that_its_children_read(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run(two=Failure())
    data = {"result": {"n": 2**70}, "metadata": {"ticket": 7}}
    done = await act(
        world, (await world.steps(uuid))["two"], action("complete_manually", completion_data=data)
    )
    assert done.json()["current_state"] == "complete"
    assert done.json()["results"]["result"] == {"n": 2**70}
    assert done.json()["results"]["metadata"]["custom"] == {"ticket": 7}
    (three,) = await world.worker.claim()
    assert str(2**70) in (three.dependencies or "")
    await world.worker.finish(three)
    await world.worker.run()
    assert (await world.task(uuid))["status"] == "complete"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (action("reset_for_retry"), 400),
        (action("reset_for_retry", surprise=1), 422),
        ({"action_type": "explode"}, 422),
        ({}, 422),
        ({"action_type": "reset_for_retry"}, 422),
        (action("complete_manually", completion_data={"result": {"a": "\0"}}), 422),
    ],
)
async def test_actions_that_cannot_be_done_say_why(world: World, body: dict[str, Any], status: int) -> None:
    uuid = (await world.create())["task_uuid"]
    one = (await world.steps(uuid))["one"]
    response = await act(world, one, body)
    assert response.status_code == status
    code_of(response)
    assert (await world.steps(uuid))["one"] == one


async def test_a_complete_step_can_be_completed_no_more(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run()
    for kind in ("reset_for_retry", "resolve_manually"):
        response = await act(world, (await world.steps(uuid))["one"], action(kind))
        assert response.status_code == 400
        assert "complete" in response.json()["error"]["message"]


@pytest.mark.scenario(107)
async def test_cancelling_a_running_task_cancels_its_steps_and_refuses_late_results(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    (claimed,) = await world.worker.claim()
    done = await world.http.delete(f"/v1/tasks/{uuid}", params={"reason": "no more", "cancelled_by": "ann"})
    assert done.status_code == 200
    assert done.json()["status"] == "cancelled"
    assert {one["current_state"] for one in done.json()["steps"]} == {"cancelled"}
    await world.worker.finish(claimed, {"late": True})
    one = (await world.steps(uuid))["one"]
    assert (one["current_state"], one["results"]) == ("cancelled", None)
    history = await world.get(f"/v1/tasks/{uuid}/transitions")
    last = [change for change in history["transitions"] if change["step_uuid"] is None][-1]
    assert (last["to_state"], last["reason"], last["actor"]) == ("cancelled", "no more", "ann")


@pytest.mark.scenario(108)
async def test_cancelling_what_is_not_there_or_has_ended(world: World) -> None:
    assert (await world.http.delete(f"/v1/tasks/{uuid4()}")).status_code == 404
    uuid = (await world.create())["task_uuid"]
    assert (await world.http.delete(f"/v1/tasks/{uuid}")).status_code == 200
    again = await world.http.delete(f"/v1/tasks/{uuid}")
    assert again.status_code == 400
    assert "cancelled" in again.json()["error"]["message"]


@pytest.mark.scenario(105, 109)
async def test_what_does_not_exist_is_not_found_and_what_is_no_uuid_is_refused(world: World) -> None:
    mine, other = (await world.create())["task_uuid"], (await world.create())["task_uuid"]
    of_other = (await world.steps(other))["one"]["step_uuid"]
    missing = uuid4()
    for path in (
        f"/v1/tasks/{missing}", f"/v1/tasks/{missing}/workflow_steps", f"/v1/tasks/{missing}/transitions",
        f"/v1/tasks/{mine}/workflow_steps/{missing}", f"/v1/tasks/{mine}/workflow_steps/{of_other}",
        f"/v1/tasks/{mine}/workflow_steps/{of_other}/audit",
        f"/v1/tasks/{mine}/workflow_steps/{of_other}/logs",
    ):  # fmt: skip
        response = await world.http.get(path)
        assert (response.status_code, code_of(response)) == (404, "NOT_FOUND"), path
    refused = await act(world, {"task_uuid": mine, "step_uuid": of_other}, action("reset_for_retry"))
    assert refused.status_code == 404
    for path in ("/v1/tasks/7", f"/v1/tasks/{mine}/workflow_steps/x", "/v1/tasks/x/workflow_steps"):
        response = await world.http.get(path)
        assert (response.status_code, code_of(response)) == (400, "INVALID_UUID"), path


@pytest.mark.scenario(5)
async def test_the_audit_holds_every_attempt_newest_first(world: World) -> None:
    created = await world.create()
    uuid = created["task_uuid"]
    await world.worker.run(one=Failure(retryable=True, retry_after=3600))
    one = (await world.steps(uuid))["one"]
    await act(world, one, action("reset_for_retry"))
    (claimed,) = await world.worker.claim()
    await world.worker.finish(claimed, {"ok": 1})
    path = f"/v1/tasks/{uuid}/workflow_steps/{one['step_uuid']}/audit"
    second, first = await world.get(path)
    StepAuditResponse.model_validate(second)
    assert (second["success"], second["to_state"]) == (True, "enqueued_for_orchestration")
    assert (first["success"], first["to_state"]) == (False, "enqueued_as_error_for_orchestration")
    assert second["worker_uuid"] == str(world.worker.identity.worker_uuid)
    assert second["execution_time_ms"] == 12
    assert second["result"]["result"] == {"ok": 1}
    assert second["correlation_id"] == created["correlation_id"]
    assert (second["step_name"], second["workflow_step_uuid"]) == ("one", one["step_uuid"])
    assert len({second["audit_uuid"], first["audit_uuid"], second["transition_uuid"]}) == 3
    assert await world.get(path) == [second, first]


async def test_the_audit_tells_what_was_done_by_hand(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    one = (await world.steps(uuid))["one"]
    await act(world, one, action("resolve_manually"))
    (entry,) = await world.get(f"/v1/tasks/{uuid}/workflow_steps/{one['step_uuid']}/audit")
    assert (entry["to_state"], entry["from_state"], entry["worker_uuid"]) == ("resolved_manually", None, None)


async def test_the_history_is_a_chain_from_the_beginning_to_the_state(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run()
    path = f"/v1/tasks/{uuid}/transitions"
    whole = (await world.get(path))["transitions"]
    parts, after = [], 0
    while after is not None:
        page = await world.get(path, after=after, limit=3)
        parts += page["transitions"]
        after = page["next_after"]
    assert parts == whole
    for entity in {change["step_uuid"] for change in whole}:
        states = [change["path"] for change in whole if change["step_uuid"] == entity]
        assert states[0][0] == "pending"
        assert states[-1][-1] == "complete"
        assert all(earlier[-1] == later[0] for earlier, later in pairwise(states))
    steps = await world.steps(uuid)
    ours = await world.get(path, step_uuid=steps["one"]["step_uuid"])
    assert {change["step_name"] for change in ours["transitions"]} == {"one"}


async def test_logs_come_in_parts_and_by_attempt(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    one = (await world.steps(uuid))["one"]
    async with world.pool.acquire() as conn:
        for attempt in (1, 2):
            for n in range(3):
                await conn.execute(
                    "INSERT INTO tasker.step_logs "
                    "(task_uuid, step_uuid, claim_no, attempt, level, logger, message, at) "
                    "VALUES ($1, $2, $3::int, $3, 'INFO', $4, $5, now())",
                    uuid, one["step_uuid"], attempt, None if n else "shop", f"{attempt}.{n}",
                )  # fmt: skip
    path = f"/v1/tasks/{uuid}/workflow_steps/{one['step_uuid']}/logs"
    page = await world.get(path, limit=4)
    assert [line["message"] for line in page["lines"]] == ["1.0", "1.1", "1.2", "2.0"]
    assert [line["stream"] for line in page["lines"]] == ["log", "stdout", "stdout", "log"]
    rest = await world.get(path, after=page["next_after"])
    assert ([line["message"] for line in rest["lines"]], rest["next_after"]) == (["2.1", "2.2"], None)
    second = await world.get(path, attempt=2)
    assert [line["message"] for line in second["lines"]] == ["2.0", "2.1", "2.2"]


async def test_workers_are_listed_and_told_lost_when_silent(world: World) -> None:
    await world.worker.register()
    (found,) = await world.get("/v1/workers")
    assert (found["state"], found["namespaces"], found["slots"]) == ("running", [NAMESPACE], 10)
    assert await world.get("/v1/workers", namespace="nowhere") == []
    async with world.pool.acquire() as conn:
        await conn.execute("UPDATE tasker.workers SET last_heartbeat_at = now() - interval '1 hour'")
    (found,) = await world.get("/v1/workers")
    assert found["state"] == "lost"
