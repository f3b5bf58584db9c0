"""Two engines and four workers on one database and one broker, and what each loss costs (reference 10.11).

A test begins with two engines and four workers: what an earlier one has killed is replaced.
"""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.api import ENDED, Api, Json, error_of, json_of, until
from tests.e2e.test_retries import FAILURES, orders
from tests.support.e2e_stack import Process, Stack, running_stack
from tests.support.own_postgres import OwnPostgres, own_postgres

HERE = Path(__file__).parent
ENGINES, WORKERS = 2, 4
BURST = 25
LOAD = 24
LOOKS = 30
SLOW_SECONDS = 0.2
"""Twice as long as waiting for a connection may take without being counted."""
FULL = "e2e_full"
RETRIED = {"fail": "retryable", "attempts": 1, "retry_after": 0.1}


@pytest.fixture(scope="module")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OwnPostgres]:
    """A server of the module's own, which is restarted."""
    async with own_postgres(tmp_path_factory.mktemp("scaled-postgres")) as server:
        yield server


@pytest.fixture(scope="module")
async def stack(postgres: OwnPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The processes, with few connections and slots each."""
    environment = {
        "TASKER_WORKER_TEMPLATES": str(HERE / "templates" / "linear.yaml"),
        "TASKER_WORKER_HANDLERS": str(HERE / "handlers" / "graph.py"),
        "TASKER_DATABASE_POOL_SIZE": "4",
        "TASKER_LEASE_SECONDS": "10",
        "TASKER_WORKER_SLOTS": "6",
        "TASKER_MISSING_HANDLER_GRACE_SECONDS": "60",
    }
    folder = tmp_path_factory.mktemp("scaled")
    async with running_stack(postgres, folder, environment, servers=ENGINES, workers=WORKERS) as stack:
        yield stack


@pytest.fixture
async def engines(stack: Stack) -> AsyncIterator[list[Api]]:
    """The two engines, and with them four workers."""
    await asyncio.gather(
        *(stack.start_server() for _ in range(ENGINES - len(alive(stack.servers)))),
        *(stack.start_worker() for _ in range(WORKERS - len(alive(stack.workers)))),
    )
    async with AsyncExitStack() as opened:
        apis = [Api(server.url) for server in alive(stack.servers)]
        for api in apis:
            await opened.enter_async_context(api.http)
        yield apis


def alive(processes: Sequence[Process]) -> list[Process]:
    """Those that have not ended."""
    return [process for process in processes if process.alive]


async def patient(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Ask until the answer is no 503: too much may wait, and connections that were cut are made anew."""
    answer: httpx.Response = await until(ask, lambda answer: answer.status_code != 503)
    return answer


async def create(api: Api, context: Json | None = None) -> Json:
    """Create a task of four steps, if need be once there is a connection for it."""
    answer = await patient(lambda: api.post("linear", FAILURES, context))
    assert answer.status_code == 201, answer.text
    return json_of(answer)


async def load(api: Api, count: int = LOAD) -> list[Json]:
    """Create tasks of four steps, each step a twentieth of a second."""
    holds = {f"linear_{number}": {"hold": 0.05} for number in range(1, 5)}
    body = {"name": "linear", "namespace": FAILURES, "context": orders(**holds)}
    answer = await patient(lambda: api.http.post("/v1/tasks/bulk", json={"tasks": [body] * count}))
    assert answer.status_code == 200, answer.text
    return [result["task"] for result in answer.json()["results"]]


async def agreed(engines: list[Api], tasks: Sequence[Json]) -> list[Json]:
    """Wait until each task has ended as one engine sees it; the others have to say the same at once."""
    assert len({task["task_uuid"] for task in tasks}) == len(tasks)
    found = []
    for number, task in enumerate(tasks):
        asked, *others = engines[number % len(engines) :] + engines[: number % len(engines)]
        found.append(await asked.until(task, lambda now: now["status"] in ENDED))
        for other in others:
            assert await other.task(task) == found[-1]
            assert await other.steps(task) == await asked.steps(task)
    return found


async def all_complete(engines: list[Api], tasks: Sequence[Json]) -> None:
    """Every task completes, and every engine says so."""
    assert {task["status"] for task in await agreed(engines, tasks)} == {"complete"}


@pytest.mark.scenario(150, 153)
async def test_tasks_that_are_created_at_once_on_both_engines_all_run_once(engines: list[Api]) -> None:
    context = orders(linear_1={"hold": 0.1})
    tasks = await asyncio.gather(*(create(engines[n % 2], context) for n in range(LOAD)))
    await all_complete(engines, tasks)
    ran = set()
    for task in tasks:
        steps = (await engines[0].steps(task)).values()
        assert {step["attempts"] for step in steps} == {1}
        ran |= {step["results"]["metadata"]["worker_id"] for step in steps}
    assert len(ran) > 1


@pytest.mark.scenario(151)
async def test_a_burst_on_one_engine_waits_for_connections_and_loses_nothing(
    stack: Stack, engines: list[Api]
) -> None:
    burst = engines[0]
    first = await create(burst)
    await all_complete(engines, [first])
    slow = (await pool(burst))["slow_acquires"]
    async with stack.locked("tasks"):  # who has a connection keeps it
        creations = [asyncio.create_task(create(burst)) for _ in range(BURST)]
        reads = [asyncio.create_task(burst.task(first)) for _ in range(BURST)]
        await until(lambda: pool(burst), lambda now: now["active_connections"] == now["max_connections"])
        answered, _ = await asyncio.wait(reads, timeout=SLOW_SECONDS)
        assert not answered
    assert {read["status"] for read in await asyncio.gather(*reads)} == {"complete"}
    await all_complete(engines, await asyncio.gather(*creations))
    assert (await pool(burst))["slow_acquires"] > slow
    await asyncio.gather(*(eased(api) for api in engines))


async def pool(api: Api) -> Json:
    """What an engine says of its connections, also when it has none for that question."""
    found: Json = (await health(api))["info"]["pool_utilization"]["tasker_pool"]
    return found


async def health(api: Api) -> Json:
    """What an engine says of itself, be it healthy or not."""
    return json_of(await api.http.get("/health/detailed"))


async def eased(api: Api) -> None:
    """Wait until an engine has connections to spare."""
    await until(lambda: health(api), lambda now: now["checks"]["pool_utilization"]["status"] == "healthy")


@pytest.mark.scenario(152, 155)
async def test_in_three_rounds_each_task_goes_to_the_next_engine(engines: list[Api]) -> None:
    tasks = []
    for number in range(3 * ENGINES):
        tasks.append(await create(engines[number % ENGINES]))
        # Whoever did not create it knows it already.
        seen = await engines[(number + 1) % ENGINES].task(tasks[-1])
        assert (seen["task_uuid"], seen["created_at"]) == (tasks[-1]["task_uuid"], tasks[-1]["created_at"])
    await all_complete(engines, tasks)


@pytest.mark.scenario(154)
async def test_after_operations_on_both_at_once_the_engines_agree(engines: list[Api]) -> None:
    contexts = [orders(linear_2={"hold": 600 if n % 3 == 0 else 0.3}, linear_3=RETRIED) for n in range(12)]
    tasks = await asyncio.gather(*(create(engines[n % 2], contexts[n]) for n in range(12)))
    answers = await asyncio.gather(*(engines[(n + 1) % 2].cancel(tasks[n]) for n in range(0, 12, 3)))
    assert {answer.status_code for answer in answers} == {200}
    states = [task["status"] for task in await agreed(engines, tasks)]
    assert states == ["cancelled", "complete", "complete"] * 4


@pytest.mark.scenario(159)
async def test_a_worker_that_is_killed_in_a_step_costs_a_lease(stack: Stack, engines: list[Api]) -> None:
    held = orders(linear_2={"hold": 600, "hold_attempts": 1})
    task = await create(engines[0], held)
    step = await engines[1].step_in(task, "linear_2", "in_progress")
    others = await load(engines[1])
    ids = {await worker_id(engines[0], worker): worker for worker in alive(stack.workers)}
    ids[step["worker_uuid"]].kill()
    # That a lease is waited for is seen elsewhere; these are long, for workers that are slow and not lost.
    await stack.execute(
        f"UPDATE tasker.leases SET expires_at = tasker.now() WHERE worker_uuid = '{step['worker_uuid']}'"
    )
    await all_complete(engines, [task, *others])
    done = (await engines[0].steps(task))["linear_2"]
    assert done["attempts"] == 2
    lost = (await engines[0].audit(done))[-1]
    assert (lost["worker_uuid"], lost["result"]["error"]["error_type"]) == (
        step["worker_uuid"],
        "worker_lost",
    )
    assert done["results"]["metadata"]["worker_id"] in ids.keys() - {step["worker_uuid"]}


async def worker_id(api: Api, worker: Process) -> str:
    """The uuid of a worker, as its own port tells it."""
    return str((await api.http.get(f"{worker.url}/health")).json()["worker_id"])


@pytest.mark.scenario(160)
async def test_an_engine_that_is_killed_while_steps_run_is_not_missed(
    stack: Stack, engines: list[Api], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    held = orders(linear_1={"hold": str(gate)}, linear_2=RETRIED)
    tasks = [await create(engines[0], held) for _ in range(4)]
    await asyncio.gather(*(engines[0].step_in(task, "linear_1", "in_progress") for task in tasks))
    alive(stack.servers)[0].kill()
    gate.touch()
    # Results, retries and the ends of the tasks are the other's now.
    await all_complete(engines[1:], tasks)
    for task in tasks:
        attempts = [step["attempts"] for step in (await engines[1].steps(task)).values()]
        assert attempts == [1, 2, 1, 1]


@pytest.mark.scenario(161)
async def test_an_engine_that_is_killed_around_a_transition_leaves_the_task_whole(
    stack: Stack, engines: list[Api]
) -> None:
    # An engine looks for results whether there are some or not: it lives until it has looked often.
    points = ("create.after", f"process.before:{LOOKS}")
    creating, evaluating = await asyncio.gather(
        *(stack.start_server({"TASKER_CRASH_AT": point}) for point in points)
    )
    only = {"name": "only", "handler": {"callable": "e2e.step"}}
    await engines[0].register(
        {"name": "once", "namespace_name": FAILURES, "version": "1.0.0", "steps": [only]}
    )
    api, context = Api(creating.url), {"run": str(uuid.uuid4())}
    async with api.http:
        with pytest.raises(httpx.TransportError):
            await api.post("once", FAILURES, context)
    # Who got no answer asks again elsewhere, and is told of the task that there is.
    again = error_of(await engines[0].post("once", FAILURES, context), 409)
    tasks = [await create(engines[1], orders(linear_1=RETRIED))]
    while evaluating.alive and len(tasks) < LOOKS:
        tasks.append(await create(engines[1], orders(linear_1=RETRIED)))
        await engines[1].until(tasks[-1], lambda now: now["steps"][0]["attempts"] > 0)
    assert [await one.ended() for one in (creating, evaluating)] == [-signal.SIGKILL] * 2
    await all_complete(engines, [{"task_uuid": again["existing_task_uuid"]}, *tasks])
    for task in tasks:
        assert [step["attempts"] for step in (await engines[1].steps(task)).values()] == [2, 1, 1, 1]


@pytest.mark.scenario(162)
async def test_a_step_whose_message_and_wake_up_are_lost_is_found_by_looking(
    stack: Stack, engines: list[Api]
) -> None:
    await engines[0].http.post(f"/v1/namespaces/{FAILURES}/pause", json={})
    tasks = [await create(engine) for engine in engines]
    # What the end of a pause does, but for telling anybody. A broker elsewhere has never had their messages.
    await stack.execute(
        "DELETE FROM tasker.pauses",
        "SELECT pgmq.purge_queue(queue_name) FROM tasker.namespaces "
        f"WHERE name = '{FAILURES}' AND queue_name IS NOT NULL",
        "UPDATE tasker.ready_steps "
        "SET holds = 0, published_at = CASE WHEN message_id IS NULL THEN tasker.now() END",
    )
    await all_complete(engines, tasks)


@pytest.mark.scenario(164)
async def test_a_full_queue_refuses_new_tasks_until_a_worker_serves_it(
    stack: Stack, engines: list[Api]
) -> None:
    tiers = {"WARNING": "5", "CRITICAL": "10", "OVERFLOW": "20"}
    bounded = await stack.start_server({f"TASKER_BACKPRESSURE_QUEUE_{name}": n for name, n in tiers.items()})
    only = {"name": "only", "handler": {"callable": "e2e.step"}}
    fields = {"version": "1.0.0", "identity_strategy": "always_unique", "steps": [only]}
    await engines[0].register({"name": "full", "namespace_name": FULL, **fields})
    api, accepted = Api(bounded.url), []
    async with api.http:

        async def answered(wanted: Callable[[httpx.Response], bool]) -> None:
            """Create until the answer is a wanted one; what is created is in `accepted`."""

            async def ask() -> httpx.Response:
                answer = await api.post("full", FULL)
                accepted.extend([answer.json()] if answer.status_code == 201 else [])
                return answer

            await until(ask, wanted)

        await answered(is_full)
        accepted.append(await create(api))  # for a namespace that is served
        worker = await stack.start_worker({"TASKER_WORKER_NAMESPACES": FULL})
        await answered(lambda answer: answer.status_code == 201)
        await all_complete(engines, accepted)
        listed = await engines[0].get("/v1/tasks", namespace=FULL)
        assert listed["pagination"]["total_count"] == len(accepted) - 1
    assert [await worker.stop(), await bounded.stop()] == [0, 0]


def is_full(answer: httpx.Response) -> bool:
    """Whether a creation was refused for what waits in its queue, and not for want of a connection."""
    if answer.status_code == 201:
        return False
    error = error_of(answer, 503)
    return error["code"] == "BACKPRESSURE" and answer.headers["retry-after"] in ("30", "60")


@pytest.mark.scenario(163)
async def test_a_database_that_is_restarted_opens_the_breaker_and_all_goes_on(
    stack: Stack, engines: list[Api], postgres: OwnPostgres
) -> None:
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    tasks = await load(engines[0])
    await stack.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
    tasks += await load(engines[1])
    await postgres.stop()

    async def created() -> httpx.Response:
        return await engines[0].post("linear", FAILURES)

    refused = await until(created, code_is("CIRCUIT_BREAKER_OPEN"))
    error = error_of(refused, 503)
    assert refused.headers["retry-after"] == str(error["retry_after_seconds"])

    async def ready() -> tuple[int, str]:
        answer = await engines[0].http.get("/health/ready")
        return answer.status_code, answer.json()["info"]["circuit_breaker_state"]

    await until(ready, lambda now: now == (503, "open"))
    assert (await engines[0].http.get("/health/live")).status_code == 200
    await postgres.start()
    again = await until(created, lambda answer: answer.status_code == 201)
    await all_complete(engines, [*tasks, again.json()])


def code_is(code: str) -> Callable[[httpx.Response], bool]:
    """Whether an answer is this error."""

    def check(answer: httpx.Response) -> bool:
        assert answer.status_code == 503, answer.text
        return bool(answer.json()["error"]["code"] == code)

    return check


@pytest.mark.scenario(165)
async def test_what_is_stopped_in_order_ends_its_steps_and_loses_nothing(
    stack: Stack, engines: list[Api], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    tasks = [
        await create(engines[0], orders(linear_1={"hold": str(gate)})),
        *await load(engines[0]),
    ]
    in_hand = await engines[1].step_in(tasks[0], "linear_1", "in_progress")
    workers = {await worker_id(engines[0], worker): worker for worker in alive(stack.workers)}
    holder = workers.pop(in_hand["worker_uuid"])
    stopped = (holder, next(iter(workers.values())), alive(stack.servers)[0])
    codes = await asyncio.gather(*(one.stop() for one in stopped), asyncio.to_thread(gate.touch))
    assert codes == [0, 0, 0, None]
    ended = (await engines[1].steps(tasks[0]))["linear_1"]
    assert (ended["current_state"], ended["results"]["metadata"]["worker_id"]) == (
        "complete",
        in_hand["worker_uuid"],
    )
    await all_complete(engines[1:], tasks)
    for task in tasks:
        assert {step["attempts"] for step in (await engines[1].steps(task)).values()} == {1}
