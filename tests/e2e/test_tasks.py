"""Creating, reading and listing tasks; what the web is like around it (reference 10.7, rows 104 to 110).

No worker serves the namespaces of these tests: what is created stays as it is.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.api import Api, Json, error_of

TASKS = "e2e_tasks"
NOBODY = "00000000-0000-7000-8000-000000000000"


def template(name: str, namespace: str = TASKS, **more: Any) -> Json:
    """A template of one step that nobody runs."""
    return {
        "name": name,
        "namespace_name": namespace,
        "version": "1.0.0",
        "identity_strategy": "always_unique",
        "steps": [{"name": "only", "handler": {"callable": "e2e.idle"}}],
        **more,
    }


@pytest.fixture(scope="module", autouse=True)
async def templates(api: Api) -> None:
    """What the tests of this module create tasks of."""
    schema = {
        "type": "object",
        "required": ["amount"],
        "properties": {"amount": {"type": "number", "minimum": 1}, "items": {"items": {"type": "string"}}},
    }
    await api.register(template("idle"))
    await api.register(template("strict_input", input_schema=schema))


@pytest.mark.scenario(104)
@pytest.mark.parametrize(
    ("body", "status", "code", "said"),
    [
        ({"name": "", "namespace": TASKS}, 422, None, "name"),
        ({"namespace": TASKS}, 422, None, "name"),
        ({"name": "no_such_template", "namespace": TASKS}, 404, "NOT_FOUND", "no_such_template"),
        ({"name": "idle", "namespace": "no_such_namespace"}, 404, "NOT_FOUND", "no_such_namespace"),
        ({"name": "idle", "namespace": TASKS, "version": "7.0.0"}, 404, "NOT_FOUND", "7.0.0"),
        ({"name": "idle", "namespace": TASKS, "context": [1, 2]}, 422, None, "context"),
        ({"name": "idle", "namespace": TASKS, "priority": 101}, 422, None, "priority"),
        ({"name": "idle", "namespace": TASKS, "reason": "x" * 501}, 422, None, "reason"),
        ({"name": "idle", "namespace": TASKS, "correlation_id": "x"}, 422, None, "correlation_id"),
        ({"name": "idle", "namespace": TASKS, "contxt": {}}, 422, None, "contxt"),
        ({"name": "idle", "namespace": TASKS, "context": {"a": "nul \0"}}, 422, None, "context.a"),
        ({"name": "strict_input", "namespace": TASKS, "context": {}}, 422, None, "amount"),
        ({"name": "strict_input", "namespace": TASKS, "context": {"amount": 0}}, 422, None, "context.amount"),
        (
            {"name": "strict_input", "namespace": TASKS, "context": {"amount": 1, "items": ["a", 2]}},
            422, None, "context.items[1]",
        ),
    ],
)  # fmt: skip
async def test_a_bad_request_is_refused(
    api: Api, body: Json, status: int, code: str | None, said: str
) -> None:
    error = error_of(await api.http.post("/v1/tasks", json=body), status)
    if code:
        assert error["code"] == code
    told = [error["message"], *(problem["path"] for problem in error.get("problems", []))]
    assert any(said in one for one in told), error


@pytest.mark.scenario(104)
@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "JSON_ERROR"),
        (b"", "application/json", 400, "JSON_ERROR"),
        (b"\xff\xfe", "application/json", 400, "JSON_ERROR"),
        (b'{"name": "idle", "namespace": "e2e_tasks", "context": {"n": NaN}}', "application/json", 422, None),
        (b"[]", "application/json", 422, None),
        (b"name=idle", "application/x-www-form-urlencoded", 415, None),
        (b'{"name": "idle"}', "text/plain", 415, None),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    api: Api, content: bytes, kind: str, status: int, code: str | None
) -> None:
    answer = await api.http.post("/v1/tasks", content=content, headers={"Content-Type": kind})
    error = error_of(answer, status)
    assert code in (None, error["code"])


@pytest.mark.scenario(104)
async def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    large = {"name": "idle", "namespace": TASKS, "context": {"text": "x" * (1 << 20)}}
    error = error_of(await api.http.post("/v1/tasks", json=large), 422)
    assert "1,048,576" in error["message"]
    error_of(await api.http.post("/v1/tasks", json=large | {"context": {"text": "x" * (5 << 20)}}), 413)


@pytest.mark.scenario(105)
async def test_a_task_is_read_with_all_that_was_asked_for(api: Api) -> None:
    fields = {
        "initiator": "ada", "source_system": "e2e", "reason": "to be read", "tags": ["a", "b"],
        "priority": -100, "correlation_id": str(uuid.uuid4()), "parent_correlation_id": str(uuid.uuid4()),
    }  # fmt: skip
    created = await api.create("idle", TASKS, {"n": 1}, **fields)
    found = await api.task(created)
    assert found == created
    assert {name: found[name] for name in fields} == fields
    assert (found["name"], found["namespace"], found["version"]) == ("idle", TASKS, "1.0.0")
    assert uuid.UUID(found["task_uuid"]).version == 7
    assert found["created_at"].endswith("Z")


@pytest.mark.scenario(105)
async def test_defaults_of_a_request(api: Api) -> None:
    found = await api.create("idle", TASKS)
    assert (found["context"], found["tags"], found["priority"]) == ({}, [], 0)
    assert (found["initiator"], found["source_system"]) == ("system", "tasker-core")
    assert found["reason"] == "Task requested"
    assert (found["parent_correlation_id"], found["completed_at"]) == (None, None)
    assert uuid.UUID(found["correlation_id"])


@pytest.mark.scenario(105)
async def test_an_unknown_task_and_a_bad_uuid(api: Api) -> None:
    for path in (f"/v1/tasks/{NOBODY}", f"/v1/tasks/{NOBODY}/transitions"):
        assert error_of(await api.http.get(path), 404)["code"] == "NOT_FOUND"
    for path in ("/v1/tasks/not-a-uuid", f"/v1/tasks/{NOBODY}/workflow_steps/7"):
        assert error_of(await api.http.get(path), 400)["code"] == "INVALID_UUID"


@pytest.mark.scenario(106)
async def test_pages_by_number_and_by_key(api: Api) -> None:
    namespace = "e2e_pages"
    await api.register(template("idle", namespace))
    created = [(await api.create("idle", namespace, {"n": n}))["task_uuid"] for n in range(7)]
    newest_first = created[::-1]

    first = await api.get("/v1/tasks", namespace=namespace, per_page=3)
    assert [task["task_uuid"] for task in first["tasks"]] == newest_first[:3]
    assert [task["steps"] for task in first["tasks"]] == [[], [], []]
    assert _paging(first) == (1, 3, 7, 3, True, False)
    last = await api.get("/v1/tasks", namespace=namespace, per_page=3, page=3)
    assert [task["task_uuid"] for task in last["tasks"]] == newest_first[6:]
    assert _paging(last) == (3, 3, 7, 3, False, True)
    beyond = await api.get("/v1/tasks", namespace=namespace, per_page=3, page=4)
    assert (beyond["tasks"], beyond["pagination"]["has_next"]) == ([], False)
    default = await api.get("/v1/tasks", namespace=namespace)
    assert _paging(default) == (1, 25, 7, 1, False, False)

    walked, cursor = [], first["pagination"]["next_cursor"]
    while cursor:
        page = await api.get("/v1/tasks", namespace=namespace, per_page=2, before=cursor)
        walked += [task["task_uuid"] for task in page["tasks"]]
        cursor = page["pagination"]["next_cursor"]
    assert walked == newest_first[3:]
    back = await api.get("/v1/tasks", namespace=namespace, per_page=2, after=newest_first[3])
    assert [task["task_uuid"] for task in back["tasks"]] == newest_first[1:3]


def _paging(listed: Json) -> tuple[int, int, int, int, bool, bool]:
    found = listed["pagination"]
    return (
        found["page"], found["per_page"], found["total_count"], found["total_pages"], found["has_next"],
        found["has_previous"],
    )  # fmt: skip


@pytest.mark.scenario(106)
@pytest.mark.parametrize(
    "params",
    [
        {"page": 0}, {"page": -1}, {"page": "x"}, {"per_page": 0}, {"per_page": 101}, {"count": "guess"},
        {"status": "half_done"}, {"before": "x"}, {"before": NOBODY, "after": NOBODY}, {"since": "yesterday"},
    ],
)  # fmt: skip
async def test_bad_parameters_of_a_list(api: Api, params: Json) -> None:
    error = error_of(await api.http.get("/v1/tasks", params=params), 400)
    assert error["code"] in ("BAD_REQUEST", "INVALID_UUID")
    assert next(iter(params)) in error["message"]


@pytest.mark.scenario(106)
async def test_filters_of_a_list(api: Api) -> None:
    namespace, other = "e2e_filters", "e2e_filters_2"
    await api.register(template("red", namespace))
    await api.register(template("blue", namespace))
    await api.register(template("red", other))
    red = await api.create("red", namespace, tags=["hot", "urgent"], initiator="ada", source_system="shop")
    blue = await api.create("blue", namespace, tags=["cold"], initiator="grace")
    elsewhere = await api.create("red", other, tags=["hot"])
    cancelled = await api.create("red", namespace)
    assert (await api.cancel(cancelled)).status_code == 200

    async def listed(**params: Any) -> list[str]:
        params = {"namespace": namespace, **params}
        found = await api.get("/v1/tasks", **params)
        assert found["pagination"]["total_count"] == len(found["tasks"])
        return [task["task_uuid"] for task in found["tasks"]]

    uuids = [task["task_uuid"] for task in (red, blue, elsewhere, cancelled)]
    assert await listed() == [uuids[3], uuids[1], uuids[0]]
    assert await listed(namespace=other) == [uuids[2]]
    assert await listed(template="blue") == [uuids[1]]
    assert await listed(name="red") == [uuids[3], uuids[0]]
    assert await listed(tag="hot") == [uuids[0]]
    assert await listed(tag="lukewarm") == []
    assert await listed(initiator="grace") == [uuids[1]]
    assert await listed(source_system="shop") == [uuids[0]]
    assert await listed(status="cancelled") == [uuids[3]]
    assert await listed(status="steps_in_process") == [uuids[1], uuids[0]]
    assert await listed(status="cancelled,steps_in_process", template="red") == [uuids[3], uuids[0]]
    assert await listed(status="completed") == []
    assert await listed(q=uuids[1][:30]) == [uuids[1]]
    assert await listed(q="blu") == [uuids[1]]
    at = datetime.fromisoformat(blue["created_at"])
    assert await listed(since=at.isoformat()) == [uuids[3], uuids[1]]
    assert await listed(until=at.isoformat()) == [uuids[0]]
    assert await listed(since=(at + timedelta(hours=1)).isoformat()) == []


STATES = (
    "pending", "initializing", "enqueuing_steps", "steps_in_process", "evaluating_results",
    "waiting_for_dependencies", "waiting_for_retry", "blocked_by_failures", "complete", "error", "cancelled",
    "resolved_manually",
)  # fmt: skip


@pytest.mark.scenario(106)
@pytest.mark.parametrize("state", STATES)
async def test_every_state_is_a_filter(api: Api, state: str) -> None:
    listed = await api.get("/v1/tasks", status=state, per_page=100)
    # `pending` is also the reference's word for whatever has not ended.
    wanted = {state} if state != "pending" else set(STATES) - {
        "complete", "error", "cancelled", "resolved_manually",
    }  # fmt: skip
    assert {task["status"] for task in listed["tasks"]} <= wanted


@pytest.mark.scenario(108)
async def test_what_cannot_be_cancelled(api: Api) -> None:
    assert error_of(await api.cancel({"task_uuid": NOBODY}), 404)["code"] == "NOT_FOUND"
    task = await api.create("idle", TASKS)
    assert (await api.cancel(task)).status_code == 200
    error = error_of(await api.cancel(task), 400)
    assert (error["code"], "cancelled" in error["message"]) == ("BAD_REQUEST", True)
    done = await api.create("linear_workflow", "example")
    await api.completed(done)
    assert "complete" in error_of(await api.cancel(done), 400)["message"]
    assert (await api.task(done))["status"] == "complete"


@pytest.mark.scenario(109)
async def test_steps_of_an_unknown_task_and_of_another_one(api: Api) -> None:
    one, other = await api.create("idle", TASKS), await api.create("idle", TASKS)
    mine = one["steps"][0]["workflow_step_uuid"]
    error_of(await api.http.get(f"/v1/tasks/{NOBODY}/workflow_steps"), 404)
    for tail in ("", "/audit", "/logs"):
        strange = await api.http.get(f"/v1/tasks/{other['task_uuid']}/workflow_steps/{mine}{tail}")
        assert error_of(strange, 404)["code"] == "NOT_FOUND"
        error_of(await api.http.get(f"/v1/tasks/{one['task_uuid']}/workflow_steps/{NOBODY}{tail}"), 404)
    assert await api.get(f"/v1/tasks/{one['task_uuid']}/workflow_steps/{mine}/audit") == []
    action = {"action_type": "resolve_manually", "reason": "x", "resolved_by": "ada"}
    strange = await api.http.patch(f"/v1/tasks/{other['task_uuid']}/workflow_steps/{mine}", json=action)
    error_of(strange, 404)
    assert (await api.task(one))["steps"][0]["current_state"] == "enqueued"


LOCAL_PAGE = "http://localhost:3000"


@pytest.mark.scenario(110)
async def test_a_local_page_may_ask(api: Api) -> None:
    preflight = await api.http.options(
        "/v1/tasks",
        headers={
            "Origin": LOCAL_PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == LOCAL_PAGE
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    answer = await api.http.get("/health", headers={"Origin": LOCAL_PAGE})
    assert answer.headers["access-control-allow-origin"] == LOCAL_PAGE


@pytest.mark.scenario(110)
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example.org"}, {"Origin": "null"}, {"Host": "evil.example.org"}]
)
async def test_a_foreign_page_may_not(api: Api, headers: Json) -> None:
    answer = await api.http.post("/v1/tasks", json={"name": "idle", "namespace": TASKS}, headers=headers)
    assert error_of(answer, 403)["code"] == "FORBIDDEN"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.scenario(110)
async def test_an_unknown_route_and_a_wrong_method(api: Api) -> None:
    assert error_of(await api.http.get("/v1/nothing/here"), 404)["code"] == "NOT_FOUND"
    error_of(await api.http.put("/v1/tasks", json={}), 405)


@pytest.mark.scenario(110)
async def test_a_request_may_ask_for_a_time_out(api: Api) -> None:
    tight = await api.http.get("/v1/tasks", headers={"X-Request-Timeout": "0.000001"})
    assert error_of(tight, 408)["code"] == "TIMEOUT"
    assert (await api.http.get("/v1/tasks", headers={"X-Request-Timeout": "10"})).status_code == 200
    for wrong in ("soon", "0", "-1", "nan"):
        error_of(await api.http.get("/v1/tasks", headers={"X-Request-Timeout": wrong}), 400)


async def test_many_tasks_in_one_call_have_an_answer_each(api: Api) -> None:
    good = {"name": "idle", "namespace": TASKS}
    answer = await api.http.post(
        "/v1/tasks/bulk",
        json={
            "tasks": [
                good | {"context": {"n": 10**30}, "tags": ["bulk"]},
                {"name": "no_such_template", "namespace": TASKS},
                good | {"priority": 1000},
                "not even an object",
                {"name": "strict_input", "namespace": TASKS, "context": {"amount": "much"}},
                good | {"correlation_id": NOBODY},
            ]
        },
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(6))
    assert [result["status"] for result in results] == [201, 404, 422, 422, 422, 201]
    assert all((result["task"] is None) != (result["error"] is None) for result in results)
    first = await api.task(results[0]["task"])
    assert (first["context"], first["tags"]) == ({"n": 10**30}, ["bulk"])
    assert results[5]["task"]["correlation_id"] == NOBODY
    assert "context.amount" in results[4]["error"]["message"]
    for count, status in ((0, 422), (1001, 422)):
        error_of(await api.http.post("/v1/tasks/bulk", json={"tasks": [good] * count}), status)
