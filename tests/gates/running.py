"""A worker process and the engine's loops around a gate, and tasks to give them."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from engine.model.templates import Template, load_template, template_from_dict
from engine.orchestration.orchestrator import Orchestrator
from engine.settings import load_settings
from engine.store.claims import ClaimedStep, FinishedStep, WorkerIdentity
from engine.store.pool import Connection, connect, open_pool
from engine.store.registration import register_template
from engine.store.tasks import NewTask, create_many
from tasker_tui.dev.ports import claim_ports
from tests.support.e2e_stack import Process
from tests.support.forks import FORKS

TEMPLATES = Path(__file__).parents[2] / "workers" / "bench" / "templates"
HANDLERS = ["bench.async", "bench.def", "bench.kibibyte"]
PATIENCE = 60.0

_UNFINISHED = """
SELECT EXISTS (SELECT FROM tasker.tasks WHERE task_uuid = ANY ($1) AND completed_at IS NULL)
"""


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection for the length of a `with` block."""
    conn = await connect(dsn)
    try:
        yield conn
    finally:
        await conn.close()


@asynccontextmanager
async def worker_process(dsn: str) -> AsyncIterator[None]:
    """The process `tasker worker` with the bench's templates; it drains in the end."""
    port = claim_ports(0, 0).worker
    environment = {
        **os.environ,
        "TASKER_DATABASE_URL": dsn,
        "TASKER_WORKER_PORT": str(port),
        "TASKER_WORKER_TEMPLATES": json.dumps([str(TEMPLATES)]),
        "TASKER_WORKER_HANDLERS": json.dumps(["workers.bench.handlers"]),
        "TASKER_LOGGING_LEVEL": "warning",
    }
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "worker.log"
        with log.open("wb") as output:
            started = FORKS.start("tasker", ["worker"], cwd=Path.cwd(), env=environment, stdout=output)
        worker = Process("worker", port, log, started)
        try:
            await worker.until_ready()
            yield
            assert await worker.stop() == 0, log.read_text()
        finally:
            worker.kill()


@asynccontextmanager
async def engine_loops(dsn: str) -> AsyncIterator[None]:
    """The engine's loops, in this process."""
    pool = await open_pool(dsn)
    orchestrator = Orchestrator(pool, load_settings(database={"url": dsn}))
    await orchestrator.start()
    try:
        yield
    finally:
        await orchestrator.stop()
        await pool.close()


async def register(conn: Connection, template: Template) -> int:
    """Register a template; returns the revision that its tasks are made from."""
    return (await register_template(conn, template, environment="test", replace=True)).revision_id


async def register_bench(conn: Connection, name: str) -> int:
    """Register one of the bench's templates; returns its revision."""
    return await register(conn, load_template((TEMPLATES / f"{name}.yaml").read_text(), name))


async def create(conn: Connection, revision: int, count: int = 1, *, notify: bool = False) -> list[UUID]:
    """Create tasks as the API does."""
    tasks = [
        NewTask(revision, '{"n": 1}', "gate", "gate", "gate", [], 0, uuid4(), None, None)
        for _ in range(count)
    ]
    return [creation.task_uuid for creation in await create_many(conn, tasks, notify=notify)]


async def until_complete(conn: Connection, tasks: Sequence[UUID]) -> None:
    """Wait for tasks; reading takes no transaction ids and writes no WAL."""
    async with asyncio.timeout(PATIENCE):
        while await conn.fetchval(_UNFINISHED, tasks):  # noqa: ASYNC110 - nobody tells this process
            await asyncio.sleep(0.002)


def a_worker(handlers: Sequence[str] = HANDLERS, namespace: str = "bench") -> WorkerIdentity:
    """Somebody who claims, for gates that call the functions themselves."""
    return WorkerIdentity(uuid4(), [namespace], list(handlers), timedelta(seconds=30))


def succeeded(step: ClaimedStep, result: str = '{"value": 1}') -> FinishedStep:
    """A plain success of a claimed step."""
    return FinishedStep(step.step_uuid, step.claim_no, True, result, None, 1)


def fan_out(width: int) -> Template:
    """One step, `width` beside each other, and one that waits for all."""
    parts = [_fan_step(f"part_{number}", ["begin"]) for number in range(width)]
    end = _fan_step("end", [f"part_{number}" for number in range(width)])
    return template_from_dict(
        {
            "name": f"fan_out_{width}",
            "namespace_name": "bench",
            "version": "1.0.0",
            "identity_strategy": "always_unique",
            "steps": [_fan_step("begin", []), *parts, end],
        }
    )


def _fan_step(name: str, parents: list[str]) -> dict[str, object]:
    return {"name": name, "dependencies": parents, "handler": {"callable": "bench.async"}}
