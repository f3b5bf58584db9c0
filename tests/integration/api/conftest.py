"""The API on a database of the test's own, called through HTTP; workers are played by claims and submits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import yaml

from engine.api.app import create_app
from engine.api.services import ApiDeps
from engine.messaging.notify import Notifier
from engine.settings import load_settings
from engine.store import engine_calls
from engine.store.claims import ClaimedStep, FinishedStep, WorkerIdentity, claim, submit
from engine.store.pool import open_pool
from engine.store.workers import register_worker

NAMESPACE = "test"
HANDLER = "handlers.Anything"


def step(name: str, *parents: str, **fields: Any) -> dict[str, Any]:
    """A step as in YAML."""
    return {"name": name, "handler": {"callable": HANDLER}, "dependencies": list(parents)} | fields


LINEAR = [step("one"), step("two", "one"), step("three", "two"), step("four", "three")]


def template(
    name: str, steps: Sequence[dict[str, Any]] = LINEAR, version: str = "1.0.0", **fields: Any
) -> dict[str, Any]:
    """A template as in YAML, by default with `identity_strategy: always_unique`."""
    ours = {"name": name, "namespace_name": NAMESPACE, "version": version, "steps": list(steps)}
    return {"identity_strategy": "always_unique"} | ours | fields


class PlayedWorker:
    """A worker that does what the test says."""

    def __init__(self, pool: Any, namespace: str = NAMESPACE) -> None:
        self.pool = pool
        self.identity = WorkerIdentity(uuid4(), [namespace], [HANDLER], timedelta(seconds=30))
        self.execution_ms = 12

    async def register(self) -> None:
        """Be known to the engine."""
        async with self.pool.acquire() as conn:
            await register_worker(
                conn, self.identity.worker_uuid, name="played", hostname="here", pid=1, version="1",
                namespaces=self.identity.namespaces, handlers=[HANDLER], slots=10,
            )  # fmt: skip

    async def claim(self, limit: int = 100) -> list[ClaimedStep]:
        """Take what is ready."""
        async with self.pool.acquire() as conn:
            return await claim(conn, self.identity, uuid4(), limit)

    async def finish(
        self,
        claimed: ClaimedStep,
        result: Any = None,
        *,
        error: dict[str, Any] | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """End a step: as a success with a result, or with an error."""
        told = error or details
        finished = FinishedStep(
            claimed.step_uuid, claimed.claim_no, error is None,
            json.dumps({} if result is None else result) if error is None else None,
            None if told is None else json.dumps(told), self.execution_ms,
        )  # fmt: skip
        async with self.pool.acquire() as conn:
            await submit(conn, self.identity, uuid4(), [finished], keep=0, claim=0)
        await engine_calls.process_results(self.pool, "engine:test")

    async def run(self, **results: Any) -> int:
        """Run all that is ready, with these results by the steps' names, until nothing is; says how many."""
        count = 0
        while claimed := await self.claim():
            for one in claimed:
                count += 1
                outcome = results.get(one.name, {"step": one.name})
                if isinstance(outcome, Failure):
                    await self.finish(one, error=outcome.details)
                else:
                    await self.finish(one, outcome)
        return count


class Failure:
    """As a step's result: it fails so."""

    def __init__(self, message: str = "it broke", **details: Any) -> None:
        self.details = {"error_type": "handler_error", "message": message, "retryable": False} | details


class World:
    """One engine's API, its pool, and a worker."""

    def __init__(self, pool: Any, http: httpx.AsyncClient, app: Any) -> None:
        self.pool = pool
        self.http = http
        self.app = app
        self.namespace = NAMESPACE
        self.worker = PlayedWorker(pool)

    async def register(self, *templates: dict[str, Any], **query: Any) -> list[httpx.Response]:
        """Register templates through the API."""
        answers = []
        for one in templates:
            body = yaml.safe_dump(one, sort_keys=False)
            headers = {"content-type": "application/yaml"}
            answers.append(await self.http.post("/v1/templates", content=body, headers=headers, params=query))
        return answers

    async def create(self, name: str = "linear", **fields: Any) -> dict[str, Any]:
        """Create a task; returns the answer's object."""
        response = await self.post({"name": name, "namespace": self.namespace} | fields)
        assert response.status_code == 201, response.text
        return response.json()

    async def post(self, body: Any, path: str = "/v1/tasks") -> httpx.Response:
        """Send JSON."""
        return await self.http.post(path, json=body)

    async def get(self, path: str, **query: Any) -> Any:
        """Get JSON that is there."""
        response = await self.http.get(path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    async def task(self, uuid: str | UUID) -> dict[str, Any]:
        """A task as it stands."""
        return await self.get(f"/v1/tasks/{uuid}")

    async def steps(self, uuid: str | UUID) -> dict[str, dict[str, Any]]:
        """A task's steps by name."""
        return {one["name"]: one for one in await self.get(f"/v1/tasks/{uuid}/workflow_steps")}


@asynccontextmanager
async def world_on(
    dsn: str, *, backpressure: dict[str, int] | None = None, **server: Any
) -> AsyncIterator[World]:
    """An engine's API on a database; `server` and `backpressure` are settings of those sections."""
    settings = load_settings(
        environment="test", database={"url": dsn}, server=server, backpressure=backpressure or {}
    )
    pool = await open_pool(dsn, min_size=1, max_size=8)
    notifier = Notifier(pool)
    app = create_app(ApiDeps(pool, settings, notifier))
    transport = httpx.ASGITransport(app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as http:
            yield World(pool, http, app)
    finally:
        await app.state.services.hub.close()
        await notifier.close()
        await pool.close()


@pytest.fixture
async def world(database: str) -> AsyncIterator[World]:
    """An engine's API with the template `linear` of four steps."""
    async with world_on(database) as made:
        await made.register(template("linear"))
        yield made


def code_of(response: httpx.Response) -> str:
    """The code of an error; fails unless it comes in the envelope."""
    body = response.json()
    assert set(body) == {"error"}, body
    assert body["error"]["message"], body
    return str(body["error"]["code"])
