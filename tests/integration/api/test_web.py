"""Health, metrics, configuration, documentation, and how the API behaves on the web."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.model.wire.health import DetailedHealthResponse, HealthResponse, ReadinessResponse
from engine.store.migrate import migrate
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.postgres import EmbeddedPostgres
from tests.integration.api.conftest import NAMESPACE, Failure, World, code_of, template, world_on
from tests.support.postgres import PgServer


@pytest.mark.scenario(98, 102)
async def test_health(world: World) -> None:
    basic, live = await world.get("/health"), await world.get("/health/live")
    HealthResponse.model_validate(basic)
    assert (basic["status"], live["status"]) == ("healthy", "alive")
    ready = await world.get("/health/ready")
    ReadinessResponse.model_validate(ready)
    assert ready["status"] == "ready"
    await world.create()
    detailed = await world.get("/health/detailed")
    DetailedHealthResponse.model_validate(detailed)
    assert detailed["status"] == "healthy"
    assert {check["status"] for check in detailed["checks"].values()} == {"healthy"}
    assert detailed["checks"]["queue_depth"]["message"] == "1 steps wait for a worker"
    pool = detailed["info"]["pool_utilization"]["tasker_pool"]
    assert pool["max_connections"] == 8
    assert pool["total_acquires"] > 0
    assert detailed["info"]["environment"] == "test"


@pytest.mark.scenario(98)
async def test_without_its_database_the_server_is_alive_and_not_ready(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as folder:
        postgres = EmbeddedPostgres(folder)
        dsn = await postgres.start()
        await migrate(dsn)
        async with world_on(dsn) as world:
            await world.register(template("linear"))
            assert (await world.http.get("/health/ready")).status_code == 200
            await postgres.stop()
            ready = await world.http.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
            assert ready.json()["checks"]["web_database"]["status"] == "unhealthy"
            assert (await world.http.get("/health")).status_code == 200
            detailed = await world.http.get("/health/detailed")
            assert (detailed.status_code, detailed.json()["status"]) == (503, "unhealthy")
            created = await world.post({"name": "linear", "namespace": NAMESPACE})
            assert (created.status_code, code_of(created)) == (503, "SERVICE_UNAVAILABLE")
            assert created.headers["retry-after"] == "1"
            try:
                await postgres.start()
                assert (await world.http.get("/health/ready")).status_code == 200
                await world.create()
            finally:
                await postgres.stop()


@pytest.mark.scenario(99)
async def test_the_configuration_is_shown_without_secrets_and_only_when_asked_for(
    pg_server: PgServer,
) -> None:
    async with pg_server.new_database() as dsn:
        async with world_on(dsn) as world:
            hidden = await world.http.get("/config")
            assert (hidden.status_code, code_of(hidden)) == (404, "NOT_FOUND")
        secret = dsn.replace("//postgres@", "//postgres:s3cret@").replace("//tasker@", "//tasker:s3cret@")
        assert "s3cret" in secret
        async with world_on(secret, config_endpoint=True) as world:
            shown = await world.http.get("/config")
            assert shown.status_code == 200
            assert "s3cret" not in shown.text
            assert {"database", "server", "worker", "logging"} <= set(shown.json())


async def scrape(world: World) -> dict[str, float]:
    """The samples of the system's metrics; `name{template}`, `name{template,le}`."""
    response = await world.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    found = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            shown = ("template", "le", "from_state", "to_state")
            labels = [sample.labels[key] for key in shown if key in sample.labels]
            found[f"{sample.name}{{{','.join(labels)}}}"] = sample.value
    return found


@pytest.mark.scenario(100)
async def test_metrics_count_tasks_steps_and_how_long_they_took(world: World) -> None:
    for _ in range(2):
        await world.create()
        await world.worker.run()
    await world.create()
    await world.worker.run(one=Failure())
    await world.create()
    await world.worker.run(one=Failure(retryable=True, retry_after=3600))
    gone = await world.create()
    await world.http.delete(f"/v1/tasks/{gone['task_uuid']}")
    found = await scrape(world)
    counted = {
        name: found[f"tasker_{name}_total{{linear}}"]
        for name in (
            "tasks_created", "tasks_completed", "tasks_failed", "tasks_cancelled", "steps_executed",
            "steps_succeeded", "steps_failed", "steps_retried",
        )
    }  # fmt: skip
    assert counted == {
        "tasks_created": 5, "tasks_completed": 2, "tasks_failed": 1, "tasks_cancelled": 1,
        "steps_executed": 10, "steps_succeeded": 8, "steps_failed": 2, "steps_retried": 1,
    }  # fmt: skip
    assert found["tasker_task_duration_seconds_count{linear}"] == 2
    assert found["tasker_step_execution_duration_seconds_count{linear}"] == 10
    assert found["tasker_step_execution_duration_seconds_bucket{linear,0.01}"] == 0
    assert found["tasker_step_execution_duration_seconds_bucket{linear,0.025}"] == 10
    assert found["tasker_step_execution_duration_seconds_sum{linear}"] == pytest.approx(0.12)
    again = await scrape(world)
    assert {name: again[name] for name in found if "_http_" not in name and "_pool_" not in name} == {
        name: value for name, value in found.items() if "_http_" not in name and "_pool_" not in name
    }


async def test_counters_are_exact_whoever_counts_and_however_often(world: World, database: str) -> None:
    stop = asyncio.Event()

    async def keep_scraping(one: World) -> None:
        while not stop.is_set():
            await one.http.get("/metrics")

    async with world_on(database) as other:
        scrapers = [asyncio.create_task(keep_scraping(one)) for one in (world, other)]
        for _ in range(8):
            await asyncio.gather(*(world.create() for _ in range(10)))
            await world.worker.run()
        stop.set()
        await asyncio.gather(*scrapers)
        for one in (world, other):
            found = await scrape(one)
            assert found["tasker_tasks_created_total{linear}"] == 80
            assert found["tasker_steps_succeeded_total{linear}"] == 320
    async with world.pool.acquire() as conn:
        logged = await conn.fetchval("SELECT count(*) FROM tasker.transitions WHERE task_path[1] = 'pending'")
        by_minute = await conn.fetchval(
            "SELECT sum(hops) FROM tasker.hops_by_minute WHERE from_state = '' AND minute > '-infinity'"
        )
    assert by_minute == logged == 80


async def test_a_transaction_that_still_runs_delays_counters_and_spoils_none(world: World) -> None:
    await world.create()
    async with world.pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute("SELECT pg_current_xact_id()")
        await world.create()
        during = await scrape(world)
        await transaction.rollback()
    after = await scrape(world)
    assert during["tasker_tasks_created_total{linear}"] == 1
    assert after["tasker_tasks_created_total{linear}"] == 2


async def test_answers_are_timed_by_route(world: World) -> None:
    task = await world.create()
    await world.task(task["task_uuid"])
    text = (await world.http.get("/metrics")).text
    label = 'method="GET",route="/v1/tasks/{task_uuid}",status="200"'
    assert f"tasker_http_request_duration_seconds_count{{{label}}} 1.0" in text
    assert task["task_uuid"] not in text


@pytest.mark.scenario(113)
async def test_every_route_is_documented(world: World) -> None:
    document = await world.get("/api-docs/openapi.json")
    assert document["openapi"].startswith("3.")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    contract = {
        ("POST", "/v1/tasks"), ("GET", "/v1/tasks"), ("POST", "/v1/tasks/bulk"),
        ("GET", "/v1/tasks/{task_uuid}"), ("DELETE", "/v1/tasks/{task_uuid}"),
        ("GET", "/v1/tasks/{task_uuid}/transitions"), ("GET", "/v1/tasks/{task_uuid}/workflow_steps"),
        ("GET", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}"),
        ("PATCH", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}"),
        ("GET", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}/audit"),
        ("GET", "/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}/logs"),
        ("GET", "/v1/templates"), ("POST", "/v1/templates"), ("GET", "/v1/templates/{namespace}/{name}"),
        ("GET", "/v1/templates/{namespace}/{name}/{version}"), ("GET", "/v1/workers"),
        ("GET", "/v1/events/stream"), ("GET", "/health"), ("GET", "/health/live"), ("GET", "/health/ready"),
        ("GET", "/health/detailed"), ("GET", "/metrics"), ("GET", "/config"),
    }  # fmt: skip
    assert contract <= described
    assert {"bearer", "apiKey"} <= set(document["components"]["securitySchemes"])
    schemas = document["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"')))
    assert named <= set(schemas)
    assert {"name", "template_name", "context"} <= set(schemas["TaskRequest"]["properties"])


@pytest.mark.scenario(113)
async def test_the_documentation_page_loads_nothing_from_elsewhere(world: World) -> None:
    page = await world.http.get("/api-docs/ui")
    assert page.status_code == 200
    urls = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert any(url.endswith("swagger-ui-bundle.js") for url in urls)
    for url in urls:
        assert url.startswith("/")
        assert (await world.http.get(url)).status_code == 200
    assert "https://" not in page.text


@pytest.mark.scenario(110)
async def test_unknown_routes_and_methods_come_in_the_envelope(world: World) -> None:
    unknown = await world.http.get("/v1/nothing")
    assert (unknown.status_code, code_of(unknown)) == (404, "NOT_FOUND")
    wrong = await world.http.put("/v1/tasks")
    assert (wrong.status_code, code_of(wrong)) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.scenario(110)
async def test_a_request_that_takes_too_long_ends_with_408(world: World) -> None:
    async with world.pool.acquire() as conn, conn.transaction():
        await conn.execute("LOCK TABLE tasker.tasks")
        response = await world.http.get("/v1/tasks", headers={"X-Request-Timeout": "0.2"})
        assert (response.status_code, code_of(response)) == (408, "TIMEOUT")
    assert (await world.http.get("/v1/tasks")).status_code == 200
    for text in ("soon", "-1", "nan"):
        response = await world.http.get("/health", headers={"X-Request-Timeout": text})
        assert response.status_code == 400


NOBODY = "01a20e8b-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/v1/tasks?q=%00", "NUL"),
        ("/v1/templates/a%00/b/1.0.0", "NUL"),
        ("/v1/statistics?to=0001-01-01T00:00:00", "between the years 1900 and 9000"),
        ("/v1/statistics?from=9999-12-31T23:59:00-12:00", "between the years"),
        ("/v1/failures?since=0001-01-01T00:00:00%2B14:00", "between the years"),
        ("/v1/tasks?until=9999-12-31T23:59:00-12:00", "between the years"),
        (f"/v1/tasks/{NOBODY}/transitions?after={2**63}", "less than or equal to"),
        (f"/v1/tasks/{NOBODY}/logs?after={2**63}", "less than or equal to"),
        (f"/v1/bulk/{NOBODY}/items?after={2**63}", "less than or equal to"),
    ],
)
async def test_what_the_database_can_not_hold_is_refused_by_name(
    world: World, address: str, said: str
) -> None:
    response = await world.http.get(address)
    assert response.status_code == 400
    assert said in response.json()["error"]["message"]


async def test_the_server_has_a_limit_of_its_own(pg_server: PgServer) -> None:
    async with pg_server.new_database() as dsn, world_on(dsn, request_timeout_seconds=0.2) as world:
        async with world.pool.acquire() as conn, conn.transaction():
            await conn.execute("LOCK TABLE tasker.tasks")
            response = await world.http.get("/v1/tasks", headers={"X-Request-Timeout": "60"})
        assert response.status_code == 408


async def test_what_nobody_expected_tells_no_sql_and_can_be_found_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.pool.acquire() as conn:
        await conn.execute("ALTER TABLE tasker.steps RENAME COLUMN priority TO importance")
        try:
            task = await world.http.get("/v1/tasks")
            response = await world.post({"name": "linear", "namespace": NAMESPACE})
        finally:
            await conn.execute("ALTER TABLE tasker.steps RENAME COLUMN importance TO priority")
    assert task.status_code == 200
    assert (response.status_code, code_of(response)) == (500, "DATABASE_ERROR")
    assert "priority" not in response.text
    assert "SELECT" not in response.text.upper().replace("INSERT", "SELECT")
    correlation_id = re.search(r"[0-9a-f-]{36}", response.json()["error"]["message"])
    assert correlation_id is not None
    assert [record for record in caplog.records if getattr(record, "correlation_id", "") == correlation_id[0]]


@pytest.mark.scenario(110)
@pytest.mark.parametrize(
    ("server", "origin", "allowed"),
    [
        ({"host": "0.0.0.0"}, "https://anywhere.example", True),
        ({"host": "0.0.0.0", "cors_origins": ["https://a.example"]}, "https://a.example", True),
        ({"host": "0.0.0.0", "cors_origins": ["https://a.example"]}, "https://b.example", False),
        ({}, "http://localhost:3000", True),
        ({}, "http://[::1]:3000", True),
        ({}, "https://anywhere.example", False),
        ({"cors_origins": ["https://a.example"]}, "https://a.example", True),
    ],
)
async def test_cors(pg_server: PgServer, server: dict[str, Any], origin: str, allowed: bool) -> None:
    async with pg_server.new_database() as dsn, world_on(dsn, **server) as world:
        preflight = await world.http.options(
            "/v1/tasks",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type",
            },
        )
        assert ("access-control-allow-origin" in preflight.headers) == allowed
        assert (preflight.status_code == 200) == allowed
        plain = await world.http.get("/v1/nothing", headers={"Origin": origin})
        assert ("access-control-allow-origin" in plain.headers) == allowed


async def test_on_loopback_foreign_pages_and_rebound_names_are_refused(world: World) -> None:
    foreign = await world.http.get("/v1/tasks", headers={"Origin": "https://evil.example"})
    assert (foreign.status_code, code_of(foreign)) == (403, "FORBIDDEN")
    for host in ("evil.example", "evil.example:8080", "localhost.evil.example", ""):
        rebound = await world.http.get("/v1/tasks", headers={"Host": host})
        assert (rebound.status_code, code_of(rebound)) == (403, "FORBIDDEN"), host
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"):
        assert (await world.http.get("/v1/tasks", headers={"Host": host})).status_code == 200, host
    opaque = await world.http.get("/v1/tasks", headers={"Origin": "null"})
    assert opaque.status_code == 403


async def test_a_configured_origin_is_let_in_by_its_name(pg_server: PgServer) -> None:
    async with pg_server.new_database() as dsn, world_on(dsn, cors_origins=["https://a.example"]) as world:
        headers = {"Origin": "https://a.example", "Host": "a.example"}
        assert (await world.http.get("/v1/tasks", headers=headers)).status_code == 200


def test_no_sql_outside_the_store() -> None:
    words = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b .*\b(FROM|VALUES|SET|WHERE)\b")
    api = Path(__file__).parents[3] / "engine" / "api"
    assert not [path for path in api.rglob("*.py") if words.search(path.read_text())]
