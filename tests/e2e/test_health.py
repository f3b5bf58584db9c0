"""Health, settings and metrics of both kinds of process (reference 10.7, rows 98 to 102)."""

from __future__ import annotations

from importlib.metadata import version

import httpx
import pytest

from tests.e2e.api import Api, Json, error_of, sample, until
from tests.support.e2e_stack import SECRET

HEALTH_PATHS = ("/health", "/health/live", "/health/ready", "/health/detailed")
READY_CHECKS = {
    "web_database", "orchestration_database", "circuit_breaker", "orchestration_system", "command_processor",
}  # fmt: skip
DETAILED_CHECKS = READY_CHECKS | {"pool_utilization", "queue_depth", "channel_saturation"}
WORKER_CHECKS = {"database", "command_processor", "queue_processing"}
DETAILED_WORKER_CHECKS = WORKER_CHECKS | {"event_system", "step_processing", "circuit_breakers"}


@pytest.mark.scenario(98)
async def test_the_servers_health(api: Api) -> None:
    assert (await api.get("/health"))["status"] == "healthy"
    assert (await api.get("/health/live"))["status"] == "alive"
    ready = await api.get("/health/ready")
    assert ready["status"] == "ready"
    assert set(ready["checks"]) == READY_CHECKS
    detailed = await api.get("/health/detailed")
    assert detailed["status"] == "healthy"
    assert set(detailed["checks"]) == DETAILED_CHECKS
    for check in (*ready["checks"].values(), *detailed["checks"].values()):
        assert check["status"] == "healthy"
        assert isinstance(check["duration_ms"], int)
    info = detailed["info"]
    assert (info["version"], info["environment"]) == (version("tasker"), "development")
    assert info["pool_utilization"]["tasker_pool"]["max_connections"] == info["web_database_pool_size"]


@pytest.mark.scenario(99)
async def test_the_settings_are_shown_without_secrets(api: Api) -> None:
    answer = await api.http.get("/config")
    assert answer.status_code == 200
    assert SECRET not in answer.text
    settings = answer.json()
    assert {"database", "server", "worker", "logging", "environment"} <= set(settings)
    assert "tasker:********@" in settings["database"]["url"]
    assert settings["missing_handler_grace_seconds"] == 0.5


FAMILIES = {
    "tasker_tasks_created": "counter", "tasker_tasks_completed": "counter", "tasker_tasks_failed": "counter",
    "tasker_steps_executed": "counter", "tasker_steps_succeeded": "counter", "tasker_steps_failed": "counter",
    "tasker_steps_retried": "counter", "tasker_task_duration_seconds": "histogram",
    "tasker_step_execution_duration_seconds": "histogram",
}  # fmt: skip


@pytest.mark.scenario(100)
async def test_the_servers_metrics_count_what_happened(api: Api) -> None:
    labels = ('namespace="e2e_failures"', 'template="counted"')
    step = {"name": "only", "handler": {"callable": "e2e.step"}, "retry": {"backoff_base_ms": 5}}
    template = {
        "name": "counted",
        "namespace_name": "e2e_failures",
        "version": "1.0.0",
        "identity_strategy": "always_unique",
        "steps": [step],
    }
    await api.register(template)
    for order in ({}, {"fail": "retryable", "attempts": 2}, {"fail": "permanent"}):
        await api.rested(await api.create("counted", "e2e_failures", {"steps": {"only": order}}))

    async def look() -> str:
        answer = await api.http.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text

    text = await until(look, lambda text: sample(text, "tasker_tasks_failed_total", *labels) == 1)
    for family, kind in FAMILIES.items():
        assert f"# TYPE {family}" in text
        assert f"# HELP {family}" in text
        assert f"{family}{'_total' if kind == 'counter' else ''} {kind}" in text
    counted = {
        name: sample(text, f"tasker_{name}_total", *labels)
        for name in (
            "tasks_created", "tasks_completed", "tasks_failed", "tasks_cancelled",
            "steps_executed", "steps_succeeded", "steps_failed", "steps_retried",
        )
    }  # fmt: skip
    assert counted == {
        "tasks_created": 3, "tasks_completed": 2, "tasks_failed": 1, "tasks_cancelled": 0,
        "steps_executed": 5, "steps_succeeded": 2, "steps_failed": 3, "steps_retried": 2,
    }  # fmt: skip
    assert sample(text, "tasker_task_duration_seconds_count", *labels) == 2
    assert sample(text, "tasker_step_execution_duration_seconds_count", *labels) == 5


@pytest.mark.scenario(101)
async def test_the_workers_health(worker: httpx.AsyncClient) -> None:
    basic, live, ready, detailed = [(await worker.get(path)).json() for path in HEALTH_PATHS]
    assert {one["worker_id"] for one in (basic, live, ready, detailed)} == {basic["worker_id"]}
    assert (basic["status"], ready["status"]) == ("healthy", "healthy")
    assert set(ready["checks"]) == WORKER_CHECKS
    assert set(detailed["checks"]) == DETAILED_WORKER_CHECKS
    assert all("last_checked" in check for check in detailed["checks"].values())
    info = detailed["system_info"]
    assert (info["version"], info["worker_type"]) == (version("tasker"), "python")
    assert {"example", "payments", "customer_success"} <= set(info["supported_namespaces"])
    assert info["command_processor_active"] is True
    assert detailed["distributed_cache"] is None


@pytest.mark.scenario(101)
async def test_the_server_knows_its_workers(api: Api, worker: httpx.AsyncClient) -> None:
    known: list[Json] = await api.get("/v1/workers", namespace="payments")
    worker_id = (await worker.get("/health")).json()["worker_id"]
    [mine] = [one for one in known if one["worker_uuid"] == worker_id]
    assert mine["state"] == "running"
    assert {"e2e.step", "e2e.refunds.step", "example.linear.square_input"} <= set(mine["handlers"])
    assert "e2e.nobody_wrote_this" not in mine["handlers"]
    assert mine["slots"] > mine["busy"] >= 0


@pytest.mark.scenario(101)
async def test_the_workers_settings_and_metrics(api: Api, worker: httpx.AsyncClient) -> None:
    before = (await worker.get("/metrics")).text
    await api.run("linear_workflow", "example")
    answer = await worker.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    label = 'namespace="example"'
    for name in ("claimed", "executions", "successes"):
        counter = f"tasker_steps_{name}_total"
        assert sample(answer.text, counter, label) - sample(before, counter, label) == 4
    assert (await worker.get("/metrics/worker")).json()["steps"]["example"]["failed"] >= 0
    settings = await worker.get("/config")
    assert settings.status_code == 200
    assert SECRET not in settings.text


@pytest.mark.scenario(101)
async def test_the_workers_templates(worker: httpx.AsyncClient) -> None:
    listed = (await worker.get("/v1/templates")).json()
    assert listed["template_count"] >= 20
    assert "e2e_business" in listed["supported_namespaces"]
    detail = await worker.get("/v1/templates/example/linear_workflow/1.0.0")
    assert detail.status_code == 200
    assert (await worker.get("/v1/templates/example/nothing/1.0.0")).status_code == 404
    valid = (await worker.post("/v1/templates/example/linear_workflow/1.0.0/validate")).json()
    assert (valid["valid"], valid["errors"]) == (True, [])
    assert "example.linear.square_input" in valid["step_handlers"]
    missing = (await worker.post("/v1/templates/e2e_failures/missing_handler/1.0.0/validate")).json()
    assert missing["valid"] is False
    assert any("e2e.nobody_wrote_this" in error for error in missing["errors"])


@pytest.mark.scenario(102)
async def test_both_services_have_the_same_paths(api: Api, worker: httpx.AsyncClient) -> None:
    for path in HEALTH_PATHS:
        server, other = await api.http.get(path), await worker.get(path)
        assert (server.status_code, other.status_code) == (200, 200)
        assert {"status", "timestamp"} <= set(server.json()) & set(other.json())
    error_of(await api.http.get("/health/nothing"), 404)
    error_of(await worker.get("/health/nothing"), 404)
