"""Workers that are killed, and work that waits for one (issue 2: a killed worker costs one lease).

The stack has a server and no worker; tests start their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.e2e.api import BLOCKED, Api, Json, standing, until
from tests.e2e.conftest import ENVIRONMENT
from tests.e2e.rows import done, failed
from tests.e2e.test_retries import FAILURES, moment, orders
from tests.support.e2e_stack import Process, Stack, running_stack
from tests.support.postgres import PgServer

SHORT = {"TASKER_LEASE_SECONDS": "2"}
"""For workers that are killed. One that is slow until then may lose a step as well."""


@pytest.fixture(scope="module")
async def stack(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A server without workers."""
    folder = tmp_path_factory.mktemp("lost")
    async with running_stack(pg_server, folder, ENVIRONMENT, workers=0) as stack:
        worker = await stack.start_worker()  # registers the templates
        await worker.stop()
        yield stack


@pytest.fixture(scope="module")
async def api(stack: Stack) -> AsyncIterator[Api]:
    """The server."""
    api = Api(stack.url)
    async with api.http:
        yield api


@pytest.fixture(autouse=True)
async def every_worker_stops(stack: Stack) -> AsyncIterator[None]:
    """Stop those that a test leaves: they would run the steps of the next."""
    yield
    codes = await asyncio.gather(*(worker.stop() for worker in stack.workers if worker.alive))
    assert not any(codes)


@pytest.fixture
async def worker(stack: Stack) -> Process:
    """A worker."""
    return await stack.start_worker()


@pytest.fixture
async def doomed(stack: Stack) -> Process:
    """A worker that a test kills."""
    return await stack.start_worker(SHORT)


async def test_a_step_of_a_killed_worker_is_run_by_the_next(
    stack: Stack, api: Api, doomed: Process, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    task = await api.create("linear", FAILURES, orders(linear_1={"hold": str(gate)}))
    held = await api.step_in(task, "linear_1", "in_progress")
    doomed.kill()
    gate.touch()
    await stack.start_worker()
    await api.completed(task)
    last, *before = await api.audit(held)
    assert await api.rows(task) == {
        "linear_1": done(0, attempts=1 + len(before)),
        "linear_2": done(1),
        "linear_3": done(1),
        "linear_4": done(1),
    }
    assert last["success"] is True
    assert last["worker_uuid"] not in (None, held["worker_uuid"])
    assert before
    for lost in before:
        error = lost["result"]["error"]
        assert (error["error_type"], error["retryable"]) == ("worker_lost", True)
        assert lost["worker_uuid"] == held["worker_uuid"]
    results = await api.results(task)
    assert [one["number"] for one in results.values()] == [2**2, 2**4, 2**8, 2**16]


async def test_the_last_attempt_of_a_killed_worker_was_the_last(api: Api, doomed: Process) -> None:
    step = {"name": "only", "handler": {"callable": "e2e.step"}, "retry": {"max_attempts": 1}}
    await api.register(
        {
            "name": "one_attempt",
            "namespace_name": FAILURES,
            "version": "1.0.0",
            "identity_strategy": "always_unique",
            "steps": [step],
        }
    )
    task = await api.create("one_attempt", FAILURES, orders(only={"hold": 60}))
    await api.step_in(task, "only", "in_progress")
    doomed.kill()
    assert standing(await api.rested(task)) == BLOCKED
    assert await api.rows(task) == {"only": failed(0, attempts=1, of=1)}
    assert (await api.steps(task))["only"]["last_error"]["error_type"] == "worker_lost"


async def test_under_load_a_killed_worker_loses_nothing(stack: Stack, api: Api, doomed: Process) -> None:
    await stack.start_worker()
    body = {"name": "diamond", "namespace": FAILURES, "context": orders(left={"hold": 0.05})}
    answer = await api.http.post("/v1/tasks/bulk", json={"tasks": [body] * 60})
    tasks = [result["task"] for result in answer.json()["results"]]

    async def complete_ones() -> int:
        listed = await api.get("/v1/tasks", namespace=FAILURES, status="complete", template="diamond")
        return int(listed["pagination"]["total_count"])

    await until(complete_ones, lambda count: count >= 1)
    doomed.kill()
    finished = await asyncio.gather(*(api.completed(task) for task in tasks))
    assert len(finished) == 60
    for task in tasks[::6]:
        for step in (await api.steps(task)).values():
            audit = await api.audit(step)
            assert [entry["success"] for entry in audit] == [True, *[False] * (len(audit) - 1)]
            assert len(audit) == step["attempts"]
            lost = [entry["result"]["error"]["error_type"] for entry in audit[1:]]
            assert set(lost) <= {"worker_lost"}


async def test_a_worker_that_is_told_to_stop_finishes_its_steps(
    api: Api, worker: Process, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    task = await api.create("linear", FAILURES, orders(linear_1={"hold": str(gate)}))
    held = (await api.steps(task))["linear_1"]

    async def log() -> list[str]:
        return await api.log(held)

    assert await until(log, bool) == ["holds linear_1"]
    stopping = asyncio.create_task(worker.stop())
    await until(lambda: is_ready(worker), lambda ready: not ready)
    gate.touch()
    assert await stopping == 0
    now = await api.task(task)
    assert [step["current_state"] for step in now["steps"]] == ["complete", "enqueued", "pending", "pending"]
    assert [step["attempts"] for step in now["steps"]] == [1, 0, 0, 0]
    assert len(await api.audit(held)) == 1
    await api.cancel(task)


async def is_ready(worker: Process) -> bool:
    """Whether a worker takes steps."""
    async with httpx.AsyncClient(base_url=worker.url) as client:
        return (await client.get("/health/ready")).status_code == 200


async def test_a_worker_that_is_told_to_stop_keeps_nothing(stack: Stack, api: Api, worker: Process) -> None:
    body = {"name": "tree", "namespace": FAILURES}
    answer = await api.http.post("/v1/tasks/bulk", json={"tasks": [body] * 30})
    tasks = [result["task"] for result in answer.json()["results"]]
    assert await worker.stop() == 0  # in the middle of it, with claims on their way
    listed = await api.get("/v1/tasks", namespace=FAILURES, template="tree", status="active", per_page=100)
    for steps in await asyncio.gather(*(api.steps(task) for task in listed["tasks"])):
        assert {step["current_state"] for step in steps.values()} <= {"complete", "enqueued", "pending"}
    await stack.start_worker()
    for task in tasks:
        await api.completed(task)
        assert {step["attempts"] for step in (await api.steps(task)).values()} == {1}


async def test_higher_priority_comes_first(stack: Stack, api: Api) -> None:
    priorities = [0, -100, 50, 100, -1, 0]
    created = [
        await api.create("success_only", "e2e_numbers", {"message": str(n)}, priority=priority)
        for n, priority in enumerate(priorities)
    ]
    await stack.start_worker({"TASKER_WORKER_SLOTS": "1"})
    await asyncio.gather(*(api.completed(task) for task in created))

    async def began(task: Json) -> datetime:
        return moment((await api.steps(task))["only_step"]["results"]["metadata"]["started_at"])

    times = [await began(task) for task in created]
    ran = [int(priorities[n]) for n in sorted(range(len(times)), key=lambda n: times[n])]
    assert ran == [100, 50, 0, 0, -1, -100]
    assert times[0] < times[5]  # of two equal ones the older
