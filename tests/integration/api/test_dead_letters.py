"""Dead letters over HTTP: how a task becomes one, who sees it, and what closing it does to the task."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from engine.store import engine_calls
from tests.integration.api.conftest import Failure, World, code_of, step, template

ONCE = {"max_attempts": 1}
PAY = [step("charge", retry=ONCE), step("ship", "charge")]


async def fail(world: World, steps: list[dict[str, Any]] = PAY, **details: Any) -> str:
    """A task whose step `charge` has failed for good."""
    await world.register(template("pay", steps), replace=True)
    await world.worker.register()
    uuid: str = (await world.create("pay"))["task_uuid"]
    await world.worker.run(charge=Failure("the card was refused", **details))
    return uuid


async def letter(world: World, uuid: str) -> dict[str, Any]:
    found: dict[str, Any] = await world.get(f"/v1/dlq/task/{uuid}")
    return found


async def patch(world: World, entry: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await world.http.patch(f"/v1/dlq/entry/{entry}", json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def audit(world: World, uuid: str) -> dict[str, Any]:
    """The last change of a task's own state."""
    rows = (await world.get(f"/v1/tasks/{uuid}/transitions"))["transitions"]
    last: dict[str, Any] = [row for row in rows if row["step_uuid"] is None][-1]
    return last


async def test_a_permanent_failure_is_a_dead_letter_with_a_picture_of_the_task(world: World) -> None:
    uuid = await fail(world)
    entry = await letter(world, uuid)
    assert entry["task_uuid"] == uuid
    assert entry["original_state"] == entry["current_state"] == "blocked_by_failures"
    assert (entry["dlq_reason"], entry["cause"]) == ("max_retries_exceeded", "permanent_failure")
    assert (entry["resolution_status"], entry["resolution_timestamp"], entry["resolved_by"]) == (
        "pending", None, None,
    )  # fmt: skip
    assert "+" not in entry["dlq_timestamp"]
    assert not entry["dlq_timestamp"].endswith("Z")
    picture = entry["task_snapshot"]
    assert (picture["namespace"], picture["name"], picture["steps_by_state"]) == (
        "test", "pay", {"error": 1, "pending": 1},
    )  # fmt: skip
    charge = picture["steps"][0]
    assert (charge["name"], charge["state"], charge["attempts"], charge["max_attempts"]) == (
        "charge", "error", 1, 1,
    )  # fmt: skip
    assert (charge["error_type"], charge["message"]) == ("handler_error", "the card was refused")
    assert await world.get("/v1/dlq") == [entry]


async def test_exhausted_retries_are_told_from_a_permanent_failure(world: World) -> None:
    entry = await letter(world, await fail(world, retryable=True))
    assert (entry["dlq_reason"], entry["cause"]) == ("max_retries_exceeded", "retries_exhausted")


async def test_a_lost_worker_is_the_reason_when_it_was_the_last_attempt(world: World) -> None:
    await world.register(template("pay", PAY))
    await world.worker.register()
    uuid = (await world.create("pay"))["task_uuid"]
    await world.worker.claim()
    async with world.pool.acquire() as conn:
        await conn.execute("UPDATE tasker.leases SET expires_at = tasker.now()")
    await engine_calls.expire_leases(world.pool, "engine:test")
    entry = await letter(world, uuid)
    assert (entry["dlq_reason"], entry["cause"]) == ("worker_unavailable", "worker_lost")
    assert entry["task_snapshot"]["steps"][0]["error_type"] == "worker_lost"


async def test_a_task_has_one_open_dead_letter_and_a_new_one_when_it_fails_again(world: World) -> None:
    uuid = await fail(world)
    first = await letter(world, uuid)
    done = await patch(
        world, first["dlq_entry_uuid"], action="retry", resolved_by="ana", resolution_notes="new card"
    )
    assert (done["changed"], done["entry"]["resolution_status"]) == (True, "manually_resolved")
    assert (done["entry"]["resolved_by"], done["entry"]["resolution_notes"]) == ("ana", "new card")
    assert done["entry"]["current_state"] == "steps_in_process"
    last = await audit(world, uuid)
    assert (last["actor"], last["reason"]) == ("ana", "new card")
    await world.worker.run(charge=Failure("refused again"))
    second = await letter(world, uuid)
    assert second["dlq_entry_uuid"] != first["dlq_entry_uuid"]
    assert second["task_snapshot"]["steps"][0]["message"] == "refused again"
    assert [one["resolution_status"] for one in await world.get("/v1/dlq")] == [
        "pending", "manually_resolved",
    ]  # fmt: skip


@pytest.mark.scenario(142)
@pytest.mark.parametrize("by", ["reset", "complete", "dead letter"])
async def test_whoever_repairs_the_step_closes_the_dead_letter(world: World, by: str) -> None:
    uuid = await fail(world)
    entry = (await letter(world, uuid))["dlq_entry_uuid"]
    charge = (await world.steps(uuid))["charge"]["step_uuid"]
    place = f"/v1/tasks/{uuid}/workflow_steps/{charge}"
    if by == "reset":
        body: dict[str, Any] = {"action_type": "reset_for_retry", "reason": "again", "reset_by": "ana"}
        await world.http.patch(place, json=body)
    elif by == "complete":
        data = {"result": {"paid": True}}
        body = {"action_type": "complete_manually", "completion_data": data}
        await world.http.patch(place, json=body | {"reason": "again", "completed_by": "ana"})
    else:
        await patch(world, entry, action="retry", resolved_by="ana", resolution_notes="again")
    closed = await letter(world, uuid)
    assert (closed["resolution_status"], closed["resolved_by"], closed["resolution_notes"]) == (
        "manually_resolved", "ana", "again",
    )  # fmt: skip
    await world.worker.run()
    assert (await world.task(uuid))["status"] == "complete"


@pytest.mark.parametrize(
    ("body", "task", "status"),
    [
        ({"resolution_status": "manually_resolved"}, "resolved_manually", "manually_resolved"),
        ({"resolution_status": "permanently_failed"}, "error", "permanently_failed"),
        ({"resolution_status": "cancelled"}, "cancelled", "cancelled"),
        ({"action": "resolve"}, "resolved_manually", "manually_resolved"),
        ({"action": "fail"}, "error", "permanently_failed"),
        ({"action": "cancel"}, "cancelled", "cancelled"),
        ({"resolution_status": "permanently_failed", "action": "none"}, "blocked_by_failures",
         "permanently_failed"),
    ],
)  # fmt: skip
async def test_closing_a_dead_letter_ends_its_task(
    world: World, body: dict[str, str], task: str, status: str
) -> None:
    uuid = await fail(world)
    entry = (await letter(world, uuid))["dlq_entry_uuid"]
    told = body | {"resolved_by": "ana", "resolution_notes": "the customer gave up"}
    dry = await patch(world, entry, **told, dry_run=True)
    assert (dry["changed"], dry["dry_run"], dry["entry"]["current_state"]) == (True, True, task)
    assert (await world.task(uuid))["status"] == "blocked_by_failures"
    done = await patch(world, entry, **told)
    assert (done["changed"], done["entry"]["resolution_status"]) == (True, status)
    assert (await world.task(uuid))["status"] == task
    if task != "blocked_by_failures":
        last = await audit(world, uuid)
        assert (last["to_state"], last["actor"], last["reason"]) == (task, "ana", "the customer gave up")
    again = await patch(world, entry, **told)
    assert again["changed"] is False
    assert again["entry"] == done["entry"]


async def test_a_task_given_up_while_it_runs_gives_its_steps_back(world: World) -> None:
    await world.register(template("both", [step("a"), step("b")]))
    await world.worker.register()
    uuid = (await world.create("both"))["task_uuid"]
    (running,) = await world.worker.claim(1)
    await world.post({"reason": "odd", "actor": "ana"}, f"/v1/dlq/task/{uuid}")
    entry = await letter(world, uuid)
    assert (entry["original_state"], entry["cause"]) == ("steps_in_process", "by_hand")
    await patch(world, entry["dlq_entry_uuid"], action="fail", resolution_notes="hopeless")
    assert (await world.task(uuid))["status"] == "error"
    assert {one["current_state"] for one in (await world.steps(uuid)).values()} == {"error"}
    assert await world.worker.claim() == []
    await world.worker.finish(running, {"late": True})
    assert (await world.steps(uuid))[running.name]["current_state"] == "error"
    for one in (await world.steps(uuid)).values():
        body = {"action_type": "reset_for_retry", "reason": "hope", "reset_by": "ana"}
        place = f"/v1/tasks/{uuid}/workflow_steps/{one['step_uuid']}"
        assert (await world.http.patch(place, json=body)).status_code == 200
    await world.worker.run()
    assert (await world.task(uuid))["status"] == "complete"


@pytest.mark.scenario(133)
async def test_by_hand_there_is_one_open_dead_letter_of_a_task(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    body = {"reason": "is that right?", "actor": "ana", "assignee": "ben"}
    dry = (await world.post(body | {"dry_run": True}, f"/v1/dlq/task/{uuid}")).json()
    assert (dry["changed"], dry["entry"]["assignee"]) == (True, "ben")
    assert await world.get("/v1/dlq") == []
    made = (await world.post(body, f"/v1/dlq/task/{uuid}")).json()
    assert (made["changed"], made["entry"]["dlq_reason"], made["entry"]["assignee"]) == (
        True, "manual_dlq", "ben",
    )  # fmt: skip
    assert made["entry"]["metadata"] == {"by": "ana", "message": "is that right?"}
    again = (await world.post(body, f"/v1/dlq/task/{uuid}")).json()
    assert (again["changed"], again["entry"]) == (False, made["entry"])


@pytest.mark.parametrize("end", ["complete", "cancelled"])
async def test_the_end_of_the_task_closes_what_was_made_by_hand(world: World, end: str) -> None:
    await world.worker.register()
    uuid = (await world.create())["task_uuid"]
    await world.post({"reason": "slow", "actor": "ana"}, f"/v1/dlq/task/{uuid}")
    if end == "complete":
        await world.worker.run()
    else:
        await world.http.delete(f"/v1/tasks/{uuid}", params={"reason": "no use", "cancelled_by": "ben"})
    assert (await world.task(uuid))["status"] == end
    closed = await letter(world, uuid)
    assert closed["resolution_status"] == ("manually_resolved" if end == "complete" else "cancelled")
    assert closed["resolution_notes"] == ("the task is complete" if end == "complete" else "no use")
    refused = await world.post({"reason": "slow"}, f"/v1/dlq/task/{uuid}")
    assert (refused.status_code, code_of(refused)) == (400, "BAD_REQUEST")


@pytest.mark.scenario(131)
async def test_an_investigation_from_the_queue_to_the_statistics(world: World) -> None:
    uuid = await fail(world)
    (queued,) = await world.get("/v1/dlq/investigation-queue")
    assert (queued["failed_step"], queued["error_message"]) == ("charge", "the card was refused")
    assert queued["priority_score"] > 0
    assert (queued["namespace_name"], queued["task_name"], queued["task_uuid"]) == ("test", "pay", uuid)
    assert (queued["current_state"], queued["time_in_state_minutes"]) == ("blocked_by_failures", 0)
    entry = queued["dlq_entry_uuid"]
    taken = await patch(world, entry, assignee="ana")
    assert (taken["changed"], taken["entry"]["assignee"]) == (True, "ana")
    assert (await patch(world, entry, assignee="ana"))["changed"] is False
    assert [one["task_uuid"] for one in await world.get("/v1/dlq", assignee="ana")] == [uuid]
    noted = await patch(world, entry, resolution_notes="asked the bank", metadata={"ticket": 7})
    assert noted["entry"]["resolution_status"] == "pending"
    (queued,) = await world.get("/v1/dlq/investigation-queue")
    assert queued["resolution_notes"] == "asked the bank"
    assert noted["entry"]["metadata"] == {"ticket": 7}
    await patch(
        world, entry, resolution_status="manually_resolved", resolution_notes="paid in cash",
        resolved_by="ana",
    )  # fmt: skip
    (stats,) = await world.get("/v1/dlq/stats")
    assert (stats["dlq_reason"], stats["total_entries"]) == ("max_retries_exceeded", 1)
    assert (stats["pending"], stats["manually_resolved"]) == (0, 1)
    assert stats["avg_resolution_time_minutes"] >= 0
    assert await world.get("/v1/dlq/investigation-queue") == []
    assert (await patch(world, entry, assignee=None))["entry"]["assignee"] is None


@pytest.mark.scenario(136)
async def test_queue_list_and_statistics_of_a_mix(world: World) -> None:
    await world.worker.register()
    failed = [await fail(world) for _ in range(3)]
    doubtful = (await world.create())["task_uuid"]
    await world.post({"reason": "odd", "actor": "ana"}, f"/v1/dlq/task/{doubtful}")
    await patch(world, (await letter(world, failed[0]))["dlq_entry_uuid"], action="fail")
    await patch(world, (await letter(world, failed[1]))["dlq_entry_uuid"], action="cancel")
    stats = {one["dlq_reason"]: one for one in await world.get("/v1/dlq/stats")}
    assert set(stats) == {"max_retries_exceeded", "manual_dlq"}
    mixed = stats["max_retries_exceeded"]
    assert (mixed["total_entries"], mixed["pending"], mixed["permanent_failures"], mixed["cancelled"]) == (
        3, 1, 1, 1,
    )  # fmt: skip
    assert mixed["oldest_entry"] < mixed["newest_entry"]
    assert stats["manual_dlq"]["avg_resolution_time_minutes"] is None
    queue = await world.get("/v1/dlq/investigation-queue")
    assert [one["task_uuid"] for one in queue] == [failed[2], doubtful]
    assert [one["failed_step"] for one in queue] == ["charge", None]
    assert [one["task_uuid"] for one in await world.get("/v1/dlq/investigation-queue", limit=1)] == failed[2:]
    assert [one["task_uuid"] for one in await world.get("/v1/dlq")] == [doubtful, *reversed(failed)]
    assert [one["task_uuid"] for one in await world.get("/v1/dlq", limit=2, offset=1)] == failed[:0:-1]
    pending = await world.get("/v1/dlq", resolution_status="pending", template="pay", namespace="test")
    assert [one["task_uuid"] for one in pending] == [failed[2]]
    text = (await world.http.get("/metrics")).text
    assert 'tasker_dlq_entries_created_total{reason="max_retries_exceeded"} 3.0' in text
    assert 'tasker_dlq_pending_investigations{reason="manual_dlq"} 1.0' in text


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"resolution_status": "solved"}, 422, "resolution_status"),
        ({"action": "retry", "resolution_status": "cancelled"}, 422, "manually_resolved"),
        ({"action": "none"}, 422, "needs a resolution_status"),
        ({"action": "retry", "resolution_status": "pending"}, 422, "leave resolution_status out"),
        ({"note": "x"}, 422, "note"),
        ({"assignee": ""}, 422, "assignee"),
    ],
)
async def test_a_wrong_change_is_refused_and_changes_nothing(
    world: World, body: dict[str, str], status: int, said: str
) -> None:
    uuid = await fail(world)
    before = await letter(world, uuid)
    answer = await patch(world, before["dlq_entry_uuid"], status, **body)
    assert said in answer["error"]["message"]
    assert await letter(world, uuid) == before


async def test_what_is_closed_is_not_opened_nor_closed_otherwise(world: World) -> None:
    uuid = await fail(world)
    entry = (await letter(world, uuid))["dlq_entry_uuid"]
    await patch(world, entry, action="resolve")
    for body in ({"resolution_status": "pending"}, {"action": "cancel"}):
        refused = await patch(world, entry, 400, **body)
        assert "was manually_resolved" in refused["error"]["message"]


async def test_there_is_nothing_to_retry_of_a_task_without_a_failed_step(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.post({"reason": "odd"}, f"/v1/dlq/task/{uuid}")
    refused = await patch(world, (await letter(world, uuid))["dlq_entry_uuid"], 400, action="retry")
    assert "no step of its task has failed" in refused["error"]["message"]


async def test_what_is_not_there_is_404(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    assert (await world.http.get(f"/v1/dlq/task/{uuid}")).status_code == 404
    assert (await world.http.get(f"/v1/dlq/task/{uuid4()}")).status_code == 404
    assert (await world.post({"reason": "x"}, f"/v1/dlq/task/{uuid4()}")).status_code == 404
    assert (await world.http.patch(f"/v1/dlq/entry/{uuid4()}", json={"assignee": "a"})).status_code == 404
    assert (await world.http.patch(f"/v1/dlq/entry/{uuid4()}", json={"action": "fail"})).status_code == 404
    assert (await world.http.get("/v1/dlq", params={"limit": 0})).status_code == 400


async def test_a_failed_batch_is_one_dead_letter_and_closing_it_lets_nothing_wait(world: World) -> None:
    workers = step("work", "cut", type="batch_worker", retry=ONCE) | {
        "batch_config": {"worker_template": "work", "parallelism": 1, "failure_strategy": "fail_fast"}
    }
    cut = step("cut", type="batchable") | {"batch_config": {"worker_template": "work"}}
    registered = await world.register(template("batch", [cut, workers]))
    assert registered[0].status_code in (200, 201), registered[0].text
    await world.worker.register()
    uuid = (await world.create("batch"))["task_uuid"]
    cursors = [
        {"batch_id": str(n), "start_cursor": n, "end_cursor": n + 1, "batch_size": 1} for n in range(3)
    ]
    outcome = {"type": "create_batches", "worker_template_name": "work", "worker_count": 3,
               "cursor_configs": cursors, "total_items": 3}  # fmt: skip
    (analyzer,) = await world.worker.claim()
    await world.worker.finish(analyzer, {"batch_processing_outcome": outcome})
    (first,) = await world.worker.claim()
    await world.worker.finish(first, error={"error_type": "e", "message": "m", "retryable": False})
    entry = await letter(world, uuid)
    assert entry["task_snapshot"]["steps_by_state"] == {"complete": 1, "error": 1, "enqueued": 2}
    await patch(world, entry["dlq_entry_uuid"], action="resolve")
    assert (await world.task(uuid))["status"] == "resolved_manually"
    assert await world.worker.claim() == []
