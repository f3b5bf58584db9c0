"""While too much waits or the database fails, the API refuses new tasks, says why, and loses nothing."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.client import TaskerClient
from engine.store.migrate import migrate
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.postgres import EmbeddedPostgres
from tests.integration.api.conftest import NAMESPACE, World, code_of, step, template, world_on
from tests.support.served import served, tasker
from tests.support.waiting import until

LINEAR = {"name": "linear", "namespace": NAMESPACE}
TIERS = {"queue_warning": 1, "queue_critical": 3, "queue_overflow": 5}


def looked(world: World) -> Any:
    """Have the engine look at what waits, as it does every second."""
    return world.app.state.services.pressure.look()


def refused(response: httpx.Response, code: str) -> str:
    """The message of a 503; fails unless it says the same of when to try again everywhere."""
    assert (response.status_code, code_of(response)) == (503, code), response.text
    error = response.json()["error"]
    assert response.headers["retry-after"] == str(error["retry_after_seconds"])
    assert f"try again in {error['retry_after_seconds']} s" in error["hint"]
    return error["message"]


async def metric(world: World, name: str, label: str = "") -> float:
    """One sample."""
    text = (await world.http.get("/metrics")).text
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    [found] = [one.value for one in samples if one.name == name and label in ("", *one.labels.values())]
    return found


@pytest.mark.scenario(164)
async def test_a_full_queue_takes_no_new_tasks_until_workers_have_taken_some(database: str) -> None:
    async with world_on(database, backpressure=TIERS) as world:
        await world.register(template("linear"), template("linear", namespace_name="elsewhere"))
        kept = [await world.create() for _ in range(3)]
        assert (await world.get("/health/detailed"))["status"] == "healthy"
        await looked(world)
        message = refused(await world.post(LINEAR), "BACKPRESSURE")
        waiting = f"there are 3 steps of namespace '{NAMESPACE}' that no worker has taken"
        assert message == f"{waiting}; new tasks are not taken in"
        # Everything else goes on: another namespace, reading, operating, health.
        assert (await world.post(LINEAR | {"namespace": "elsewhere"})).status_code == 201
        both = {"tasks": [LINEAR, LINEAR | {"namespace": "elsewhere"}]}
        many = (await world.post(both, "/v1/tasks/bulk")).json()
        assert [one["status"] for one in many["results"]] == [503, 201]
        assert many["results"][0]["error"]["retry_after_seconds"] == 30
        fork = f"/v1/tasks/{kept[0]['task_uuid']}/fork"
        refused(await world.post({}, fork), "BACKPRESSURE")
        assert (await world.post({"dry_run": True}, fork)).status_code == 200
        assert (await world.http.delete(f"/v1/tasks/{kept[0]['task_uuid']}")).status_code == 200
        detailed = await world.get("/health/detailed")
        assert (detailed["status"], detailed["checks"]["queue_depth"]["status"]) == ("degraded", "degraded")
        assert "its tier critical" in detailed["checks"]["queue_depth"]["message"]
        assert (await world.get("/health/ready"))["status"] == "ready"
        assert await metric(world, "tasker_api_requests_rejected_total", "queue") == 3
        assert await metric(world, "tasker_queue_depth_tier", NAMESPACE) == 2
        assert await metric(world, "tasker_backpressure_active") == 1
        await world.worker.run()
        await looked(world)
        assert [(await world.task(one["task_uuid"]))["status"] for one in kept[1:]] == ["complete"] * 2
        await world.create()


@pytest.mark.scenario(164)
async def test_a_queue_that_overflows_says_to_come_back_later_and_the_command_line_says_it_too(
    database: str,
) -> None:
    async with world_on(database, backpressure=TIERS) as world:
        await world.register(template("linear", [step(f"s{number}") for number in range(9)]))
        await world.create()
        await looked(world)
        assert "there are 5 or more steps" in refused(await world.post(LINEAR), "BACKPRESSURE")
        async with served(world.app) as url:
            ended = await tasker(url, "task", "create", "linear", "-n", NAMESPACE)
        assert ended.code == 4
        assert "that no worker has taken; new tasks are not taken in" in ended.err
        assert "hint: nothing was created; try again in 60 s" in ended.err


async def test_a_look_that_finds_no_connection_is_no_failure_of_the_database(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.api.pressure.PROBE_SECONDS", 0.05)
    async with world_on(database, backpressure=TIERS) as world:
        await world.register(template("linear"))
        for _ in range(3):
            await world.create()
        await looked(world)
        refused(await world.post(LINEAR), "BACKPRESSURE")
        async with AsyncExitStack() as busy:
            for _ in range(world.pool.get_max_size()):
                await busy.enter_async_context(world.pool.acquire())
            assert [await looked(world) for _ in range(6)] == [1.0] * 6
        # What waited before is not held against anybody for ever, and the breaker has seen nothing.
        await world.create()
        assert await metric(world, "tasker_circuit_breaker_failures_total", "web") == 0


@pytest.mark.scenario(164)
async def test_the_queue_of_creations_is_bounded(database: str) -> None:
    async with world_on(database, backpressure={"waiting_creations": 20}) as world:
        await world.register(template("linear"))
        async with world.pool.acquire() as conn, conn.transaction():
            await conn.execute("LOCK TABLE tasker.tasks IN EXCLUSIVE MODE")
            posts = [asyncio.create_task(world.post(LINEAR)) for _ in range(40)]
            first, _ = await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
            for one in first:
                message = refused(one.result(), "BACKPRESSURE")
                assert message == "19 new tasks wait to be written; more are not taken in"
        answers = [await one for one in posts]
        assert {one.status_code for one in answers} == {201, 503}
        created = {one.json()["task_uuid"] for one in answers if one.status_code == 201}
        assert len(created) >= 19
        assert {one["task_uuid"] for one in (await world.get("/v1/tasks"))["tasks"]} == created


@pytest.mark.scenario(163)
async def test_a_database_that_is_away_opens_the_breaker_and_its_return_closes_it(tmp_path: Path) -> None:
    with DataFolder(tmp_path) as folder:
        postgres = EmbeddedPostgres(folder)
        dsn = await postgres.start()
        await migrate(dsn)
        async with world_on(dsn) as world:
            await world.register(template("linear"))
            first = await world.create()
            await postgres.stop()
            for _ in range(5):
                await looked(world)
            assert "the database fails again and again" in refused(
                await world.post(LINEAR), "CIRCUIT_BREAKER_OPEN"
            )
            ready = await world.http.get("/health/ready")
            assert ready.status_code == 503
            check = ready.json()["checks"]["circuit_breaker"]
            assert check["status"] == "unhealthy"
            assert re.fullmatch(
                r"web is open, not closed since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", check["message"]
            )
            assert ready.json()["info"]["circuit_breaker_state"] == "open"
            async with served(world.app) as url, TaskerClient(url) as client:
                assert (await client.detailed_health()).status == "unhealthy"
            # Metrics are those of this process while the others cannot be read.
            assert await metric(world, "tasker_circuit_breaker_state", "web") == 2
            assert await metric(world, "tasker_circuit_breaker_rejections_total", "web") == 1
            try:
                await postgres.start()
                for _ in range(2):
                    await looked(world)
                assert (await world.get("/health/ready"))["info"]["circuit_breaker_state"] == "closed"
                await world.create()
                assert (await world.task(first["task_uuid"]))["status"] == "steps_in_process"
            finally:
                await postgres.stop()


@asynccontextmanager
async def deaf(url: str) -> AsyncIterator[socket.socket]:
    """A client of the event stream that asks, and then reads nothing at all."""
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, (host, int(port)))
        request = f"GET /v1/events/stream?scope=transitions HTTP/1.1\r\nHost: {host}\r\n\r\n"
        await loop.sock_sendall(sock, request.encode())
        yield sock


async def test_a_client_of_the_event_stream_that_does_not_read_slows_nobody(world: World) -> None:
    await world.register(template("wide", [step(f"step_{'x' * 60}_{number}") for number in range(200)]))
    hub = world.app.state.services.hub
    many = {"tasks": [{"name": "wide", "namespace": NAMESPACE}] * 10}

    async def watched() -> bool:
        return bool(hub.subscribers == 2)

    async with served(world.app) as url, deaf(url) as sock, TaskerClient(url) as client:
        seen: asyncio.Queue[str] = asyncio.Queue()

        async def follow() -> None:
            async for event in client.follow("transitions", state=["initializing"]):
                for change in getattr(event, "changes", ()):
                    seen.put_nowait(str(change.task_uuid))

        following = asyncio.create_task(follow())
        await until(watched, "two clients follow")
        created = set()
        for _ in range(12):
            answer = (await world.post(many, "/v1/tasks/bulk")).json()
            created |= {one["task"]["task_uuid"] for one in answer["results"]}
        # Whoever reads is told everything, while the other one is owed megabytes and is told to load again.
        async with asyncio.timeout(20):
            while created:
                created.discard(await seen.get())
        following.cancel()
        loop, got = asyncio.get_running_loop(), b""
        async with asyncio.timeout(20):
            while b"event: reset" not in got:
                got = got[-20:] + await loop.sock_recv(sock, 1 << 20)


async def test_what_passes_by_itself_is_a_503_and_may_be_asked_again(world: World) -> None:
    await world.register(template("linear"))
    async with world.pool.acquire() as conn:
        await conn.execute("""
            CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'no space left'; END$$;
            CREATE TRIGGER no_room BEFORE INSERT ON tasker.tasks EXECUTE FUNCTION public.no_room()
        """)
    answer = await world.post(LINEAR)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "no space left" not in answer.text
    async with world.pool.acquire() as conn:
        await conn.execute("DROP TRIGGER no_room ON tasker.tasks")
    await world.create()
