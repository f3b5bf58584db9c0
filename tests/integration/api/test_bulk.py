"""Operators' verbs on many tasks over HTTP: what is selected, previewed, frozen and done."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from engine.store import bulk, engine_calls
from tests.integration.api.conftest import (
    Failure,
    PlayedWorker,
    World,
    code_of,
    step,
    template,
    world_on,
)
from tests.support.invariants import assert_invariants
from tests.support.postgres import PgServer

CHAIN = [step("a", retry={"max_attempts": 1}), step("b", "a", retry={"max_attempts": 1})]
DECLARED = [
    {"name": "charge", "handler": {"callable": "handlers.Anything", "initialization": {"idempotent": False}}}
]


NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
async def shared_world(pg_server: PgServer) -> AsyncIterator[World]:
    """One database for all tests of the module; each test has a namespace of its own."""
    async with pg_server.new_database() as dsn:
        async with world_on(dsn, bulk_limit=20) as made:
            yield made
        assert_invariants(dsn)


@pytest.fixture
async def world(shared_world: World) -> World:
    """The templates `chain` and `declared`, and a worker, in the test's namespace."""
    shared_world.namespace = f"bulk{next(NUMBERS)}"
    place = {"namespace_name": shared_world.namespace}
    await shared_world.register(
        template("chain", CHAIN, **place),
        template("declared", DECLARED, **place),
        template("patient", [step("a")], **place),
    )
    shared_world.worker = PlayedWorker(shared_world.pool, shared_world.namespace)
    await shared_world.worker.register()
    return shared_world


async def failed(world: World, count: int, message: str = "it broke", **fields: Any) -> list[str]:
    """Tasks whose first step is in error."""
    uuids = [(await world.create(**({"name": "chain"} | fields)))["task_uuid"] for _ in range(count)]
    for one in await world.worker.claim():
        await world.worker.finish(one, error=Failure(message).details)
    return uuids


async def preview(world: World, verb: str, result: Any = None, **wanted: Any) -> dict[str, Any]:
    body = {"verb": verb, "filter": wanted} | ({} if result is None else {"result": result})
    answer = await world.http.post("/v1/bulk/preview", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def post(world: World, operation: dict[str, Any], what: str, **body: Any) -> dict[str, Any]:
    answer = await world.http.post(f"/v1/bulk/{operation['bulk_uuid']}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def work(world: World) -> None:
    """Let an engine work off all that is due."""
    while (await bulk.work_bulk(world.pool)).worked:
        pass


async def run(world: World, verb: str, result: Any = None, **wanted: Any) -> dict[str, Any]:
    """Preview, run and work off; the operation at its end."""
    operation = await preview(world, verb, result, **wanted)
    await post(world, operation, "run", reason="the gateway is back", actor="ana")
    await work(world)
    return await world.get(f"/v1/bulk/{operation['bulk_uuid']}")


async def items(world: World, operation: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    return (await world.get(f"/v1/bulk/{operation['bulk_uuid']}/items", **query))["items"]


def counts(operation: dict[str, Any]) -> tuple[int, int, int, int]:
    return tuple(operation[name] for name in ("done", "skipped", "failed", "remaining"))


async def states(world: World, uuid: str) -> dict[str, str]:
    return {name: one["current_state"] for name, one in (await world.steps(uuid)).items()}


async def test_retry_by_signature_runs_what_was_shown(world: World) -> None:
    broken = await failed(world, 3, "no route to 10.0.0.1")
    other = await failed(world, 2, "card 4711 refused")
    shown = await preview(world, "retry", namespace=world.namespace, signature="handler_error: no route to #")
    shown_preview = shown["preview"]
    assert (shown["state"], shown["items"]) == ("previewed", 3)
    assert (shown_preview["tasks"], shown_preview["steps"], shown_preview["running"]) == (3, 3, 0)
    assert shown_preview["task_states"] == [{"state": "blocked_by_failures", "tasks": 3}]
    where = {"namespace": world.namespace, "template": "chain", "version": "1.0.0", "step": "a"}
    assert shown_preview["places"] == [where | {"state": "error", "items": 3}]
    assert shown_preview["will_run"] == [where | {"steps": 3, "idempotent": None, "unknown_outcome": 0}]
    assert {one["task_uuid"] for one in shown_preview["sample"]} == set(broken)
    assert shown_preview["sample"][0]["message"] == "no route to 10.0.0.1"
    answer = await post(world, shown, "run", reason="the route is back", actor="ana")
    assert (answer["changed"], answer["operation"]["state"]) == (True, "running")
    await work(world)
    done = await world.get(f"/v1/bulk/{shown['bulk_uuid']}")
    assert (done["state"], counts(done)) == ("complete", (3, 0, 0, 0))
    assert {(await states(world, uuid))["a"] for uuid in broken} == {"enqueued"}
    assert {(await states(world, uuid))["a"] for uuid in other} == {"error"}
    (entry,) = [
        one
        for one in (await world.get(f"/v1/tasks/{broken[0]}/transitions"))["transitions"]
        if one["actor"] == "ana" and one["step_uuid"]
    ]
    assert entry["reason"] == f"the route is back (bulk operation {shown['bulk_uuid']})"


async def test_steps_that_wait_for_a_retry_have_a_signature_too(world: World) -> None:
    waiting = (await world.create("patient"))["task_uuid"]
    (one,) = await world.worker.claim()
    await world.worker.finish(one, error=Failure("busy until 12:30", retryable=True).details)
    signature = "handler_error: busy until #:#"
    shown = await preview(world, "retry", namespace=world.namespace, signature=signature)
    assert shown["items"] == 0
    done = await run(
        world, "retry", namespace=world.namespace, signature=signature, step_states=["waiting_for_retry"]
    )
    assert counts(done) == (1, 0, 0, 0)
    assert (await states(world, waiting))["a"] == "enqueued"


async def test_what_was_selected_is_what_is_done(world: World) -> None:
    first = await failed(world, 2)
    shown = await preview(world, "retry", namespace=world.namespace)
    later = await failed(world, 1)
    gone = (await world.steps(first[0]))["a"]
    reset = {"action_type": "reset_for_retry", "reason": "at once", "reset_by": "ben"}
    path = f"/v1/tasks/{first[0]}/workflow_steps/{gone['step_uuid']}"
    assert (await world.http.patch(path, json=reset)).status_code == 200
    await post(world, shown, "run")
    await work(world)
    done = await world.get(f"/v1/bulk/{shown['bulk_uuid']}")
    assert counts(done) == (1, 1, 0, 0)
    assert (await states(world, later[0]))["a"] == "error"
    (skipped,) = await items(world, shown, outcome="skipped")
    assert (skipped["task_uuid"], skipped["message"]) == (first[0], "the step is enqueued")


async def test_a_second_run_changes_nothing(world: World) -> None:
    await failed(world, 2)
    shown = await preview(world, "retry", namespace=world.namespace)
    first = await post(world, shown, "run", reason="once", actor="ana")
    second = await post(world, shown, "run", reason="twice", actor="ben", rate=1)
    assert (first["changed"], second["changed"]) == (True, False)
    assert {**first["operation"], "items_per_second": 0, "eta_seconds": 0} == {
        **second["operation"],
        "items_per_second": 0,
        "eta_seconds": 0,
    }
    await work(world)
    again = await post(world, shown, "run")
    assert (again["changed"], again["operation"]["state"]) == (False, "complete")
    assert len(await world.worker.claim()) == 2


async def test_a_dry_run_begins_nothing(world: World) -> None:
    await failed(world, 1)
    shown = await preview(world, "retry", namespace=world.namespace)
    answer = await post(world, shown, "run", dry_run=True)
    assert (answer["changed"], answer["dry_run"], answer["operation"]["state"]) == (True, True, "running")
    assert (await world.get(f"/v1/bulk/{shown['bulk_uuid']}"))["state"] == "previewed"
    await work(world)
    assert await world.worker.claim() == []


@pytest.mark.parametrize(
    ("verb", "result", "state", "child"),
    [
        ("skip", None, "resolved_manually", "enqueued"),
        ("skip", {"by": "hand"}, "resolved_manually", "enqueued"),
        ("resolve", None, "resolved_manually", "enqueued"),
        ("complete", {"paid": True}, "complete", "enqueued"),
    ],
)
async def test_steps_are_ended_by_hand(world: World, verb: str, result: Any, state: str, child: str) -> None:
    uuids = await failed(world, 3)
    shown = await preview(world, verb, result, namespace=world.namespace, step="a")
    assert [(one["step"], one["steps"]) for one in shown["preview"]["will_run"]] == [("b", 3)]
    done = await run(world, verb, result, namespace=world.namespace, step="a")
    assert counts(done) == (3, 0, 0, 0)
    for uuid in uuids:
        assert await states(world, uuid) == {"a": state, "b": child}
        assert (await world.steps(uuid))["a"]["results"]["result"] == result


async def test_steps_run_again_with_all_that_comes_after_them(world: World) -> None:
    uuids = [(await world.create("chain"))["task_uuid"] for _ in range(2)]
    await world.worker.run()
    done = await run(world, "retry_downstream", namespace=world.namespace, step="a", step_states=["complete"])
    assert {(one["step"], one["steps"]) for one in done["preview"]["will_run"]} == {("a", 2), ("b", 2)}
    assert counts(done) == (2, 0, 0, 0)
    for uuid in uuids:
        assert await states(world, uuid) == {"a": "enqueued", "b": "pending"}
    assert await world.worker.run() == 4


async def test_a_step_that_ran_again_with_another_one_does_not_run_twice(world: World) -> None:
    await world.create("chain")
    await world.worker.run()
    operation = await preview(world, "retry_downstream", namespace=world.namespace, step_states=["complete"])
    assert operation["items"] == 2
    await post(world, operation, "run", reason="wrong prices", actor="ana", rate=1)
    assert (await bulk.work_bulk(world.pool)).worked == 1
    assert await world.worker.run() == 2
    async with world.pool.acquire() as conn:
        await conn.execute("SET tasker.clock_offset = '5 s'")
        assert (await bulk.work_bulk(conn)).worked == 1
    assert await world.worker.run() == 0
    second = (await items(world, operation))[1]
    assert (second["outcome"], second["message"]) == ("skipped", "the step has run since")


async def test_whole_tasks_run_again(world: World) -> None:
    complete = (await world.create("chain"))["task_uuid"]
    await world.worker.run()
    (broken,) = await failed(world, 1)
    done = await run(world, "retry_task", namespace=world.namespace)
    assert (done["items"], counts(done)) == (1, (1, 0, 0, 0))
    assert await states(world, broken) == {"a": "enqueued", "b": "pending"}
    done = await run(world, "retry_task", task_uuids=[complete])
    assert {(one["step"], one["steps"]) for one in done["preview"]["will_run"]} == {("a", 1), ("b", 1)}
    assert (await world.task(complete))["status"] == "steps_in_process"
    await world.worker.run()


async def test_tasks_are_cancelled_by_template(world: World) -> None:
    cancelled = await failed(world, 2)
    (kept,) = await failed(world, 1, name="declared")
    done = await run(world, "cancel", namespace=world.namespace, template="chain", version="1.0.0")
    assert (done["preview"]["steps"], done["preview"]["will_run"]) == (4, [])
    assert counts(done) == (2, 0, 0, 0)
    assert {(await world.task(uuid))["status"] for uuid in cancelled} == {"cancelled"}
    assert (await world.task(kept))["status"] == "blocked_by_failures"


async def test_tasks_are_paused_and_resumed(world: World) -> None:
    uuids = [(await world.create("chain"))["task_uuid"] for _ in range(3)]
    await world.http.post(f"/v1/tasks/{uuids[0]}/pause", json={"actor": "ben"})
    done = await run(world, "pause", namespace=world.namespace, states=["steps_in_process"])
    assert (done["items"], counts(done)) == (2, (2, 0, 0, 0))
    assert await world.worker.claim() == []
    await engine_calls.hold_steps(world.pool)
    done = await run(world, "resume", namespace=world.namespace)
    assert (done["items"], done["preview"]["will_run"][0]["steps"]) == (3, 3)
    assert len(await world.worker.claim()) == 3
    assert (await world.get("/v1/pauses"))["pauses"] == []


async def test_a_filter_narrows_by_each_of_its_fields(world: World) -> None:
    correlation = str(uuid4())
    (one,) = await failed(world, 1, "odd", correlation_id=correlation)
    (two,) = await failed(world, 1, "even", name="declared")
    (three,) = [(await world.create("chain"))["task_uuid"]]
    at = (await world.task(two))["created_at"]
    failed_at = (await world.steps(two))["charge"]["last_failure_at"]
    updated = (await world.task(three))["updated_at"]
    wanted: list[tuple[dict[str, Any], set[str]]] = [
        ({"correlation_id": correlation}, {one}),
        ({"created_since": at}, {two, three}),
        ({"created_until": at}, {one}),
        ({"created_since": at[:-1]}, {two, three}),
        ({"updated_since": updated}, {three}),
        ({"updated_until": updated}, {one, two}),
        ({"failed_since": failed_at}, {two}),
        ({"failed_until": failed_at}, {one}),
        ({"step": "charge"}, {two}),
        ({"template": "chain"}, {one, three}),
        ({"states": ["blocked_by_failures"]}, {one, two}),
        ({"signature": "handler_error: odd"}, {one}),
        ({"step_states": ["enqueued"]}, {three}),
        ({"task_uuids": [one, three]}, {one, three}),
        ({"namespace": "elsewhere"}, set()),
    ]
    for given, found in wanted:
        shown = await preview(world, "cancel", **{"namespace": world.namespace} | given)
        assert {item["task_uuid"] for item in await items(world, shown)} == found, given


async def test_what_may_not_be_repeated_is_told(world: World) -> None:
    await failed(world, 2, name="declared")
    (lost,) = await failed(world, 1)
    async with world.pool.acquire() as conn:
        await conn.execute(
            """
            UPDATE tasker.step_attempts SET details = details || '{"error_type": "worker_lost"}'
            WHERE task_uuid = $1
            """,
            UUID(lost),
        )
    shown = await preview(world, "retry", namespace=world.namespace)
    told = {
        one["step"]: (one["steps"], one["idempotent"], one["unknown_outcome"])
        for one in shown["preview"]["will_run"]
    }
    assert told == {"charge": (2, False, 0), "a": (1, None, 1)}


async def test_named_tasks_that_cannot_be_acted_on_are_left_out(world: World) -> None:
    (broken,) = await failed(world, 1)
    complete = (await world.create("chain"))["task_uuid"]
    await world.worker.run()
    shown = await preview(world, "cancel", task_uuids=[broken, complete, str(uuid4())])
    assert (shown["items"], shown["preview"]["left_out"]) == (1, 2)


async def refused(world: World, **body: Any) -> httpx.Response:
    answer = await world.http.post("/v1/bulk/preview", json=body)
    assert answer.status_code == 422, answer.text
    assert code_of(answer) == "VALIDATION_ERROR"
    return answer


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"verb": "retry", "filter": {}}, "filter: is empty, and would select everything"),
        ({"verb": "burn", "filter": {"namespace": "t"}}, "verb"),
        ({"verb": "complete", "filter": {"namespace": "t"}}, "complete needs the `result`"),
        ({"verb": "cancel", "filter": {"namespace": "t"}, "result": 1}, "only steps that are skipped"),
        (
            {"verb": "cancel", "filter": {"states": ["complete"]}},
            "cancel does nothing to tasks that are comp",
        ),
        ({"verb": "retry", "filter": {"step_states": ["pending"]}}, "retry does nothing to steps that are p"),
        ({"verb": "retry", "filter": {"nmespace": "test"}}, "filter.nmespace"),
        ({"verb": "retry", "filter": {"created_since": "yesterday"}}, "filter.created_since"),
        ({"verb": "skip", "filter": {"namespace": "t"}, "result": {"a": "\0"}}, "result"),
    ],
)
async def test_what_cannot_be_selected_says_why(world: World, body: dict[str, Any], message: str) -> None:
    assert message in (await refused(world, **body)).json()["error"]["message"]


async def test_a_selection_that_is_too_large_is_refused_whole(world: World) -> None:
    await world.http.post(
        "/v1/tasks/bulk", json={"tasks": [{"name": "chain", "namespace": world.namespace} for _ in range(21)]}
    )
    before = await world.pool.fetchval("SELECT count(*) FROM tasker.bulk_items")
    answer = await refused(world, verb="cancel", filter={"namespace": world.namespace})
    assert "more than 20 items" in answer.json()["error"]["message"]
    assert await world.pool.fetchval("SELECT count(*) FROM tasker.bulk_items") == before


async def test_operations_that_are_not_there(world: World) -> None:
    for method, path in (
        ("GET", ""),
        ("GET", "/items"),
        ("POST", "/run"),
        ("POST", "/stop"),
        ("POST", "/resume"),
    ):
        answer = await world.http.request(method, f"/v1/bulk/{uuid4()}{path}")
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    shown = await preview(world, "cancel", namespace=world.namespace)
    answer = await world.http.post(f"/v1/bulk/{shown['bulk_uuid']}/resume")
    assert (answer.status_code, code_of(answer)) == (409, "CONFLICT")
    assert "never run" in answer.json()["error"]["message"]


async def test_an_empty_selection_is_complete_at_once(world: World) -> None:
    shown = await preview(world, "cancel", namespace=world.namespace)
    answer = await post(world, shown, "run")
    assert (shown["items"], answer["operation"]["state"]) == (0, "complete")


async def test_operations_are_listed_and_their_items_paged(world: World) -> None:
    await failed(world, 3)
    only_previewed = await preview(world, "retry", namespace=world.namespace)
    done = await run(world, "cancel", namespace=world.namespace)
    listed = (await world.get("/v1/bulk"))["operations"]
    assert listed[0]["bulk_uuid"] == done["bulk_uuid"]
    assert only_previewed["bulk_uuid"] not in {one["bulk_uuid"] for one in listed}
    (newest,) = (await world.get("/v1/bulk", state="previewed", limit=1))["operations"]
    assert newest["bulk_uuid"] == only_previewed["bulk_uuid"]
    first = await world.get(f"/v1/bulk/{done['bulk_uuid']}/items", limit=2)
    assert ([one["number"] for one in first["items"]], first["next_after"]) == ([1, 2], 2)
    last = await world.get(f"/v1/bulk/{done['bulk_uuid']}/items", limit=2, after=2)
    assert ([one["number"] for one in last["items"]], last["next_after"]) == ([3], None)
