"""`GET /v1/queues` and `/v1/handlers`: what waits for workers, and who could take it."""

from __future__ import annotations

import json
from typing import Any

from engine.store.engine_calls import hold_steps
from tests.integration.api.conftest import HANDLER, NAMESPACE, Failure, World, code_of, step, template
from tests.support.served import served, tasker

SLOW = {"max_attempts": 3, "backoff_base_ms": 60_000}


async def queue(world: World, namespace: str = NAMESPACE) -> Any:
    (found,) = (await world.get("/v1/queues", namespace=namespace))["queues"]
    return found


async def test_ready_running_and_retrying_steps_are_counted_by_handler(world: World) -> None:
    await world.worker.register()
    await world.register(template("flaky", [step("call", retry=SLOW)]))
    for name in ("linear", "linear", "linear", "flaky"):
        await world.create(name)
    steps = {one.name: one for one in await world.worker.claim()}
    await world.worker.finish(steps["call"], error={"message": "busy", "retryable": True})
    await world.create("linear")
    found = await queue(world)
    assert (found["ready"], found["in_progress"], found["retrying"]) == (1, 3, 1)
    assert found["oldest_seconds"] >= 0
    assert set(found["held"].values()) == {0}
    assert (found["workers"], found["slots"], found["paused"]) == (1, 10, None)
    (handler,) = found["handlers"]
    assert (handler["handler"], handler["status"], handler["workers"]) == (HANDLER, "served", 1)
    assert (handler["ready"], handler["in_progress"], handler["retrying"]) == (1, 3, 1)


async def test_held_steps_say_why_and_the_pause_who(world: World) -> None:
    await world.create("linear")
    uuid = (await world.create("linear"))["task_uuid"]
    await world.post({"reason": "look", "actor": "ada"}, f"/v1/tasks/{uuid}/pause")
    found = await queue(world)
    assert (found["ready"], found["held"]["paused_task"]) == (1, 1)
    await world.post({"reason": "deploy", "actor": "ben"}, f"/v1/namespaces/{NAMESPACE}/pause")
    await hold_steps(world.pool)
    found = await queue(world)
    assert (found["ready"], found["oldest_seconds"], found["held"]["paused_namespace"]) == (0, None, 2)
    assert (found["held"]["paused_task"], found["paused"]["paused_by"]) == (0, "ben")


async def test_a_namespace_without_work_is_listed_and_an_unknown_one_is_404(world: World) -> None:
    await world.register(template("quiet") | {"namespace_name": "quiet"})
    found = await queue(world, "quiet")
    assert (found["ready"], found["handlers"], found["workers"]) == (0, [], 0)
    assert {one["namespace"] for one in (await world.get("/v1/queues"))["queues"]} == {NAMESPACE, "quiet"}
    unknown = await world.http.get("/v1/queues", params={"namespace": "nowhere"})
    assert (unknown.status_code, code_of(unknown)) == (404, "NOT_FOUND")


async def test_handlers_are_served_missing_or_without_any_worker(world: World) -> None:
    await world.worker.register()
    other = {"handler": {"callable": "handlers.Anythin"}}
    await world.register(
        template("typo", [step("a"), step("b", "a", **other)]),
        template("away") | {"namespace_name": "away"},
    )
    found = {(one["namespace"], one["handler"]): one for one in (await world.get("/v1/handlers"))["handlers"]}
    assert {key: one["status"] for key, one in found.items()} == {
        ("test", HANDLER): "served",
        ("test", "handlers.Anythin"): "missing",
        ("away", HANDLER): "no_worker",
    }
    typo = found["test", "handlers.Anythin"]
    assert (typo["near"], typo["workers"]) == ([HANDLER], 0)
    assert typo["used_by"] == [{"template": "typo", "version": "1.0.0", "steps": ["b"]}]
    good = found["test", HANDLER]
    assert (good["worker_names"], good["templates"], good["slots"]) == (["played"], 2, 10)
    missing = await world.get("/v1/handlers", missing=True)
    assert {one["status"] for one in missing["handlers"]} == {"missing", "no_worker"}
    assert (await world.get("/v1/handlers", namespace="away"))["handlers"] == [found["away", HANDLER]]


async def test_a_ready_step_counts_for_its_handler_and_a_stopped_worker_does_not(world: World) -> None:
    await world.worker.register()
    await world.create("linear")
    (one,) = (await world.get("/v1/handlers"))["handlers"]
    assert (one["status"], one["ready"]) == ("served", 1)
    async with world.pool.acquire() as conn:
        await conn.execute("UPDATE tasker.workers SET state = 'stopped'")
    (one,) = (await world.get("/v1/handlers"))["handlers"]
    assert (one["status"], one["worker_names"]) == ("no_worker", [])
    (handler,) = (await queue(world))["handlers"]
    assert (handler["status"], handler["workers"]) == ("no_worker", 0)


async def test_what_workers_have_and_nobody_asks_for_is_unused(world: World) -> None:
    await world.worker.register()
    async with world.pool.acquire() as conn:
        await conn.execute("UPDATE tasker.workers SET handlers = handlers || '{handlers.Old}'::text[]")
    found = await world.get("/v1/handlers")
    assert found["unused"] == [{"handler": "handlers.Old", "workers": 1}]


async def test_the_command_line_shows_both(world: World) -> None:
    await world.worker.register()
    await world.register(template("typo", [step("b", handler={"callable": "handlers.Anythin"})]))
    await world.create("linear")
    await world.create("typo")
    await world.worker.run(one=Failure())
    async with served(world.app) as url:
        queues = await tasker(url, "queues")
        handlers = await tasker(url, "handlers", "--missing")
        data = await tasker(url, "queues", "--json")
        wrong = await tasker(url, "queues", "-n", "nowhere")
    lines = [line.split() for line in queues.out.splitlines()]
    assert lines[1][:2] == ["test", "1"]
    assert "no live worker has it" in queues.out
    assert "workers have handlers.Anything" in handlers.out
    assert json.loads(data.out)["queues"][0]["ready"] == 1
    assert (wrong.code, "namespace nowhere does not exist" in wrong.err) == (3, True)


async def test_a_worker_tells_which_steps_it_holds_and_since_when(world: World) -> None:
    await world.worker.register()
    task = await world.create("linear")
    assert (await world.get(f"/v1/workers/{world.worker.identity.worker_uuid}/steps"))["steps"] == []
    await world.worker.claim()
    found = await world.get(f"/v1/workers/{world.worker.identity.worker_uuid}/steps")
    (held,) = found["steps"]
    assert (held["task_uuid"], held["step"], held["template"]) == (task["task_uuid"], "one", "linear")
    assert (held["handler"], held["attempt"], found["held"]) == (HANDLER, 1, 1)
    assert held["claimed_at"] < held["expires_at"]
    unknown = await world.http.get(f"/v1/workers/{task['task_uuid']}/steps")
    assert (unknown.status_code, code_of(unknown)) == (404, "NOT_FOUND")
    async with served(world.app) as url:
        workers = await tasker(url, "workers")
        steps = await tasker(url, "workers", str(world.worker.identity.worker_uuid))
    assert "0/10" in workers.out
    assert "linear" in steps.out
