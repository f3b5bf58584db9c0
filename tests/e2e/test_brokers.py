"""The same workflows over PGMQ and over RabbitMQ, side by side, end the same (issue 5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.e2e.api import Api, Json, sample
from tests.e2e.conftest import ENVIRONMENT
from tests.support.e2e_stack import Stack, running_stack
from tests.support.postgres import PgServer
from tests.support.rabbit import SHARED, on_rabbit

WORKFLOWS: list[tuple[str, Json]] = [
    ("linear_workflow", {"even_number": 6}),
    ("diamond_workflow", {"even_number": 6}),
    ("tree_workflow", {"even_number": 6}),
    ("mixed_dag_workflow", {"even_number": 6}),
    ("approval_workflow", {"amount": 100, "requester": "ada", "purpose": "tea"}),
    ("approval_workflow", {"amount": 100_000, "requester": "ada", "purpose": "tea for all"}),
    ("csv_batch_workflow", {}),
    ("checkpoint_workflow", {}),
    ("flaky_workflow", {}),
    ("permanent_failure_workflow", {}),
    ("mixed_failure_workflow", {}),
    ("timeout_workflow", {}),
]
COPIES = 3
BUSY = 100


@pytest.fixture(scope="module")
async def brokers(
    pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Stack, Stack]]:
    """A stack on each broker."""
    rabbit = on_rabbit(await (await SHARED.get()).new_host())
    folders = [tmp_path_factory.mktemp(name) for name in ("pgmq", "rabbitmq")]
    pgmq = {"TASKER_MESSAGING_BACKEND": "pgmq", "PGMQ_DATABASE_URL": ""}
    async with (
        running_stack(pg_server, folders[0], ENVIRONMENT | pgmq) as one,
        running_stack(pg_server, folders[1], ENVIRONMENT | rabbit, workers=2) as other,
    ):
        yield one, other


async def outcome(api: Api, template: str, context: Json) -> tuple[str, dict[str, tuple[str, int]]]:
    """How a task ends: its state, and the state and attempts of each step."""
    task = await api.rested(await api.create(template, "example", context))
    steps = await api.steps(task)
    return task["status"], {name: (step["current_state"], step["attempts"]) for name, step in steps.items()}


@pytest.mark.scenario(148)
async def test_every_kind_of_workflow_ends_the_same_on_both(brokers: tuple[Stack, Stack]) -> None:
    apis = [Api(stack.url) for stack in brokers]
    async with apis[0].http, apis[1].http:
        runs = [[outcome(api, *workflow) for workflow in WORKFLOWS for _ in range(COPIES)] for api in apis]
        pgmq, rabbit = await asyncio.gather(*(asyncio.gather(*of_one) for of_one in runs))
        assert dict(zip(range(len(pgmq)), pgmq, strict=True)) == dict(enumerate(rabbit))
        assert {"complete", "blocked_by_failures"} <= {status for status, _ in rabbit}
        busy = [{"name": "linear_workflow", "namespace": "example", "context": {"even_number": 2}}] * BUSY
        for api in apis:
            answer = await api.http.post("/v1/tasks/bulk", json={"tasks": busy})
            for result in answer.json()["results"]:
                await api.completed(result["task"])


@pytest.mark.scenario(148)
async def test_an_engine_says_which_broker_it_has(brokers: tuple[Stack, Stack]) -> None:
    for stack, name in zip(brokers, ("pgmq", "rabbitmq"), strict=True):
        api = Api(stack.url)
        async with api.http:
            assert (await api.get("/v1/queues"))["broker"] == {
                "name": name,
                "connected": True,
                "problem": None,
            }
            assert (await api.get("/health/detailed"))["status"] == "healthy"
            metrics = (await api.http.get("/metrics")).text
            assert sample(metrics, "tasker_broker_connected", f'broker="{name}"') == 1
            assert (sample(metrics, "tasker_messages_published_total") > 0) is (name == "rabbitmq")
            config = (await api.http.get("/config")).text
            assert "amqp://" not in config or ":********@" in config
