"""When two creations are the same task (reference 1.3 and 10.5, rows 78 to 84).

No worker serves the namespace: tasks stay as they were created.
"""

from __future__ import annotations

import asyncio
import uuid

import httpx
import pytest

from tests.e2e.api import Api, Json, error_of, until

IDENTITY = "e2e_identity"


def template(name: str, **more: object) -> Json:
    """A template with an identity strategy, strict without one."""
    return {
        "name": name,
        "namespace_name": IDENTITY,
        "version": "1.0.0",
        "steps": [{"name": "only", "handler": {"callable": "e2e.idle"}}],
        **more,
    }


@pytest.fixture(scope="module", autouse=True)
async def templates(api: Api) -> None:
    """A template of each strategy, and two that are alike."""
    await api.register(template("strict"))
    await api.register(template("also_strict"))
    await api.register(template("unique", identity_strategy="always_unique"))
    await api.register(template("by_caller", identity_strategy="caller_provided"))
    await api.register(template("for_a_while", identity_ttl_seconds=4))


def fresh() -> Json:
    """A context that no other task has."""
    return {"run": str(uuid.uuid4()), "amount": 3}


def assert_conflict(answer: httpx.Response, first: Json) -> None:
    """409 that names the task which is there."""
    error = error_of(answer, 409)
    assert error["code"] == "CONFLICT"
    assert error["existing_task_uuid"] == first["task_uuid"]


@pytest.mark.scenario(78)
async def test_the_same_context_twice_is_one_task(api: Api) -> None:
    context = fresh()
    first = await api.create("strict", IDENTITY, context)
    assert_conflict(await api.post("strict", IDENTITY, context), first)
    # What is not the context does not count.
    assert_conflict(await api.post("strict", IDENTITY, context, priority=9, tags=["other"]), first)
    listed = await api.get("/v1/tasks", namespace=IDENTITY, q=first["task_uuid"])
    assert [task["task_uuid"] for task in listed["tasks"]] == [first["task_uuid"]]


@pytest.mark.scenario(79)
async def test_different_contexts_are_different_tasks(api: Api) -> None:
    one, other = fresh(), fresh()
    first = await api.create("strict", IDENTITY, one)
    second = await api.create("strict", IDENTITY, other)
    assert uuid.UUID(first["task_uuid"]) != uuid.UUID(second["task_uuid"])
    await api.create("strict", IDENTITY, one | {"amount": 3.0})
    await api.create("strict", IDENTITY, one | {"more": None})


@pytest.mark.scenario(80)
async def test_the_order_of_keys_does_not_count(api: Api) -> None:
    run = str(uuid.uuid4())
    first = await api.create("strict", IDENTITY, {"run": run, "a": {"x": 1, "y": [1, 2]}})
    assert_conflict(await api.post("strict", IDENTITY, {"a": {"y": [1, 2], "x": 1}, "run": run}), first)
    # That of a list's items does.
    await api.create("strict", IDENTITY, {"a": {"y": [2, 1], "x": 1}, "run": run})


@pytest.mark.scenario(81)
@pytest.mark.parametrize("strategy", ["strict", "unique", "by_caller"])
async def test_an_idempotency_key_overrides_the_strategy(api: Api, strategy: str) -> None:
    context, key = fresh(), str(uuid.uuid4())
    first = await api.create(strategy, IDENTITY, context, idempotency_key=key)
    assert_conflict(await api.post(strategy, IDENTITY, fresh(), idempotency_key=key), first)
    second = await api.create(strategy, IDENTITY, context, idempotency_key=f"{key}-2")
    assert second["task_uuid"] != first["task_uuid"]


@pytest.mark.scenario(82)
async def test_always_unique_accepts_doubles(api: Api) -> None:
    context = fresh()
    created = [await api.create("unique", IDENTITY, context) for _ in range(3)]
    assert len({task["task_uuid"] for task in created}) == 3


@pytest.mark.scenario(83)
async def test_caller_provided_asks_for_a_key(api: Api) -> None:
    error = error_of(await api.post("by_caller", IDENTITY, fresh()), 400)
    assert error["code"] == "BAD_REQUEST"
    assert "idempotency_key" in error["message"]
    await api.create("by_caller", IDENTITY, fresh(), idempotency_key=str(uuid.uuid4()))


@pytest.mark.scenario(84)
async def test_two_templates_do_not_collide(api: Api) -> None:
    context, key = fresh(), str(uuid.uuid4())
    first = await api.create("strict", IDENTITY, context)
    second = await api.create("also_strict", IDENTITY, context)
    assert first["task_uuid"] != second["task_uuid"]
    await api.create("strict", IDENTITY, context, idempotency_key=key)
    await api.create("also_strict", IDENTITY, context, idempotency_key=key)


async def test_an_identity_ends_with_its_time_to_live(api: Api) -> None:
    context = fresh()
    first = await api.create("for_a_while", IDENTITY, context)
    assert_conflict(await api.post("for_a_while", IDENTITY, context), first)
    again = await until(
        lambda: api.post("for_a_while", IDENTITY, context), lambda answer: answer.status_code == 201
    )
    assert again.json()["task_uuid"] != first["task_uuid"]


async def test_equal_creations_in_one_bulk_are_one_task(api: Api) -> None:
    context = fresh()
    answer = await api.http.post("/v1/tasks/bulk", json={"tasks": [_body("strict", context)] * 3})
    results = answer.json()["results"]
    assert sorted(result["status"] for result in results) == [201, 409, 409]
    [created] = [result["task"]["task_uuid"] for result in results if result["status"] == 201]
    refused = [result["error"]["existing_task_uuid"] for result in results if result["status"] == 409]
    assert refused == [created, created]


async def test_equal_creations_at_once_are_one_task(api: Api) -> None:
    context = fresh()
    answers = await asyncio.gather(*(api.post("strict", IDENTITY, context) for _ in range(20)))
    created = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(created) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert_conflict(answer, created[0])


def _body(name: str, context: Json) -> Json:
    return {"name": name, "namespace": IDENTITY, "context": context}
