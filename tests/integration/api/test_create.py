"""Creating tasks: the quick start's call, the errors, identity, concurrency, bulk."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID

import pytest

from engine.model.wire.tasks import TaskResponse
from tests.integration.api.conftest import NAMESPACE, World, code_of, step, template, world_on

BIG = 2**200 + 1


async def test_the_call_of_the_quick_start_works_as_it_stands(world: World) -> None:
    await world.register(template("linear_workflow", namespace_name="example"))
    response = await world.http.post(
        "/v1/tasks",
        headers={"Content-Type": "application/json"},
        content='{"template_name": "linear_workflow", "namespace": "example"}',
    )
    assert response.status_code == 201
    assert response.json()["name"] == "linear_workflow"


@pytest.mark.scenario(24, 104, 105)
async def test_a_created_task_answers_as_it_reads_back(world: World) -> None:
    created = await world.create(
        context={"order": {"id": 7}}, tags=["a", "b"], priority=5, initiator="me", reason="because"
    )
    TaskResponse.model_validate(created)
    assert created == await world.task(created["task_uuid"])
    assert created["status"] == "steps_in_process"
    assert created["total_steps"] == len(created["steps"]) == 4
    ready = {one["name"] for one in created["steps"] if one["ready_for_execution"]}
    assert ready == {"one"}
    assert [one["total_parents"] for one in created["steps"]] == [0, 1, 1, 1]


@pytest.mark.scenario(10)
async def test_big_whole_numbers_come_back_with_every_digit(world: World) -> None:
    response = await world.http.post(
        "/v1/tasks",
        headers={"Content-Type": "application/json"},
        content=f'{{"name": "linear", "namespace": "{NAMESPACE}", "context": {{"n": {BIG}}}}}',
    )
    assert json.loads(response.content)["context"]["n"] == BIG
    raw = await world.http.get(f"/v1/tasks/{response.json()['task_uuid']}")
    assert json.loads(raw.content)["context"]["n"] == BIG
    assert str(BIG) in raw.text


async def test_every_field_of_an_old_client_is_accepted(world: World) -> None:
    created = await world.create(
        version="1.0.0", context={}, initiator="i", source_system="s", reason="r", tags={"team": "x"},
        requested_at="2026-01-31T12:00:00", options=None, priority=None, idempotency_key=None,
        correlation_id="0198c0de-0000-7000-8000-000000000001", parent_correlation_id=None,
    )  # fmt: skip
    assert created["tags"] == ["team:x"]
    assert created["correlation_id"] == "0198c0de-0000-7000-8000-000000000001"


@pytest.mark.scenario(104)
@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        ('{"name": ""}', "application/json", 422, "VALIDATION_ERROR"),
        ("{}", "application/json", 422, "VALIDATION_ERROR"),
        ('{"name": "linear", "namspace": "test"}', "application/json", 422, "VALIDATION_ERROR"),
        ('{"name": "linear", "context": []}', "application/json", 422, "VALIDATION_ERROR"),
        ('{"name": "linear", "namespace": "test", "context": {"a": NaN}}', "application/json", 422, None),
        ('{"name":"linear", "namespace":"test", "context":{"a":"\\u0000"}}', "application/json", 422, None),
        ('{"name": "linear", "namespace": "te\\u0000st"}', "application/json", 422, "VALIDATION_ERROR"),
        ('{"name": "nobody"}', "application/json", 404, "NOT_FOUND"),
        ('{"name": "linear", "namespace": "test", "version": "9.9.9"}', "application/json", 404, "NOT_FOUND"),
        ('{"name": ', "application/json", 400, "JSON_ERROR"),
        ("", "application/json", 400, "JSON_ERROR"),
        ('{"name": "linear"}', "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ('{"name": "linear"}', "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_wrong_requests_say_what_is_wrong(
    world: World, content: str, kind: str, status: int, code: str | None
) -> None:
    response = await world.http.post("/v1/tasks", content=content, headers={"content-type": kind})
    assert response.status_code == status, response.text
    assert code_of(response) == (code or "VALIDATION_ERROR")


async def test_a_misspelt_field_gets_its_near_name(world: World) -> None:
    response = await world.post({"name": "linear", "namspace": "test"})
    (problem,) = response.json()["error"]["problems"]
    assert problem["path"] == "namspace"
    assert "namespace" in problem["hint"]


async def test_an_unknown_template_gets_near_names_and_other_namespaces(world: World) -> None:
    near = await world.post({"name": "lnear", "namespace": NAMESPACE})
    assert "linear" in near.json()["error"]["hint"]
    elsewhere = await world.post({"name": "linear"})
    assert NAMESPACE in elsewhere.json()["error"]["hint"]


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(world: World) -> None:
    response = await world.post({"name": "linear", "context": {"a": "x" * 5_000_000}})
    assert response.status_code == 413
    assert code_of(response) == "PAYLOAD_TOO_LARGE"


async def test_a_context_beyond_the_limit_names_its_largest_part(world: World) -> None:
    response = await world.post({"name": "linear", "namespace": NAMESPACE, "context": {"a": "x" * 2_000_000}})
    assert response.status_code == 422
    assert "'a'" in response.json()["error"]["message"]


async def test_the_input_schema_is_enforced_with_the_failing_path(world: World) -> None:
    schema = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": {"properties": {"price": {"type": "number"}}}}},
    }
    await world.register(template("priced", input_schema=schema))
    body = {"name": "priced", "namespace": NAMESPACE, "context": {"items": [{"price": 1}, {"price": "x"}]}}
    response = await world.post(body)
    assert response.status_code == 422
    assert response.json()["error"]["problems"][0]["path"] == "context.items[1].price"
    assert (await world.post(body | {"context": {"items": [{"price": 1}]}})).status_code == 201


async def test_the_newest_version_is_the_highest_one(world: World) -> None:
    await world.register(
        template("many", version="1.10.0"), template("many", version="1.9.0"),
        template("many", version="2.0.0-rc.1"), template("many", version="1.10.0-rc.2"),
    )  # fmt: skip
    assert (await world.create("many"))["version"] == "2.0.0-rc.1"
    await world.register(template("many", version="2.0.0"))
    assert (await world.create("many"))["version"] == "2.0.0"


async def test_a_template_registered_elsewhere_is_used_within_a_second(world: World, database: str) -> None:
    await world.create()
    async with world_on(database) as other:
        await other.register(template("linear", [step("only")]), replace=True)
        async with asyncio.timeout(20):
            while (await world.create())["total_steps"] != 1:
                pass


@pytest.mark.scenario(78, 80)
async def test_equal_contexts_are_one_task_for_a_strict_template(world: World) -> None:
    await world.register(template("strict", identity_strategy="strict"))
    first = await world.create("strict", context={"a": 1, "b": {"x": 1, "y": 2}})
    again = await world.post(
        {"name": "strict", "namespace": NAMESPACE, "context": {"b": {"y": 2, "x": 1}, "a": 1}}
    )
    assert again.status_code == 409
    assert code_of(again) == "CONFLICT"
    assert again.json()["error"]["existing_task_uuid"] == first["task_uuid"]


@pytest.mark.scenario(79, 84)
async def test_other_contexts_and_other_templates_are_other_tasks(world: World) -> None:
    await world.register(
        template("strict", identity_strategy="strict"), template("strict2", identity_strategy="strict")
    )
    made = [
        await world.create("strict", context={"a": 1}),
        await world.create("strict", context={"a": 2}),
        await world.create("strict2", context={"a": 1}),
    ]
    assert len({one["task_uuid"] for one in made}) == 3


@pytest.mark.scenario(81)
async def test_an_idempotency_key_overrides_the_context(world: World) -> None:
    await world.register(template("strict", identity_strategy="strict"))
    await world.create("strict", context={"a": 1}, idempotency_key="k")
    same_key = {"name": "strict", "namespace": NAMESPACE, "context": {"a": 2}, "idempotency_key": "k"}
    assert (await world.post(same_key)).status_code == 409
    await world.create("strict", context={"a": 1}, idempotency_key="k2")


@pytest.mark.scenario(82)
async def test_always_unique_accepts_doubles(world: World) -> None:
    first, second = await world.create(context={"a": 1}), await world.create(context={"a": 1})
    assert first["task_uuid"] != second["task_uuid"]


@pytest.mark.scenario(83)
async def test_caller_provided_needs_a_key(world: World) -> None:
    await world.register(template("keyed", identity_strategy="caller_provided"))
    response = await world.post({"name": "keyed", "namespace": NAMESPACE})
    assert response.status_code == 400
    assert "idempotency_key" in response.json()["error"]["message"]
    await world.create("keyed", idempotency_key="k")


@pytest.mark.scenario(156)
async def test_of_racing_equal_creations_on_two_engines_one_wins(world: World, database: str) -> None:
    await world.register(template("strict", identity_strategy="strict"))
    body = {"name": "strict", "namespace": NAMESPACE, "context": {"a": 1}}
    async with world_on(database) as other:
        answers = await asyncio.gather(*(engine.post(body) for engine in [world, other] * 10))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 19
    winner = next(answer.json()["task_uuid"] for answer in answers if answer.status_code == 201)
    losers = {answer.json()["error"]["existing_task_uuid"] for answer in answers if answer.status_code == 409}
    assert losers == {winner}


async def test_concurrent_creations_share_transactions_and_stay_apart(world: World) -> None:
    async with world.pool.acquire() as conn:
        before = await conn.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        made = await asyncio.gather(*(world.create(context={"n": n}) for n in range(60)))
        after = await conn.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    assert sorted(one["context"]["n"] for one in made) == list(range(60))
    assert len({one["task_uuid"] for one in made}) == 60
    for one in made[:5]:
        assert (await world.task(one["task_uuid"]))["context"] == one["context"]
    assert after - before < 60


async def test_bulk_answers_each_item_by_itself(world: World) -> None:
    await world.register(template("strict", identity_strategy="strict"))
    good = {"name": "linear", "namespace": NAMESPACE}
    twin = {"name": "strict", "namespace": NAMESPACE, "context": {"a": 1}}
    items = [good, {"name": ""}, twin, 7, twin, {"name": "nobody"}, good | {"context": {"a": "\0"}}, good]
    response = await world.post({"tasks": items}, "/v1/tasks/bulk")
    assert response.status_code == 200
    results = response.json()["results"]
    assert [one["index"] for one in results] == list(range(8))
    assert [one["status"] for one in results] == [201, 422, 201, 422, 409, 404, 422, 201]
    assert results[4]["error"]["existing_task_uuid"] == results[2]["task"]["task_uuid"]
    for index in (0, 2, 7):
        task = await world.task(results[index]["task"]["task_uuid"])
        assert task["total_steps"] == results[index]["task"]["total_steps"]


async def test_bulk_is_one_transaction(world: World) -> None:
    items = [{"name": "linear", "namespace": NAMESPACE}] * 200
    results = (await world.post({"tasks": items}, "/v1/tasks/bulk")).json()["results"]
    uuids = [UUID(one["task"]["task_uuid"]) for one in results]
    async with world.pool.acquire() as conn:
        xids = await conn.fetchval(
            "SELECT count(DISTINCT xid) FROM tasker.transitions WHERE task_uuid = ANY ($1)", uuids
        )
    assert len(set(uuids)) == 200
    assert xids == 1


@pytest.mark.parametrize("tasks", [[], [{"name": "linear"}] * 1001])
async def test_bulk_has_limits(world: World, tasks: list[dict[str, str]]) -> None:
    response = await world.post({"tasks": tasks}, "/v1/tasks/bulk")
    assert response.status_code == 422
    assert code_of(response) == "VALIDATION_ERROR"
