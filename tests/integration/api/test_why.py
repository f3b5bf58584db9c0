"""`GET /v1/tasks/{task}/why`: the reason of every unfinished step."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from engine.model.whys import WHY_FILTERS
from tests.integration.api.conftest import Failure, World, code_of, step, template


async def reasons(world: World, uuid: str) -> dict[str, tuple[str, str]]:
    answer = await world.get(f"/v1/tasks/{uuid}/why")
    return {one["name"]: (one["kind"], one["sentence"]) for one in answer}


async def test_a_step_without_a_worker_says_so(world: World) -> None:
    await world.register(template("chain", [step("a"), step("b", "a")]))
    uuid = (await world.create("chain"))["task_uuid"]
    told = await reasons(world, uuid)
    assert told["a"][0] == "no_worker"
    assert told["b"] == ("parents", "waits for a (enqueued)")
    await world.worker.register()
    assert (await reasons(world, uuid))["a"] == ("queued", "queued in test, 0 ahead")


async def test_queued_running_failed_and_blocked(world: World) -> None:
    await world.register(template("chain", [step("a", retry={"max_attempts": 1}), step("b", "a")]))
    await world.worker.register()
    first = (await world.create("chain"))["task_uuid"]
    second = (await world.create("chain"))["task_uuid"]
    assert (await reasons(world, second))["a"][1].endswith("1 ahead")
    await world.worker.run(a=Failure("card declined", retryable=False))
    told = await reasons(world, first)
    assert told["a"][0] == "failed"
    assert "card declined" in told["a"][1]
    assert told["b"] == ("failed_parent", "blocked by a (error)")


async def test_a_finished_task_has_no_reasons_and_an_unknown_one_is_404(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run()
    assert await reasons(world, uuid) == {}
    unknown = await world.http.get(f"/v1/tasks/{uuid4()}/why")
    assert (unknown.status_code, code_of(unknown)) == (404, "NOT_FOUND")


async def tasks_by_reason(world: World) -> dict[str, str]:
    """The uuids of tasks, each in the state that it is named for."""
    other = {"handler": {"callable": "app.nobody_has_it"}}
    await world.register(
        template("single", [step("a")]),
        template("chain", [step("a"), step("b", "a")]),
        template("unknown", [step("a", **other)]),
        template("far", [step("a")], namespace_name="far"),
    )
    await world.worker.register()
    made = {}
    for reason, result in (("failed", Failure()), ("retry", Failure(retryable=True)), ("ended", {})):
        made[reason] = await world.create("chain", reason=reason)
        await world.worker.run(a=result)
    made["running"] = await world.create("single", reason="running")
    await world.worker.claim()
    made["paused"] = await world.create("single", reason="paused")
    await world.http.post(f"/v1/tasks/{made['paused']['task_uuid']}/pause", json={})
    made["no_handler"] = await world.create("unknown", reason="no_handler")
    made["no_worker"] = await world.create("far", namespace="far", reason="no_worker")
    made["queued"] = await world.create("single", reason="queued")
    return {reason: task["task_uuid"] for reason, task in made.items()}


async def told_of(world: World, *uuids: str) -> dict[str, dict[str, Any]]:
    """What the list says of each task."""
    return {one["task_uuid"]: one for one in await world.get("/v1/tasks/why", task_uuid=uuids)}


async def test_many_tasks_are_explained_at_once_each_by_what_says_the_most(world: World) -> None:
    made = await tasks_by_reason(world)
    told = await told_of(world, *made.values(), str(uuid4()), made["queued"])
    kinds = {reason: told[uuid]["kind"] for reason, uuid in made.items() if uuid in told}
    assert kinds == {reason: reason for reason in made if reason != "ended"}
    assert told[made["failed"]]["name"] == "a"
    assert told[made["queued"]]["sentence"] == "queued in test"
    for uuid, one in told.items():
        assert any(
            (one["name"], one["kind"]) == (name, kind)
            for name, (kind, _) in (await reasons(world, uuid)).items()
        )


async def test_of_many_steps_the_most_telling_one_is_told(world: World) -> None:
    width = 40
    lonely = step("zz", handler={"callable": "app.nobody_has_it"})
    wide = [step(f"s{number}") for number in range(width)]
    await world.register(template("wide", [*wide, lonely]), template("broken", [*wide, lonely]))
    await world.worker.register()
    broken = (await world.create("broken"))["task_uuid"]
    await world.worker.run(s7=Failure("x" * 5_000))
    queued = (await world.create("wide"))["task_uuid"]
    await world.worker.claim(5)
    told = await told_of(world, queued, broken)
    assert (told[queued]["kind"], told[queued]["name"]) == ("no_handler", "zz")
    assert (told[broken]["kind"], told[broken]["name"]) == ("failed", "s7")
    assert len(told[broken]["sentence"]) < 300
    assert told[broken]["data"]["message"] == "x" * 200


async def test_too_many_tasks_and_what_is_no_id_are_refused(world: World) -> None:
    for wanted, code, words in (
        ([str(uuid4()) for _ in range(201)], "BAD_REQUEST", "at most 200"),
        (["seven"], "INVALID_UUID", "task_uuid"),
        ([], "BAD_REQUEST", "task_uuid"),
    ):
        refused = await world.http.get("/v1/tasks/why", params={"task_uuid": wanted})
        assert (refused.status_code, code_of(refused)) == (400, code)
        assert words in refused.json()["error"]["message"]
    assert await told_of(world, *[str(uuid4()) for _ in range(200)]) == {}


async def test_tasks_are_listed_by_the_reasons_of_their_steps(world: World) -> None:
    made = await tasks_by_reason(world)
    told = {
        reason: {kind for kind, _ in (await reasons(world, uuid)).values()} for reason, uuid in made.items()
    }
    for why in WHY_FILTERS:
        expected = [reason for reason in reversed(made) if why in told[reason]]
        page = await world.get("/v1/tasks", why=why, count="exact")
        assert ([one["reason"] for one in page["tasks"]], why) == (expected, why)
        assert page["pagination"]["total_count"] == len(expected)
    assert {kind for kinds in told.values() for kind in kinds} >= set(made) - {"ended"}
    both = await world.get("/v1/tasks", why="failed,no_worker", status="blocked_by_failures")
    assert [one["reason"] for one in both["tasks"]] == ["failed"]
    wrong = await world.http.get("/v1/tasks", params={"why": "no_wroker"})
    assert (wrong.status_code, "no_worker" in wrong.text) == (400, True)
