"""A server as its clients see it, and waiting for what it will say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.e2e.rows import Row, row_of

Json = dict[str, Any]

ENDED = ("complete", "error", "cancelled", "resolved_manually")
AT_REST = (*ENDED, "blocked_by_failures")
"""States of a task in which nothing happens any more by itself."""

POLL_SECONDS = 0.015
PATIENCE_SECONDS = 30.0


class Api:
    """One server. Whatever waits gives up with the last answer after 30 s."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=30)

    async def create(self, template: str, namespace: str, context: Json | None = None, **fields: Any) -> Json:
        """Create a task that has to be accepted; its TaskResponse."""
        answer = await self.post(template, namespace, context, **fields)
        assert answer.status_code == 201, answer.text
        return json_of(answer)

    async def post(
        self, template: str, namespace: str, context: Json | None = None, **fields: Any
    ) -> httpx.Response:
        """Try to create a task."""
        body = {"name": template, "namespace": namespace, "context": context or {}, **fields}
        return await self.http.post("/v1/tasks", json=body)

    async def register(self, template: Json | str, **params: Any) -> Json:
        """Register a template, as YAML text or as an object."""
        if isinstance(template, str):
            answer = await self.http.post("/v1/templates", content=template, params=params)
        else:
            answer = await self.http.post("/v1/templates", json=template, params=params)
        assert answer.status_code in (200, 201), answer.text
        return json_of(answer)

    async def get(self, path: str, **params: Any) -> Any:
        """What a path answers with 200."""
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def task(self, task: Json) -> Json:
        """The task as it is now."""
        found: Json = await self.get(f"/v1/tasks/{task['task_uuid']}")
        return found

    async def steps(self, task: Json) -> dict[str, Json]:
        """The task's steps by name, in the order of the answer."""
        steps = await self.get(f"/v1/tasks/{task['task_uuid']}/workflow_steps")
        return {step["name"]: step for step in steps}

    async def audit(self, step: Json) -> list[Json]:
        """The stored results of a step, the newest first."""
        audit: list[Json] = await self.get(f"{_path(step)}/audit")
        return audit

    async def log(self, step: Json) -> list[str]:
        """What a step's handler printed or logged."""
        return [line["message"] for line in (await self.get(f"{_path(step)}/logs"))["lines"]]

    async def patch(self, step: Json, **action: Any) -> httpx.Response:
        """Do something to a step by hand."""
        return await self.http.patch(_path(step), json=action)

    async def reset(self, step: Json) -> Json:
        """Reset a step for retry; it has to be accepted."""
        done = await self.patch(step, action_type="reset_for_retry", reason="it is repaired", reset_by="ada")
        assert done.status_code == 200, done.text
        return json_of(done)

    async def cancel(self, task: Json) -> httpx.Response:
        """Cancel a task."""
        return await self.http.delete(f"/v1/tasks/{task['task_uuid']}")

    async def until(self, task: Json, condition: Callable[[Json], bool]) -> Json:
        """Wait until a task is as wanted."""
        found: Json = await until(lambda: self.task(task), condition)
        return found

    async def rested(self, task: Json) -> Json:
        """Wait until nothing happens to a task any more."""
        return await self.until(task, lambda now: now["status"] in AT_REST)

    async def completed(self, task: Json) -> Json:
        """Wait until a task rests; all of its steps have to be complete."""
        done = await self.rested(task)
        assert_complete(done)
        return done

    async def results(self, task: Json) -> Json:
        """What the handlers returned, by step; for a task whose steps have all succeeded."""
        steps = await self.steps(task)
        assert {step["current_state"] for step in steps.values()} == {"complete"}
        assert all(step["results"]["success"] for step in steps.values())
        return {name: step["results"]["result"] for name, step in steps.items()}

    async def run(self, template: str, namespace: str, context: Json | None = None, **fields: Any) -> Json:
        """Create a task and wait for it to complete; what its handlers returned, by step."""
        task = await self.create(template, namespace, context, **fields)
        await self.completed(task)
        return await self.results(task)

    async def rows(self, task: Json) -> dict[str, Row]:
        """How every step of a resting task stands; both ways to ask have to agree."""
        readiness = {step["name"]: row_of(step) for step in (await self.task(task))["steps"]}
        steps = {name: row_of(step) for name, step in (await self.steps(task)).items()}
        assert readiness == steps
        return steps

    async def step_in(self, task: Json, name: str, state: str) -> Json:
        """Wait until a step is in a state."""

        async def look() -> Json:
            return (await self.steps(task))[name]

        found: Json = await until(look, lambda step: step["current_state"] == state)
        return found


async def until(look: Callable[[], Any], condition: Callable[[Any], bool]) -> Any:
    """Look again and again until what is seen is as wanted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(seen := await look()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS:g} s in vain, the last answer: {seen}"
        await asyncio.sleep(POLL_SECONDS)
    return seen


def assert_complete(task: Json) -> None:
    """A task and all of its steps are done, by every figure of its answer."""
    total = task["total_steps"]
    assert standing(task) == ("complete", "all_complete", "finalize_task", "healthy")
    assert (task["completed_steps"], task["completion_percentage"]) == (total, 100.0)
    assert (task["pending_steps"], task["in_progress_steps"], task["failed_steps"]) == (0, 0, 0)
    assert task["ready_steps"] == 0
    assert task["completed_at"] is not None
    assert {step["current_state"] for step in task["steps"]} == {"complete"}
    assert len(task["steps"]) == total


def standing(task: Json) -> tuple[str, str, str, str]:
    """Status, execution status, recommended action and health of a task."""
    return (task["status"], task["execution_status"], task["recommended_action"], task["health_status"])


BLOCKED = ("blocked_by_failures", "blocked_by_failures", "handle_failures", "blocked")
"""The standing of a task that nothing but a person brings on."""


def error_of(answer: httpx.Response, status: int) -> Json:
    """The `error` of an answer that has to be of this status."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/json"
    body = json_of(answer)
    assert list(body) == ["error"]
    error: Json = body["error"]
    assert isinstance(error["message"], str)
    return error


def sample(text: str, name: str, *labels: str) -> float:
    """The value of the one sample of a metrics page with these labels; 0 if there is none."""
    lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
    found = [line for line in lines if all(label in line for label in labels)]
    assert len(found) <= 1, found
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def json_of(answer: httpx.Response) -> Json:
    """The object that an answer holds."""
    body: Json = answer.json()
    return body


def _path(step: Json) -> str:
    return f"/v1/tasks/{step['task_uuid']}/workflow_steps/{step['step_uuid']}"
