"""Templates through the API."""

from __future__ import annotations

import pytest

from engine.model.wire.tasks import TemplateDetail, TemplateListResponse
from tests.integration.api.conftest import NAMESPACE, World, code_of, step, template

YAML = {"content-type": "application/yaml"}


@pytest.mark.scenario(103)
async def test_templates_are_listed_and_read(world: World) -> None:
    await world.register(
        template("linear", version="1.10.0", description="ten"), template("linear", version="1.9.0"),
        template("other", [step("only")], namespace_name="elsewhere"),
    )  # fmt: skip
    found = await world.get("/v1/templates")
    TemplateListResponse.model_validate(found)
    shown = ("namespace", "name", "version", "step_count")
    assert [tuple(one[key] for key in shown) for one in found["templates"]] == [
        ("elsewhere", "other", "1.0.0", 1), (NAMESPACE, "linear", "1.10.0", 4),
        (NAMESPACE, "linear", "1.9.0", 4), (NAMESPACE, "linear", "1.0.0", 4),
    ]  # fmt: skip
    counts = {one["name"]: one["template_count"] for one in found["namespaces"]}
    assert (counts, found["total_count"]) == ({"elsewhere": 1, NAMESPACE: 3}, 4)
    only = await world.get("/v1/templates", namespace="elsewhere")
    assert [one["name"] for one in only["templates"]] == ["other"]
    newest = await world.get(f"/v1/templates/{NAMESPACE}/linear")
    assert newest == await world.get(f"/v1/templates/{NAMESPACE}/linear/1.10.0")
    TemplateDetail.model_validate(newest)
    assert newest["configuration"]["steps"][1]["dependencies"] == ["one"]
    assert newest["steps"][0] == {
        "name": "one", "description": None, "default_retryable": True, "default_max_attempts": 3,
    }  # fmt: skip


@pytest.mark.scenario(103)
async def test_unknown_templates_are_not_found(world: World) -> None:
    for path in (f"{NAMESPACE}/nobody/1.0.0", f"{NAMESPACE}/linear/9.0.0", "nowhere/linear"):
        response = await world.http.get(f"/v1/templates/{path}")
        assert (response.status_code, code_of(response)) == (404, "NOT_FOUND")
    near = await world.http.get(f"/v1/templates/{NAMESPACE}/linaer")
    assert "linear" in near.json()["error"]["hint"]


@pytest.mark.scenario(145)
async def test_registering_again_is_idempotent_and_other_content_needs_replace(world: World) -> None:
    (again,) = await world.register(template("linear"))
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    changed = template("linear", [step("only")])
    (refused,) = await world.register(changed)
    assert (refused.status_code, code_of(refused)) == (409, "CONFLICT")
    assert (await world.create())["total_steps"] == 4
    (replaced,) = await world.register(changed, replace=True)
    assert (replaced.status_code, replaced.json()["outcome"]) == (200, "replaced")
    assert (await world.create())["total_steps"] == 1
    new = await world.http.post("/v1/templates", json=template("fresh"))
    assert (new.status_code, new.json()["outcome"], new.json()["step_count"]) == (201, "created", 4)


async def test_tasks_keep_the_revision_that_they_were_created_from(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.register(template("linear", [step("only")]), replace=True)
    assert len(await world.steps(uuid)) == 4
    assert await world.worker.run() == 4


@pytest.mark.scenario(144)
@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([step("a", "b"), step("b", "a")], "a → b → a"),
        ([step("a", "c"), step("b", "a"), step("c", "b")], "a → b → c → a"),
        ([step("a", "a")], "depends on itself"),
    ],
    ids=["direct", "indirect", "self"],
)
async def test_cycles_are_refused(world: World, steps: list[dict[str, object]], told: str) -> None:
    (refused,) = await world.register(template("cyclic", steps))
    assert (refused.status_code, code_of(refused)) == (422, "VALIDATION_ERROR")
    assert told in refused.json()["error"]["message"]
    assert (await world.http.get(f"/v1/templates/{NAMESPACE}/cyclic")).status_code == 404


@pytest.mark.scenario(144)
async def test_a_diamond_is_no_cycle(world: World) -> None:
    diamond = [step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")]
    (made,) = await world.register(template("diamond", diamond))
    assert made.status_code == 201


async def test_problems_tell_line_and_column_and_what_to_do(world: World) -> None:
    text = f"name: x\nnamespace_name: {NAMESPACE}\nversion: 1.0.0\nsteps:\n  - name: a\n    handlr: 1\n"
    response = await world.http.post("/v1/templates", content=text, headers=YAML)
    assert response.status_code == 422
    problems = response.json()["error"]["problems"]
    misspelt = next(one for one in problems if "handlr" in one["path"])
    assert (misspelt["line"], misspelt["column"]) == (6, 5)
    assert "handler" in misspelt["hint"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"name: [", "application/yaml", 422),
        (b"", "application/yaml", 422),
        (b"\xff\xfe", "application/yaml", 422),
        (b"name: x", "image/png", 415),
        (b"#" * 9_000_000, "application/yaml", 413),
    ],
)
async def test_what_is_no_template_is_refused(world: World, content: bytes, kind: str, status: int) -> None:
    response = await world.http.post("/v1/templates", content=content, headers={"content-type": kind})
    assert response.status_code == status
    code_of(response)
