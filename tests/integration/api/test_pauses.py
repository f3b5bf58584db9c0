"""Pause and resume over HTTP: a task, a template, a namespace."""

from __future__ import annotations

from uuid import uuid4

import pytest

from engine.store import engine_calls
from engine.store.claims import FinishedStep, submit
from tests.integration.api.conftest import World, code_of, step, template

CHAIN = [step("a"), step("b", "a")]


async def change(world: World, place: str, verb: str, **body: object) -> tuple[bool, bool]:
    answer = await world.http.post(f"/v1/{place}/{verb}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["paused"], answer.json()["changed"]


def places(uuid: str) -> dict[str, str]:
    return {"namespace": "namespaces/test", "template": "templates/test/chain/1.0.0", "task": f"tasks/{uuid}"}


@pytest.mark.parametrize("scope", ["namespace", "template", "task"])
async def test_what_is_paused_is_not_claimed_until_it_goes_on(world: World, scope: str) -> None:
    await world.register(template("chain", CHAIN))
    await world.register(template("other", CHAIN))
    await world.worker.register()
    uuid = (await world.create("chain"))["task_uuid"]
    other = (await world.create("other"))["task_uuid"]
    place = places(uuid)[scope]
    assert await change(world, place, "pause", reason="a bad deploy", actor="ana") == (True, True)
    assert await change(world, place, "pause") == (True, False)
    claimed = {str(one.task_uuid) for one in await world.worker.claim()}
    assert claimed == (set() if scope == "namespace" else {other})
    (reason,) = [one for one in await world.get(f"/v1/tasks/{uuid}/why") if one["name"] == "a"]
    assert reason["kind"] == "paused"
    (pause,) = (await world.get("/v1/pauses"))["pauses"]
    assert (pause["scope"], pause["paused_by"], pause["reason"]) == (scope, "ana", "a bad deploy")
    assert await change(world, place, "resume") == (False, True)
    assert await change(world, place, "resume") == (False, False)
    assert uuid in {str(one.task_uuid) for one in await world.worker.claim()}
    assert (await world.get("/v1/pauses"))["pauses"] == []


async def test_a_step_that_runs_ends_and_its_children_wait(world: World) -> None:
    await world.register(template("chain", CHAIN))
    await world.worker.register()
    uuid = (await world.create("chain"))["task_uuid"]
    (a,) = await world.worker.claim()
    await change(world, f"tasks/{uuid}", "pause")
    done = FinishedStep(a.step_uuid, a.claim_no, True, "{}", None, 1)
    async with world.pool.acquire() as conn:
        answer = await submit(conn, world.worker.identity, uuid4(), [done], keep=5, claim=5)
    assert answer.held == []
    states = {
        one["name"]: one["current_state"] for one in await world.get(f"/v1/tasks/{uuid}/workflow_steps")
    }
    assert states == {"a": "complete", "b": "enqueued"}
    assert await world.worker.claim() == []
    await change(world, f"tasks/{uuid}", "resume")
    assert [one.name for one in await world.worker.claim()] == ["b"]


async def test_a_task_created_while_its_template_is_paused_waits(world: World) -> None:
    await world.register(template("chain", CHAIN))
    await world.worker.register()
    await change(world, "templates/test/chain/1.0.0", "pause")
    await world.create("chain")
    assert await world.worker.claim() == []
    await change(world, "templates/test/chain/1.0.0", "resume")
    assert [one.name for one in await world.worker.claim()] == ["a"]


async def test_two_pauses_of_one_step_hold_it_until_both_have_ended(world: World) -> None:
    await world.register(template("chain", CHAIN))
    await world.worker.register()
    uuid = (await world.create("chain"))["task_uuid"]
    await change(world, "namespaces/test", "pause")
    await change(world, f"tasks/{uuid}", "pause")
    await change(world, "namespaces/test", "resume")
    assert await world.worker.claim() == []
    await change(world, f"tasks/{uuid}", "resume")
    assert len(await world.worker.claim()) == 1


async def test_a_dry_run_changes_nothing(world: World) -> None:
    await world.register(template("chain", CHAIN))
    uuid = (await world.create("chain"))["task_uuid"]
    assert await change(world, f"tasks/{uuid}", "pause", dry_run=True) == (True, True)
    assert (await world.get("/v1/pauses"))["pauses"] == []


async def test_what_cannot_be_paused_says_why(world: World) -> None:
    for place in ("namespaces/nowhere", "templates/test/nothing/1.0.0", f"tasks/{uuid4()}"):
        answer = await world.http.post(f"/v1/{place}/pause")
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
        if not place.startswith("tasks/"):
            assert "GET /v1/templates" in answer.json()["error"]["hint"]
    uuid = (await world.create())["task_uuid"]
    await world.worker.run()
    answer = await world.http.post(f"/v1/tasks/{uuid}/pause")
    assert answer.status_code == 400
    assert "has ended" in answer.json()["error"]["message"]


async def test_a_pause_goes_with_the_end_of_its_task(world: World) -> None:
    await world.register(template("chain", CHAIN))
    ended = (await world.create("chain"))["task_uuid"]
    running = (await world.create("chain"))["task_uuid"]
    for uuid in (ended, running):
        await change(world, f"tasks/{uuid}", "pause")
    await world.http.delete(f"/v1/tasks/{ended}")
    await engine_calls.hold_steps(world.pool)
    (left,) = (await world.get("/v1/pauses"))["pauses"]
    assert left["task_uuid"] == running
