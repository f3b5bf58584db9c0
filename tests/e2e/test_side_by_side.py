"""Two engines and two workers on one database (issue 2; identity races of row 78, scenario 20's queues)."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.api import Api, Json, error_of
from tests.e2e.conftest import ENVIRONMENT
from tests.e2e.test_business import REFUND_STEPS, refund
from tests.e2e.test_retries import FAILURES, orders
from tests.e2e.test_shapes import began, ended
from tests.support.e2e_stack import Stack, running_stack
from tests.support.postgres import PgServer

TASKS = 100
RACES = 10
RACERS = 8
OPERATIONS_PAGE = "https://ops.example.org"


@pytest.fixture(scope="module")
async def stack(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Two of each, all alike."""
    environment = ENVIRONMENT | {"TASKER_SERVER_CORS_ORIGINS": OPERATIONS_PAGE}
    folder = tmp_path_factory.mktemp("pair")
    async with running_stack(pg_server, folder, environment, servers=2, workers=2) as stack:
        yield stack


@pytest.fixture(scope="module")
async def both(stack: Stack) -> AsyncIterator[tuple[Api, Api]]:
    """The two servers."""
    one, other = (Api(server.url) for server in stack.servers)
    async with one.http, other.http:
        yield one, other


async def test_every_step_runs_once_and_both_engines_say_the_same(both: tuple[Api, Api]) -> None:
    context = [{"even_number": n} for n in range(TASKS)]
    templates = ("linear_workflow", "diamond_workflow")
    bodies = [{"name": templates[n % 2], "namespace": "example", "context": context[n]} for n in range(TASKS)]
    answers = await asyncio.gather(
        both[0].http.post("/v1/tasks/bulk", json={"tasks": bodies[: TASKS // 2]}),
        both[1].http.post("/v1/tasks/bulk", json={"tasks": bodies[TASKS // 2 :]}),
    )
    results = [result for answer in answers for result in answer.json()["results"]]
    assert [result["status"] for result in results] == [201] * TASKS
    created = [result["task"] for result in results]
    assert len({task["task_uuid"] for task in created}) == TASKS

    workers: Counter[str] = Counter()
    for n, task in enumerate(created):
        # Asked of the engine that did not create it.
        asked, created_by = both[n < TASKS // 2], both[n >= TASKS // 2]
        finished = await asked.completed(task)
        assert await created_by.task(task) == finished
        by_uuid = {step["step_uuid"]: step for step in (await asked.steps(task)).values()}
        steps = list(by_uuid.values())
        for step in steps:
            assert all(began(step) >= ended(by_uuid[parent]) for parent in step["parents"])
        assert [step["attempts"] for step in steps] == [1, 1, 1, 1]
        assert steps[-1]["results"]["result"]["result"] == n**16
        workers.update(step["results"]["metadata"]["worker_id"] for step in steps)
    assert workers.total() == 4 * TASKS
    assert len(workers) == 2
    for api in both:
        listed = await api.get("/v1/tasks", namespace="example", per_page=100)
        assert listed["pagination"]["total_count"] == TASKS
        assert len(await api.get("/v1/workers")) == 2


async def test_a_task_is_read_at_once_by_the_other_engine(both: tuple[Api, Api]) -> None:
    task = await both[0].create("success_only", "e2e_numbers", {"message": "hi"})
    assert (await both[1].task(task))["correlation_id"] == task["correlation_id"]
    assert (await both[1].completed(task))["total_steps"] == 1


@pytest.mark.scenario(78, 156)
async def test_equal_creations_racing_on_two_engines_make_one_task(both: tuple[Api, Api]) -> None:
    await both[0].register(
        {
            "name": "raced",
            "namespace_name": "e2e_races",
            "version": "1.0.0",
            "steps": [{"name": "only", "handler": {"callable": "e2e.idle"}}],
        }
    )
    for _ in range(RACES):
        context = {"run": str(uuid.uuid4())}
        answers = await asyncio.gather(
            *(both[n % 2].post("raced", "e2e_races", context) for n in range(RACERS))
        )
        created = [answer.json() for answer in answers if answer.status_code == 201]
        assert len(created) == 1
        refused = [error_of(answer, 409) for answer in answers if answer.status_code != 201]
        assert {(error["code"], error["existing_task_uuid"]) for error in refused} == {
            ("CONFLICT", created[0]["task_uuid"])
        }
        assert len(refused) == RACERS - 1
    assert (await both[1].get("/v1/tasks", namespace="e2e_races"))["pagination"]["total_count"] == RACES


async def test_failures_are_counted_once(both: tuple[Api, Api]) -> None:
    context = orders(left={"fail": "retryable", "attempts": 2}, end={"fail": "exception", "attempts": 1})
    created: list[Json] = await asyncio.gather(
        *(both[n % 2].create("diamond", FAILURES, context) for n in range(20))
    )
    for n, task in enumerate(created):
        await both[n % 2].completed(task)
        attempts = {name: step["attempts"] for name, step in (await both[1 - n % 2].steps(task)).items()}
        assert attempts == {"start": 1, "left": 3, "right": 1, "end": 2}


async def test_of_two_operators_one_is_heard(both: tuple[Api, Api]) -> None:
    context = orders(left={"fail": "permanent", "calls": 1})
    for _ in range(RACES):
        task = await both[0].create("diamond", FAILURES, context)
        await both[0].rested(task)
        step = (await both[0].steps(task))["left"]
        answers = await asyncio.gather(*(_complete(api, step, n) for n, api in enumerate(both)))
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 200]
        await both[0].completed(task)
        results = await both[1].results(task)
        assert results["left"] == {"number": winner + 3}
        assert results["end"]["number"] == ((winner + 3) * 16) ** 2
        assert len(await both[1].audit(step)) == 2


async def _complete(api: Api, step: Json, number: int) -> httpx.Response:
    data = {"result": {"number": number + 3}}
    return await api.patch(
        step,
        action_type="complete_manually",
        completion_data=data,
        reason="race",
        completed_by=f"op-{number}",
    )


@pytest.mark.scenario(110)
async def test_a_page_that_the_settings_name_may_ask(both: tuple[Api, Api]) -> None:
    headers = {"Origin": OPERATIONS_PAGE, "Access-Control-Request-Method": "DELETE"}
    preflight = await both[0].http.options("/v1/tasks", headers=headers)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == OPERATIONS_PAGE
    answer = await both[0].http.get("/v1/tasks", headers={"Origin": OPERATIONS_PAGE})
    assert answer.headers["access-control-allow-origin"] == OPERATIONS_PAGE


@pytest.mark.scenario(20)
async def test_a_namespaces_worker_runs_nothing_of_another(stack: Stack, both: tuple[Api, Api]) -> None:
    for worker in stack.workers:
        assert await worker.stop() == 0
    served: dict[str, str] = {}
    for namespace in REFUND_STEPS:
        started = await stack.start_worker({"TASKER_WORKER_NAMESPACES": namespace})
        served[namespace] = (await both[0].http.get(f"{started.url}/health")).json()["worker_id"]
    done = await asyncio.gather(*(refund(both[0], namespace, "pay-9") for namespace in [*REFUND_STEPS] * 3))
    for task in done:
        ran = {step["results"]["metadata"]["worker_id"] for step in (await both[0].steps(task)).values()}
        assert ran == {served[task["namespace"]]}


async def test_an_engine_that_is_killed_leaves_its_work_to_the_other(
    stack: Stack, both: tuple[Api, Api]
) -> None:
    worker = await stack.start_worker({"TASKER_WORKER_NAMESPACES": FAILURES})
    order = {"fail": "retryable", "attempts": 2, "retry_after": 0.2}
    created = [await both[0].create("linear", FAILURES, orders(linear_2=order)) for _ in range(10)]
    stack.servers[0].kill()
    for task in created:
        await both[1].completed(task)
        assert (await both[1].steps(task))["linear_2"]["attempts"] == 3
    assert await worker.stop() == 0
