"""`GET /v1/tasks/{task}/why`: the reason of every unfinished step."""

from __future__ import annotations

from uuid import uuid4

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
