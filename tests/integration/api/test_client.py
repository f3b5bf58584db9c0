"""The typed clients against a server in a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from engine.client import ApiError, ServerUnreachable, SyncTaskerClient, TaskerClient
from engine.model.wire.events import TransitionsEvent
from engine.model.wire.requests import ResetForRetry
from tests.integration.api.conftest import NAMESPACE, template
from tests.support.postgres import PgServer
from tests.support.stack import Part

LISTENS = re.compile(r"engine listens at (http://\S+)")


class Server(Part):
    """`tasker server` and, once it listens, its address."""

    url = ""

    async def listens(self) -> None:
        self.url = (await self.wrote(LISTENS))[1]


def start(dsn: str, folder: Path, port: int = 0) -> Server:
    env = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    env |= {"DATABASE_URL": dsn, "TASKER_ENV": "test"}
    log = folder / f"server-{len(list(folder.iterdir()))}.log"
    return Server("tasker", ["server", "--port", str(port)], env, log)


@asynccontextmanager
async def running(dsn: str, folder: Path, port: int = 0) -> AsyncIterator[Server]:
    server = start(dsn, folder, port)
    try:
        await server.listens()
        yield server
    finally:
        server.kill()


@pytest.fixture
async def server(database: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(database, tmp_path) as one:
        yield one


async def test_everything_a_client_can_do(server: Server) -> None:
    async with TaskerClient(server.url) as client:
        assert (await client.health()).status == "healthy"
        assert (await client.readiness()).status == "ready"
        assert (await client.detailed_health()).info.environment == "test"
        assert (await client.register_template(template("linear"))).outcome == "created"
        assert (await client.get_template(NAMESPACE, "linear")).version == "1.0.0"
        assert (await client.list_templates(NAMESPACE)).total_count == 1
        task = await client.create_task("linear", namespace=NAMESPACE, context={"n": 2**80}, priority=1)
        assert (await client.get_task(task.task_uuid)).context == {"n": 2**80}
        bulk = await client.create_tasks_bulk([{"name": "linear", "namespace": NAMESPACE}, {"name": "?"}])
        assert [one.status for one in bulk.results] == [201, 404]
        listed = await client.list_tasks(template="linear", status=["active"], limit=1, count="exact")
        assert listed.pagination.total_count == 2
        steps = await client.list_steps(task.task_uuid)
        assert [one.name for one in steps] == ["one", "two", "three", "four"]
        assert await client.get_step(task.task_uuid, steps[0].step_uuid) == steps[0]
        assert await client.step_audit(task.task_uuid, steps[0].step_uuid) == []
        assert (await client.step_logs(task.task_uuid, steps[0].step_uuid)).lines == []
        assert (await client.task_transitions(task.task_uuid)).transitions[0].to_state == "steps_in_process"
        assert await client.list_workers() == []
        told = {str(task.task_uuid): "no_worker", str(bulk.results[0].task.task_uuid): "no_worker"}
        whys = await client.why_tasks([*told, uuid4()])
        assert {str(one.task_uuid): one.kind for one in whys} == told
        reset = ResetForRetry(action_type="reset_for_retry", reason="r", reset_by="t")
        with pytest.raises(ApiError) as refused:
            await client.act_on_step(task.task_uuid, steps[0].step_uuid, reset)
        assert (refused.value.status, refused.value.code) == (400, "BAD_REQUEST")
        assert (await client.cancel_task(task.task_uuid, "enough")).status == "cancelled"


async def test_errors_carry_what_the_server_told(server: Server) -> None:
    async with TaskerClient(server.url) as client:
        await client.register_template(template("strict", identity_strategy="strict"))
        first = await client.create_task("strict", namespace=NAMESPACE)
        with pytest.raises(ApiError) as conflict:
            await client.create_task("strict", namespace=NAMESPACE)
        assert conflict.value.details["existing_task_uuid"] == str(first.task_uuid)
        assert conflict.value.hint
        with pytest.raises(ApiError) as missing:
            await client.get_task(uuid4())
        assert (missing.value.status, missing.value.code) == (404, "NOT_FOUND")


@pytest.mark.scenario(78, 81)
async def test_both_clients_open_the_equal_task_or_start_another(server: Server) -> None:
    async with TaskerClient(server.url) as client:
        await client.register_template(template("strict", identity_strategy="strict"))
        await client.register_template(template("by_caller", identity_strategy="caller_provided"))
        for name, key in (("strict", None), ("strict", "k"), ("by_caller", "k")):
            fields: dict[str, Any] = {"namespace": NAMESPACE, "context": {"n": 1}, "idempotency_key": key}
            first = await client.create_task(name, **fields, on_duplicate="open")
            with pytest.raises(ApiError, match="exists"):
                await client.create_task(name, **fields)
            opened = await client.create_task(name, **fields, on_duplicate="open")
            other = await client.create_task(name, **fields, on_duplicate="start")
            assert opened.task_uuid == first.task_uuid != other.task_uuid
            assert other.context == {"n": 1}
            with SyncTaskerClient(base_url=server.url) as sync:
                kept = await asyncio.to_thread(sync.create_task, name, **fields, on_duplicate="open")
                more = await asyncio.to_thread(sync.create_task, name, **fields, on_duplicate="start")
                with pytest.raises(ApiError, match="exists"):
                    await asyncio.to_thread(sync.create_task, name, **fields)
            assert kept.task_uuid == first.task_uuid
            assert more.task_uuid not in (first.task_uuid, other.task_uuid)
        # What is no duplicate is an error whatever one wants to do about duplicates.
        with pytest.raises(ApiError, match="nowhere"):
            await client.create_task("nowhere", on_duplicate="open")


async def test_a_family_is_listed_by_its_correlation(server: Server) -> None:
    async with TaskerClient(server.url) as client:
        await client.register_template(template("linear"))
        parent = await client.create_task("linear", namespace=NAMESPACE)
        children = [
            await client.create_task(
                "linear", namespace=NAMESPACE, parent_correlation_id=str(parent.correlation_id)
            )
            for _ in range(2)
        ]
        await client.create_task("linear", namespace=NAMESPACE)
        found = await client.list_tasks(parent_correlation_id=parent.correlation_id, count="exact")
        assert [one.task_uuid for one in found.tasks] == [one.task_uuid for one in children[::-1]]
        assert found.pagination.total_count == 2
        assert {one.parent_correlation_id for one in found.tasks} == {parent.correlation_id}
        (itself,) = (await client.list_tasks(correlation_id=parent.correlation_id)).tasks
        assert itself.task_uuid == parent.task_uuid


async def test_who_does_not_answer_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with TaskerClient(url, timeout=0.05) as client:
            with pytest.raises(ServerUnreachable, match="in time"):
                await client.health()
    async with TaskerClient(url) as client:
        with pytest.raises(ServerUnreachable) as refused:
            await client.health()
    assert url in str(refused.value)
    assert refused.value.hint


@pytest.mark.scenario(117)
async def test_the_synchronous_client_has_the_names_of_the_sdk(server: Server) -> None:
    def use() -> None:
        with SyncTaskerClient(initiator="me", base_url=server.url) as client:
            client.register_template(template("linear"))
            task = client.create_task("linear", namespace=NAMESPACE, context={"a": 1}, tags=["x"])
            assert (task.initiator, task.tags) == ("me", ["x"])
            uuids = [str(client.create_task("linear", namespace=NAMESPACE).task_uuid) for _ in range(6)]
            assert client.get_task(str(task.task_uuid)) == task
            (reason,) = client.why_tasks([task.task_uuid])
            assert (reason.task_uuid, reason.name, reason.kind) == (task.task_uuid, "one", "no_worker")
            assert reason.step_uuid in [one.step_uuid for one in client.why_task(task.task_uuid)]
            newest = [str(one.task_uuid) for one in client.list_tasks(limit=3, offset=2).tasks]
            assert newest == uuids[::-1][2:5]
            assert len(client.list_tasks(namespace=NAMESPACE, status="pending").tasks) == 7
            steps = client.list_task_steps(str(task.task_uuid))
            assert client.get_step(str(task.task_uuid), str(steps[0].step_uuid)).name == "one"
            assert client.get_step_audit_history(str(task.task_uuid), str(steps[0].step_uuid)) == []
            assert client.cancel_task(str(task.task_uuid))["status"] == "cancelled"
            assert client.health_check().status == "healthy"

    await asyncio.to_thread(use)


async def test_following_goes_on_where_it_was_after_the_server_was_killed(
    database: str, tmp_path: Path
) -> None:
    ids: list[int] = []
    async with running(database, tmp_path) as first:
        port = int(first.url.rpartition(":")[2])
        async with TaskerClient(first.url) as client:
            await client.register_template(template("linear"))
            events = client.follow("transitions")
            assert isinstance(await anext(events), TransitionsEvent)
            await client.create_task("linear", namespace=NAMESPACE)
            while len(ids) < 5:
                ids += [change.id for change in (await anext(events)).changes]  # type: ignore[union-attr]
            first.kill()
            async with running(database, tmp_path, port) as second, TaskerClient(second.url) as other:
                await other.create_task("linear", namespace=NAMESPACE)
                async with asyncio.timeout(20):
                    while len(set(ids)) < 10:
                        event = await anext(events)
                        assert isinstance(event, TransitionsEvent)
                        ids += [change.id for change in event.changes]
            await events.aclose()
    assert len(ids) == len(set(ids)) == 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_server_stops_cleanly_with_clients_on_its_stream(
    server: Server, number: signal.Signals
) -> None:
    async with TaskerClient(server.url) as client:
        events = client.stream("summary")
        await anext(events)
        server.signal(number)
        async with asyncio.timeout(8):
            assert [event async for event in events] == []
            assert await server.ended() == 0


async def test_a_taken_port_is_told_with_exit_code_2(server: Server, tmp_path: Path) -> None:
    second = start("postgresql:///nowhere?host=/nowhere", tmp_path, int(server.url.rpartition(":")[2]))
    assert await second.ended() == 2
    assert "is taken" in second.output
    assert "Traceback" not in second.output


async def test_a_database_that_was_never_migrated_is_told_with_exit_code_2(
    bare_server: PgServer, tmp_path: Path
) -> None:
    async with bare_server.new_database("template0") as dsn:
        one = start(dsn, tmp_path)
        assert await one.ended() == 2
    assert "tasker migrate" in one.output
    assert "Traceback" not in one.output
