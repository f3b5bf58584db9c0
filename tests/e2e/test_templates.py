"""Templates and the API's own description (reference 10.7, rows 103 and 113)."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from tests.e2e.api import Api, Json, error_of

NAMESPACE = "e2e_templates"


def template(version: str = "1.0.0", *, description: str = "Two steps.", namespace: str = NAMESPACE) -> Json:
    """A small template."""
    return {
        "name": "small",
        "namespace_name": namespace,
        "version": version,
        "description": description,
        "steps": [
            {"name": "one", "description": "First", "handler": {"callable": "e2e.step"}},
            {
                "name": "two",
                "dependencies": ["one"],
                "handler": {"callable": "e2e.step"},
                "retry": {"retryable": False, "max_attempts": 7},
            },
        ],
    }


@pytest.mark.scenario(103)
async def test_templates_are_listed_by_namespace(api: Api) -> None:
    everything = await api.get("/v1/templates")
    namespaces = {one["name"]: one["template_count"] for one in everything["namespaces"]}
    bundled = len(list(files("workers.examples").joinpath("templates").iterdir()))
    assert namespaces["example"] == bundled
    assert namespaces["e2e_business"] == 2
    assert everything["total_count"] == len(everything["templates"]) == sum(namespaces.values())
    listed = await api.get("/v1/templates", namespace="example")
    assert {one["namespace"] for one in listed["templates"]} == {"example"}
    assert listed["total_count"] == bundled
    steps = {one["name"]: one["step_count"] for one in listed["templates"]}
    assert (steps["linear_workflow"], steps["tree_workflow"], steps["mixed_dag_workflow"]) == (4, 8, 7)
    nothing = await api.get("/v1/templates", namespace="no_such_namespace")
    assert (nothing["templates"], nothing["namespaces"], nothing["total_count"]) == ([], [], 0)


@pytest.mark.scenario(103)
async def test_a_template_is_read_as_it_was_registered(api: Api) -> None:
    source = template()
    registered = await api.register(source)
    found = await api.get(f"/v1/templates/{NAMESPACE}/small/1.0.0")
    assert found["configuration"] == source
    assert (found["name"], found["namespace"], found["version"]) == ("small", NAMESPACE, "1.0.0")
    assert found["description"] == "Two steps."
    assert found["content_hash"] == registered["content_hash"]
    assert found["steps"] == [
        {"name": "one", "description": "First", "default_retryable": True, "default_max_attempts": 3},
        {"name": "two", "description": None, "default_retryable": False, "default_max_attempts": 7},
    ]


@pytest.mark.scenario(103)
@pytest.mark.parametrize(
    "path",
    ["example/linear_workflow/9.9.9", "example/lineer_workflow/1.0.0", "nowhere/linear_workflow/1.0.0"],
)
async def test_an_unknown_template_is_not_found(api: Api, path: str) -> None:
    error = error_of(await api.http.get(f"/v1/templates/{path}"), 404)
    assert error["code"] == "NOT_FOUND"
    assert path.split("/")[1] in error["message"]


async def test_a_version_does_not_change_its_content(api: Api) -> None:
    namespace = f"{NAMESPACE}_versions"
    first = await api.register(template(namespace=namespace))
    again = await api.register(template(namespace=namespace))
    assert (first["outcome"], again["outcome"]) == ("created", "unchanged")
    assert again["revision_id"] == first["revision_id"]

    changed = template(namespace=namespace, description="Otherwise")
    error = error_of(await api.http.post("/v1/templates", json=changed), 409)
    assert "replace=true" in error["hint"]
    before = await api.create("small", namespace, {"n": 1})
    replaced = await api.register(changed, replace=True)
    assert replaced["outcome"] == "replaced"
    assert (await api.get(f"/v1/templates/{namespace}/small"))["description"] == "Otherwise"
    # The task keeps the revision that it was created from.
    assert (await api.task(before))["total_steps"] == 2

    await api.register(template("1.10.0", namespace=namespace))
    await api.register(template("1.9.0", namespace=namespace))
    newest = await api.create("small", namespace, {"n": 2})
    asked_for = await api.create("small", namespace, {"n": 2}, version="1.9.0")
    assert (newest["version"], asked_for["version"]) == ("1.10.0", "1.9.0")


BAD_TEMPLATE = """\
name: bad
namespace_name: e2e_templates
version: 1.0.0
steps:
  - name: a
    dependencies: [c]
    handler: {callable: e2e.step}
  - name: b
    dependencies: [a]
    handler: {callable: e2e.step}
  - name: c
    dependencies: [b, nowhere]
    handler: {callable: e2e.step, methd: call}
"""


async def test_a_bad_template_is_told_with_lines(api: Api) -> None:
    answer = await api.http.post("/v1/templates", content=BAD_TEMPLATE)
    problems = error_of(answer, 422)["problems"]
    assert all(problem["line"] for problem in problems)
    said = " ".join(problem["message"] for problem in problems)
    assert "nowhere" in said
    assert "a → b → c → a" in said
    assert 13 in {problem["line"] for problem in problems}  # the misspelt `method`
    error_of(await api.post("bad", NAMESPACE), 404)


@pytest.mark.scenario(113)
async def test_the_openapi_document_describes_every_route(api: Api) -> None:
    answer = await api.http.get("/api-docs/openapi.json")
    assert answer.status_code == 200
    document = json.loads(answer.text)
    assert document["openapi"].startswith("3.")
    documented = {(method, path) for path, methods in document["paths"].items() for method in methods}
    step = "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}"
    assert documented >= {
        ("post", "/v1/tasks"), ("get", "/v1/tasks"), ("post", "/v1/tasks/bulk"),
        ("get", "/v1/tasks/{task_uuid}"), ("delete", "/v1/tasks/{task_uuid}"),
        ("get", "/v1/tasks/{task_uuid}/transitions"), ("get", "/v1/tasks/{task_uuid}/workflow_steps"),
        ("get", step), ("patch", step), ("get", f"{step}/audit"), ("get", f"{step}/logs"),
        ("get", "/v1/templates"), ("post", "/v1/templates"),
        ("get", "/v1/templates/{namespace}/{name}/{version}"), ("get", "/v1/workers"),
        ("get", "/v1/events/stream"), ("get", "/health"), ("get", "/health/live"), ("get", "/health/ready"),
        ("get", "/health/detailed"), ("get", "/metrics"), ("get", "/config"),
    }  # fmt: skip
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary") or operation.get("description"), f"{method} {path}"
            assert operation["responses"], f"{method} {path}"


@pytest.mark.scenario(113)
async def test_every_reference_of_the_document_leads_somewhere(api: Api) -> None:
    text = (await api.http.get("/api-docs/openapi.json")).text
    schemas = json.loads(text)["components"]["schemas"]
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= set(schemas)
    assert {"TaskResponse", "StepDetail", "TaskRequest", "ErrorBody", "BulkCreateResponse"} <= set(schemas)


@pytest.mark.scenario(113)
async def test_the_document_has_security_schemes(api: Api) -> None:
    schemes = (await api.get("/api-docs/openapi.json"))["components"]["securitySchemes"]
    kinds = {(scheme["type"], scheme.get("scheme"), scheme.get("name")) for scheme in schemes.values()}
    assert kinds == {("http", "bearer", None), ("apiKey", None, "X-API-Key")}


@pytest.mark.scenario(113)
async def test_the_document_has_a_page(api: Api) -> None:
    page = await api.http.get("/api-docs/ui")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "/api-docs/openapi.json" in page.text
