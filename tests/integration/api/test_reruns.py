"""Retrying steps with all that comes after them, whole tasks, with other inputs; through HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from engine.store.claims import keep_checkpoint
from tests.integration.api.conftest import Failure, World, step, template

CHAIN = [
    step("a"),
    step(
        "b",
        "a",
        retry={"max_attempts": 1},
        handler={"callable": "handlers.Anything", "initialization": {"url": "x", "tries": 3}},
    ),
    step("c", "b"),
]


async def retry(world: World, uuid: str, **body: Any) -> httpx.Response:
    return await world.post({"reason": "wrong prices", "actor": "ana"} | body, f"/v1/tasks/{uuid}/retry")


async def retried(world: World, uuid: str, **body: Any) -> Any:
    response = await retry(world, uuid, **body)
    assert response.status_code == 200, response.text
    return response.json()


async def done(world: World, steps: Any = CHAIN) -> str:
    await world.register(template("chain", steps))
    uuid: str = (await world.create("chain"))["task_uuid"]
    await world.worker.run()
    return uuid


async def failed(world: World) -> str:
    await world.register(template("chain", CHAIN))
    uuid: str = (await world.create("chain"))["task_uuid"]
    await world.worker.run(b=Failure("broken"))
    return uuid


def effects(answer: Any) -> dict[str, tuple[str, str, bool]]:
    return {one["name"]: (one["old_state"], one["effect"], one["chosen"]) for one in answer["steps"]}


async def states(world: World, uuid: str) -> dict[str, str]:
    return {name: one["current_state"] for name, one in (await world.steps(uuid)).items()}


async def test_a_done_step_runs_again_with_all_that_comes_after_it(world: World) -> None:
    uuid = await done(world)
    dry = await retried(world, uuid, steps=["b"], downstream=True, dry_run=True)
    assert (await world.task(uuid))["status"] == "complete"
    answer = await retried(world, uuid, steps=["b"], downstream=True)
    assert answer == dry | {"dry_run": False, "message": "2 steps run again"}
    assert dry["message"] == "2 steps would run again"
    assert effects(answer) == {
        "b": ("complete", "enqueued", True),
        "c": ("complete", "pending", False),
    }
    assert (await world.task(uuid))["status"] == "steps_in_process"
    again = await retried(world, uuid, steps=["b"], downstream=True)
    assert (again["changed"], again["message"]) == (False, "nothing to retry: b is enqueued")
    await world.worker.run(b={"price": 2})
    assert (await world.task(uuid))["status"] == "complete"
    b = (await world.steps(uuid))["b"]
    audit = await world.get(f"/v1/tasks/{uuid}/workflow_steps/{b['step_uuid']}/audit")
    assert [one["result"]["result"] for one in audit] == [{"price": 2}, {"step": "b"}]
    (row,) = [
        one
        for one in (await world.get(f"/v1/tasks/{uuid}/transitions"))["transitions"]
        if one["step_name"] == "b" and one["from_state"] == "complete"
    ]
    assert (row["path"], row["actor"], row["reason"]) == (
        ["complete", "pending", "enqueued"], "ana", "wrong prices",
    )  # fmt: skip


async def test_a_running_step_loses_its_lease_and_its_result_is_refused(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    for _ in range(2):
        (claimed,) = await world.worker.claim()
        await world.worker.finish(claimed)
    (running,) = await world.worker.claim()
    answer = await retried(world, uuid, steps=["one"], downstream=True)
    assert {one["name"]: one["lease_lost"] for one in answer["steps"]} == {
        "one": False, "two": False, "three": True, "four": False,
    }  # fmt: skip
    assert answer["message"] == "4 steps run again; 1 of them was running: late results are refused"
    await world.worker.finish(running, {"late": True})
    assert (await states(world, uuid))["three"] == "pending"
    assert await world.worker.run() == 4
    assert (await world.task(uuid))["status"] == "complete"


async def test_failed_steps_are_retried_when_none_is_named(world: World) -> None:
    uuid = await failed(world)
    assert effects(await retried(world, uuid)) == {"b": ("error", "enqueued", True)}
    again = await retried(world, uuid)
    assert (again["changed"], again["message"]) == (False, "nothing to retry: no step of the task has failed")
    await world.worker.run()
    assert (await world.task(uuid))["status"] == "complete"


async def test_a_whole_task_runs_again(world: World) -> None:
    uuid = await failed(world)
    answer = await retried(world, uuid, whole_task=True)
    assert effects(answer) == {
        "a": ("complete", "enqueued", True),
        "b": ("error", "pending", False),
        "c": ("pending", "pending", False),
    }
    assert not (await retried(world, uuid, whole_task=True))["changed"]
    assert await world.worker.run() == 3


async def test_inputs_and_settings_are_patched_for_the_next_attempts(world: World) -> None:
    uuid = await failed(world)
    patch = {"inputs": {"batch": 7, "gone": None}, "handler": {"url": "y", "tries": None}}
    answer = await retried(world, uuid, steps=["b"], **patch)
    assert answer["steps"][0]["edited"]
    b = (await world.steps(uuid))["b"]
    assert (b["inputs"], b["initialization"]) == ({"batch": 7}, {"url": "y"})
    (edit,) = b["edits"]
    assert (edit["old_inputs"], edit["new_inputs"]) == ({}, {"batch": 7})
    assert (edit["old_settings"], edit["new_settings"]) == ({"url": "x", "tries": 3}, {"url": "y"})
    assert (edit["actor"], edit["reason"]) == ("ana", "wrong prices")
    history = (await world.get(f"/v1/tasks/{uuid}/transitions"))["transitions"]
    assert "wrong prices (other inputs and settings for b)" in {one["reason"] for one in history}
    assert not (await retried(world, uuid, steps=["b"], **patch))["changed"]
    refused = await retry(world, uuid, steps=["b"], inputs={"batch": 8})
    assert refused.status_code == 400
    assert "step b is enqueued" in refused.json()["error"]["message"]
    (claimed,) = await world.worker.claim()
    assert (claimed.name, claimed.inputs) == ("b", '{"batch": 7}')
    assert claimed.template_step_id < 0


async def test_a_checkpoint_is_kept_unless_it_is_dropped(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    kept = []
    for keep in (True, False):
        (one,) = await world.worker.claim()
        async with world.pool.acquire() as conn:
            await keep_checkpoint(conn, world.worker.identity, one.step_uuid, one.claim_no, '{"cursor": 7}')
        await world.worker.finish(
            one, error={"error_type": "handler_error", "message": "x", "retryable": False}
        )
        await retried(world, uuid, keep_checkpoint=keep)
        kept.append((await world.steps(uuid))["one"]["checkpoint"])
    assert (kept[0]["cursor"], kept[1]) == (7, None)


async def test_a_step_edited_twice_keeps_both_edits(world: World) -> None:
    uuid = await failed(world)
    await retried(world, uuid, steps=["b"], handler={"url": "y"})
    await world.worker.run(b=Failure("broken"))
    await retried(world, uuid, steps=["b"], handler={"tries": 1})
    b = (await world.steps(uuid))["b"]
    assert b["initialization"] == {"url": "y", "tries": 1}
    assert [one["new_settings"]["url"] for one in b["edits"]] == ["y", "y"]
    await world.worker.run()


async def test_true_is_not_1(world: World) -> None:
    uuid = await failed(world)
    await retried(world, uuid, steps=["b"], inputs={"dry": 1})
    await world.worker.run(b=Failure("broken"))
    await retried(world, uuid, steps=["b"], inputs={"dry": True})
    assert (await world.steps(uuid))["b"]["edits"][1]["new_inputs"]["dry"] is True
    await world.worker.run()


async def test_what_is_made_anew_can_not_be_edited(world: World) -> None:
    steps = [step("decide", type="decision"), step("auto", "decide")]
    steps.insert(0, step("start"))
    steps[1]["dependencies"] = ["start"]
    await world.register(template("chain", steps))
    uuid: str = (await world.create("chain"))["task_uuid"]
    outcome = {"decision_point_outcome": {"type": "create_steps", "step_names": ["auto"]}}
    await world.worker.run(decide=outcome)
    body = {"steps": ["decide", "auto"], "downstream": True, "inputs": {"a": 1}}
    response = await retry(world, uuid, **body)
    assert (response.status_code, "auto is made anew" in response.text) == (400, True), response.text
    assert (await world.task(uuid))["status"] == "complete"


REFUSED = [
    ({"steps": ["b"]}, 400, "step b is complete"),
    ({"steps": ["bb"], "downstream": True}, 404, "has no step bb"),
    ({"steps": ["b"], "whole_task": True}, 422, "leave out steps"),
    ({"inputs": {"a": 1}}, 422, "belong to steps"),
    ({"steps": ["b"], "downstream": True, "inputs": {"a": "x\0"}}, 422, "NUL character"),
    ({"steps": ["b"], "downstream": True, "handler": {"a": "x" * 1_100_000}}, 422, "bytes of JSON"),
    ({"steps": ["b"], "upstream": True}, 422, "unknown field 'upstream'"),
]


async def test_what_can_not_be_is_refused_and_changes_nothing(world: World) -> None:
    uuid = await done(world)
    for body, status, message in REFUSED:
        response = await retry(world, uuid, **body)
        assert (response.status_code, message in response.text) == (status, True), response.text
    assert (await world.task(uuid))["status"] == "complete"


async def test_a_cancelled_task_is_not_retried_but_forked(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.http.delete(f"/v1/tasks/{uuid}")
    response = await retry(world, uuid, whole_task=True)
    assert response.status_code == 400
    assert f"/v1/tasks/{uuid}/fork" in response.json()["error"]["hint"]


async def fork(world: World, uuid: str, **body: Any) -> httpx.Response:
    return await world.post({"reason": "try again", "actor": "ana"} | body, f"/v1/tasks/{uuid}/fork")


async def test_a_fork_takes_over_results_and_both_point_at_each_other(world: World) -> None:
    uuid = await done(world)
    before = await world.steps(uuid)
    dry = (await fork(world, uuid, **{"from": ["c"]}, dry_run=True)).json()
    assert (dry["task_uuid"], dry["created"]) == (None, False)
    assert (await world.get(f"/v1/tasks/{uuid}/forks"))["forks"] == []
    response = await fork(world, uuid, **{"from": ["c"]}, context={"customer": 7})
    assert response.status_code == 201
    made = response.json()
    assert {one["name"]: one["effect"] for one in made["steps"]} == {
        "a": "taken_over", "b": "taken_over", "c": "enqueued",
    }  # fmt: skip
    new = made["task_uuid"]
    assert (await world.task(new))["context"] == {"customer": 7}
    b = (await world.steps(new))["b"]
    assert b["results"]["result"] == {"step": "b"}
    (audit,) = await world.get(f"/v1/tasks/{new}/workflow_steps/{b['step_uuid']}/audit")
    assert (audit["from_state"], audit["to_state"]) == (None, "complete")
    (child,) = (await world.get(f"/v1/tasks/{uuid}/forks"))["forks"]
    assert child == (await world.get(f"/v1/tasks/{new}/forks"))["forked_from"]
    assert (child["steps"], child["context_edited"], child["actor"]) == (["c"], True, "ana")
    await world.worker.run()
    assert (await world.task(new))["status"] == "complete"
    assert await world.steps(uuid) == before


async def test_a_fork_with_a_key_is_made_once(world: World) -> None:
    uuid = await failed(world)
    first = await fork(world, uuid, idempotency_key="again")
    second = await fork(world, uuid, idempotency_key="again")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["task_uuid"] == second.json()["task_uuid"]
    assert not second.json()["created"]
    third = await fork(world, uuid)
    assert third.json()["task_uuid"] != first.json()["task_uuid"]


async def test_a_fork_is_refused_where_it_can_not_be(world: World) -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "integer"}}}
    await world.register(template("chain", CHAIN, input_schema=schema))
    uuid = (await world.create("chain"))["task_uuid"]
    await world.worker.run()
    nothing = await fork(world, uuid)
    assert (nothing.status_code, "every step" in nothing.text) == (400, True)
    wrong = await fork(world, uuid, **{"from": ["a"]}, context={"amount": "many"})
    assert (wrong.status_code, "input_schema" in wrong.text) == (422, True)
    unknown = await fork(world, uuid, **{"from": ["d"]})
    assert unknown.status_code == 404
    nobody = await fork(world, "019a0000-0000-7000-8000-000000000000")
    assert nobody.status_code == 404
    assert (await world.get(f"/v1/tasks/{uuid}/forks")) == {"forked_from": None, "forks": []}


async def test_the_older_verbs_say_what_they_would_do_and_do_nothing(world: World) -> None:
    uuid = await failed(world)
    before, b = await world.task(uuid), (await world.steps(uuid))["b"]
    who = {"reset_for_retry": "reset_by", "resolve_manually": "resolved_by", "skip": "skipped_by"}
    ends = {
        "reset_for_retry": "enqueued",
        "resolve_manually": "resolved_manually",
        "skip": "resolved_manually",
    }
    for verb, end in ends.items():
        body = {"action_type": verb, "reason": "why", who[verb]: "ana", "dry_run": True}
        answer = await world.http.patch(f"/v1/tasks/{uuid}/workflow_steps/{b['step_uuid']}", json=body)
        assert (answer.status_code, answer.json()["current_state"]) == (200, end)
    cancelled = await world.http.delete(f"/v1/tasks/{uuid}", params={"dry_run": True})
    assert cancelled.json()["status"] == "cancelled"
    assert await world.task(uuid) == before
    assert (await world.steps(uuid))["b"] == b
    again = await world.http.delete(f"/v1/tasks/{uuid}")
    assert again.status_code == 200
    refused = await world.http.delete(f"/v1/tasks/{uuid}", params={"dry_run": True})
    assert refused.status_code == 400


async def closed(world: World, uuid: str, action: str) -> str:
    """End a blocked task by closing its dead letter."""
    entry = (await world.get(f"/v1/dlq/task/{uuid}"))["dlq_entry_uuid"]
    body = {"action": action, "resolution_notes": "hopeless", "resolved_by": "ben"}
    answer = await world.http.patch(f"/v1/dlq/entry/{entry}", json=body)
    assert answer.status_code == 200, answer.text
    return str((await world.task(uuid))["status"])


async def test_a_task_that_ended_with_a_failure_is_taken_up_again(world: World) -> None:
    for action, state in (("resolve", "resolved_manually"), ("fail", "error")):
        uuid = await failed(world)
        assert await closed(world, uuid, action) == state
        answer = await retried(world, uuid, steps=["b"], downstream=True)
        assert effects(answer) == {"b": ("error", "enqueued", True), "c": ("pending", "pending", False)}
        assert (await world.task(uuid))["status"] == "steps_in_process"
        await world.worker.run()
        assert (await world.task(uuid))["status"] == "complete"


async def test_a_task_with_cancelled_steps_is_forked(world: World) -> None:
    config = {"worker_template": "w", "parallelism": 1, "failure_strategy": "fail_fast"}
    await world.register(
        template(
            "batch",
            [
                step("cut", type="batchable"),
                step("w", "cut", type="batch_worker", batch_config=config, retry={"max_attempts": 1}),
                step("join", "w", type="deferred_convergence"),
            ],
        )
    )
    uuid = (await world.create("batch"))["task_uuid"]
    cursors = [{"batch_id": f"{n}"} for n in range(3)]
    outcome = {"type": "create_batches", "worker_template_name": "w", "cursor_configs": cursors}
    await world.worker.run(cut={"batch_processing_outcome": outcome}, w_0=Failure("broken"))
    assert await closed(world, uuid, "resolve") == "resolved_manually"
    assert set((await states(world, uuid)).values()) == {"complete", "error", "cancelled", "pending"}
    refused = await retry(world, uuid, steps=["w_0"], downstream=True)
    assert (refused.status_code, "cancelled steps" in refused.text) == (400, True)
    new = (await fork(world, uuid)).json()["task_uuid"]
    await world.worker.run()
    assert set((await states(world, new)).values()) == {"complete"}
