"""What `environments` of a template change in a real run (reference 1.4)."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.support.stack import Stack, WorkerPart

HANDLERS = """
from workers import RetryableError, StepContext, step_handler


@step_handler("env.settings")
def settings(context: StepContext) -> dict:
    return {"settings": context.step_config, "max_attempts": context.max_retries}


@step_handler("env.slow")
async def slow(context: StepContext) -> dict:
    return {"told": await context.wait_cancelled(3600)}


@step_handler("env.fails")
def fails() -> dict:
    raise RetryableError("it is down")
"""

TEMPLATE = """
name: everywhere
namespace_name: test
version: 1.0.0
identity_strategy: always_unique
steps:
  - name: settings
    handler:
      callable: env.settings
      initialization: {url: "https://localhost", limits: {rows: 10, pages: 1}}
  - name: slow
    handler: {callable: env.slow}
    retry: {max_attempts: 1}
    timeout_seconds: 3600
  - name: fails
    handler: {callable: env.fails}
    retry: {max_attempts: 5, backoff: none}
environments:
  test:
    steps:
      - name: ALL
        handler: {initialization: {limits: {rows: 20}, all: true}}
        timeout_seconds: 1
      - name: settings
        handler: {initialization: {limits: {pages: 2}}}
        retry: {max_attempts: 7}
      - name: fails
        retry: {max_attempts: 2, backoff: none}
  production:
    steps:
      - name: settings
        handler: {initialization: {url: "https://example.org"}}
      - name: slow
        timeout_seconds: 2
      - name: fails
        retry: {retryable: false}
"""


async def worker_of(stack: Stack, **env: str) -> WorkerPart:
    """A worker that registers the template for its environment."""
    (stack.folder / "everywhere.yaml").write_text(TEMPLATE)
    handlers = stack.folder / "env_handlers.py"
    handlers.write_text(HANDLERS)
    templates = json.dumps([str(stack.folder / "everywhere.yaml")])
    return await stack.worker(handlers=handlers, TASKER_WORKER_TEMPLATES=templates, **env)


async def create(stack: Stack) -> UUID:
    """A task of the template as it is registered now."""
    revision = await stack.flows.conn.fetchval("SELECT revision_id FROM tasker.templates")
    (task,) = await stack.flows.create(revision)
    return task


async def outcome(stack: Stack, task: UUID) -> dict[str, Any]:
    """What the three steps of a finished task say."""
    await stack.flows.reaches(task, "blocked_by_failures")
    steps = await stack.flows.steps(task)
    (slow,) = await stack.flows.attempts(task, "slow")
    return {
        "settings": await stack.flows.result(task, "settings"),
        "slow": slow["message"],
        "attempts": steps["fails"]["attempts"],
    }


TIMED_OUT = "the handler did not return within timeout_seconds ({} s)"
TEST = {
    "settings": {
        "settings": {"url": "https://localhost", "limits": {"rows": 20, "pages": 2}, "all": True},
        "max_attempts": 7,
    },
    "slow": TIMED_OUT.format(1),
    "attempts": 2,
}
PRODUCTION = {
    "settings": {
        "settings": {"url": "https://example.org", "limits": {"rows": 10, "pages": 1}},
        "max_attempts": 3,
    },
    "slow": TIMED_OUT.format(2),
    "attempts": 1,
}


@pytest.mark.scenario(147)
async def test_each_environment_has_its_settings_time_outs_and_retries(stack: Stack) -> None:
    await stack.engine()
    first = await worker_of(stack, TASKER_ENV="test")
    of_test = await create(stack)
    assert await outcome(stack, of_test) == TEST
    still_of_test = await create(stack)
    await stack.flows.step_reaches(still_of_test, "settings", "complete")

    # Who registers last decides for new tasks; those that exist keep what they began with.
    second = await worker_of(stack, TASKER_ENV="production")
    of_production = await create(stack)
    assert await outcome(stack, of_production) == PRODUCTION
    assert await outcome(stack, still_of_test) == TEST

    third = await worker_of(stack, TASKER_ENV="test")
    assert await outcome(stack, await create(stack)) == TEST
    revisions = await stack.flows.conn.fetch(
        "SELECT environment FROM tasker.template_revisions ORDER BY revision_id"
    )
    assert [row["environment"] for row in revisions] == ["test", "production"]
    for worker in (first, second, third):
        assert worker.alive


@pytest.mark.scenario(147)
async def test_the_settings_name_the_environment_too(stack: Stack) -> None:
    settings = stack.folder / "tasker.toml"
    settings.write_text('environment = "production"\n')
    await stack.engine()
    await worker_of(stack, TASKER_ENV="")
    assert await outcome(stack, await create(stack)) == PRODUCTION
