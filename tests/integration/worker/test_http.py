"""The worker's HTTP port (reference 5.2)."""

from __future__ import annotations

import re
import socket
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.model.wire.base import WireModel
from engine.model.wire.details import TemplateRevision
from engine.model.wire.worker import (
    BasicHealthResponse,
    DetailedHealthResponse,
    ReadinessResponse,
    TemplateListResponse,
    TemplateValidationResponse,
)
from tests.support.stack import Stack, WorkerPart
from tests.support.waiting import until
from tests.support.workflows import NAMESPACE, linear, step


def holds(model: type[WireModel], answer: dict[str, Any]) -> None:
    """The answer has every field of the contract's object, in its types."""
    assert set(model.model_fields) <= set(answer)
    model.model_validate(answer)


@pytest.mark.scenario(101, 102)
@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/health", BasicHealthResponse),
        ("/health/live", BasicHealthResponse),
        ("/health/ready", ReadinessResponse),
        ("/health/detailed", DetailedHealthResponse),
    ],
)
async def test_health_answers_the_contracts_objects(
    shared_stack: Stack, worker: WorkerPart, path: str, model: type[WireModel]
) -> None:
    response = await worker.get(path)
    assert response.status_code == 200
    answer = response.json()
    holds(model, answer)
    assert answer["status"] == "healthy"
    assert answer["worker_id"] == worker.uuid
    assert answer["timestamp"].endswith("Z")


@pytest.mark.scenario(101)
async def test_detailed_health_says_what_the_worker_offers(shared_stack: Stack, worker: WorkerPart) -> None:
    await shared_stack.flows.register([step("one", handler="echo"), step("two", handler="not_here")])

    async def offered() -> dict[str, Any] | None:
        health: dict[str, Any] = (await worker.get("/health/detailed")).json()
        return health if "echo" in health["handlers"] else None

    health = await until(offered, "the handler is offered")
    assert health is not None
    assert "not_here" not in health["handlers"]
    assert (health["slots"], health["stuck"], health["problems"]) == (20, [], [])
    assert health["system_info"]["supported_namespaces"] == [NAMESPACE]
    assert health["system_info"]["command_processor_active"] is True


async def metrics(worker: WorkerPart) -> dict[tuple[str, ...], float]:
    """The samples of its page by name and labels."""
    response = await worker.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


@pytest.mark.scenario(101)
async def test_metrics_count_what_the_worker_did(shared_stack: Stack, worker: WorkerPart) -> None:
    flaky = step("flaky", handler="flaky", initialization={"failures": 1})
    tasks = [await shared_stack.flows.run([*linear(3), flaky])]
    await shared_stack.flows.all_complete(tasks)

    async def idle() -> dict[tuple[str, ...], float] | None:
        found = await metrics(worker)
        sent, executed = "tasker_steps_results_submitted_total", "tasker_steps_executions_total"
        all_sent = found[(sent,)] == found[executed, NAMESPACE]
        return found if all_sent and found[("tasker_worker_slots_free",)] == 20 else None

    # It hears of its last commit later than we do.
    samples = await until(idle, "the worker has nothing in hand")
    assert samples is not None
    steps = (await worker.get("/metrics/worker")).json()["steps"][NAMESPACE]
    executed = samples["tasker_steps_executions_total", NAMESPACE]
    succeeded = samples["tasker_steps_successes_total", NAMESPACE]
    failed = samples["tasker_steps_failures_total", NAMESPACE]
    assert (succeeded, failed) == (steps["succeeded"], steps["failed"])
    assert succeeded >= 4
    assert failed >= 1
    assert executed == succeeded + failed == samples["tasker_steps_claimed_total", NAMESPACE]
    assert samples["tasker_steps_retries_total", NAMESPACE] >= 1
    assert samples["tasker_step_execution_duration_seconds_count", NAMESPACE] == executed
    assert samples["tasker_step_execution_duration_seconds_bucket", "+Inf", NAMESPACE] == executed
    assert samples[("tasker_step_claim_duration_seconds_count",)] >= 1
    assert samples[("tasker_worker_slots",)] == 20
    assert samples[("tasker_worker_slots_stuck",)] == 0
    assert samples[("tasker_worker_heartbeat_age_seconds",)] < 10


@pytest.mark.scenario(101)
async def test_templates_are_listed_shown_and_validated(shared_stack: Stack, worker: WorkerPart) -> None:
    await shared_stack.flows.register([step("good"), step("bad", handler="ecco")], "shown")
    listed = (await worker.get("/v1/templates?include_cache_stats=true")).json()
    holds(TemplateListResponse, listed)
    assert listed["template_count"] >= 1
    assert listed["cache_stats"] is not None
    assert (await worker.get("/v1/templates")).json()["cache_stats"] is None

    shown = (await worker.get(f"/v1/templates/{NAMESPACE}/shown/1.0.0")).json()
    holds(TemplateRevision, shown)
    assert [one["name"] for one in shown["steps"]] == ["good", "bad"]

    async with httpx.AsyncClient(base_url=worker.url) as client:
        response = await client.post(f"/v1/templates/{NAMESPACE}/shown/1.0.0/validate")
    holds(TemplateValidationResponse, response.json())
    assert response.json()["valid"] is False
    assert response.json()["step_handlers"] == ["ecco", "echo"]
    (error,) = response.json()["errors"]
    assert error.startswith("step 'bad': no handler named 'ecco'")
    assert "Did you mean 'echo'" in error


@pytest.mark.parametrize("path", [f"/v1/templates/{NAMESPACE}/none/1.0.0", "/nothing/here", "/config"])
async def test_what_is_not_there_is_404_in_the_envelope(
    shared_stack: Stack, worker: WorkerPart, path: str
) -> None:
    response = await worker.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8081"}, 200),
        ({"host": "[::1]:8081"}, 200),
        ({"origin": "http://localhost:3000"}, 200),
        ({"host": "worker.evil.example"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
    ],
)
async def test_pages_of_other_hosts_are_refused(
    shared_stack: Stack, worker: WorkerPart, headers: dict[str, str], status: int
) -> None:
    response = await worker.get("/health", **headers)
    assert response.status_code == status
    if status == 403:
        assert response.json()["error"]["code"] == "FORBIDDEN"


@pytest.mark.scenario(101)
async def test_the_configuration_is_shown_without_secrets(stack: Stack) -> None:
    dsn = stack.dsn.replace("tasker@", "tasker:hunter2@")
    worker = await stack.worker(dsn=dsn, TASKER_SERVER_CONFIG_ENDPOINT="true")
    response = await worker.get("/config")
    assert response.status_code == 200
    assert response.json()["worker"]["slots"] == 10
    assert "hunter2" not in response.text


async def test_a_taken_port_is_said_and_ends_with_2(stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        worker = stack.start_worker(port=port)
        assert await worker.ended() == 2
    assert f"error: port {port} of 127.0.0.1 is taken" in worker.output
    assert "--port" in worker.output
    assert "Traceback" not in worker.output


async def test_what_cannot_be_loaded_shows_with_file_and_line(stack: Stack) -> None:
    """The rest is served all the same; a template of a known version with other content is a conflict."""
    await stack.flows.register([step("one")], "known")
    templates = stack.folder / "templates"
    templates.mkdir()
    (templates / "broken.yaml").write_text(
        "name: broken\nversion: 1.0.0\nsteps:\n  - name: a\n    handlr: b\n"
    )
    (templates / "known.yaml").write_text(
        f"name: known\nnamespace_name: {NAMESPACE}\nversion: 1.0.0\n"
        "steps:\n  - name: two\n    handler: {callable: echo}\n"
    )
    handlers = stack.folder / "handlers"
    handlers.mkdir()
    (handlers / "bad.py").write_text("import nothing_of_this_name\n")
    arguments = ("--templates", str(templates), "--handlers", str(handlers))
    worker = await stack.worker(arguments=arguments)
    health = (await worker.get("/health/detailed")).json()
    assert health["status"] == "degraded"
    problems = "\n".join(health["problems"])
    assert re.search(r"broken\.yaml:\d+: .*handlr", problems)
    assert re.search(r"bad\.py:1\b.*nothing_of_this_name", problems)
    assert f"{NAMESPACE}/known 1.0.0 is registered with other content" in problems


async def test_a_draining_worker_is_not_ready(stack: Stack) -> None:
    await stack.engine()
    worker = await stack.worker()
    await stack.flows.run([step("s1", handler="gate")])
    await stack.has_effect("begin s1 1")
    worker.process.terminate()

    async def not_ready() -> bool:
        return (await worker.get("/health/ready")).status_code == 503

    await until(not_ready, "the worker is not ready")
    assert (await worker.get("/health/live")).status_code == 200
    stack.open_gate("s1")
    assert await worker.ended() == 0
