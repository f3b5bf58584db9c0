"""The connection is cut after a commit and before its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.support.proxy import proxy_to
from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.workflows import linear, step

REFUSE_ONE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'not here' USING ERRCODE = 'data_exception';
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON tasker.step_attempts
    FOR EACH ROW WHEN (new.result ->> 'step' = 'refused') EXECUTE FUNCTION refuse();
"""


REFUSE_TWICE = """
    CREATE SEQUENCE refusals;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('refusals') <= 2 THEN
            RAISE EXCEPTION 'not now' USING ERRCODE = '%s';
        END IF;
        RETURN new;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON tasker.step_attempts FOR EACH ROW EXECUTE FUNCTION refuse();
"""

CUT_ALL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'tasker' AND datname = current_database()
"""

PASSING = {
    "disk_full": "53100",
    "out_of_memory": "53200",
    "query_canceled": "57014",
    "lock_not_available": "55P03",
    "read_only": "25006",
}


@pytest.mark.parametrize("code", PASSING.values(), ids=PASSING)
async def test_a_result_is_submitted_until_the_database_takes_it(stack: Stack, code: str) -> None:
    await stack.engine()
    await stack.worker(lease=300.0)
    await stack.flows.conn.execute(REFUSE_TWICE % code)
    task = await stack.flows.run(linear(2))
    await stack.flows.reaches(task, "complete", timeout=10)
    assert stack.effects() == ["s1 1", "s2 1"]
    assert await stack.flows.conn.fetchval("SELECT last_value FROM refusals") == 4


async def test_a_submit_whose_answer_was_lost_gets_the_same_hand_over(stack: Stack) -> None:
    """It goes on at once: the lease is far longer than the test's patience."""
    await stack.engine()
    async with proxy_to(stack.dsn) as proxy:
        worker = await stack.worker(lease=300.0, dsn=proxy.dsn)
        proxy.lose_answer_of("submit_results")
        task = await stack.flows.run(linear(4))
        await stack.flows.reaches(task, "complete")
        assert proxy.lost.is_set()
        assert stack.effects() == ["s1 1", "s2 1", "s3 1", "s4 1"]
        claims = [row["claim_no"] for row in (await stack.flows.steps(task)).values()]
        assert claims == [1, 1, 1, 1]
        assert (await worker.get("/metrics/worker")).json()["results_refused"] == 0


async def test_a_result_that_the_database_refuses_fails_its_step_alone_whatever_is_lost(stack: Stack) -> None:
    await stack.engine()
    await stack.flows.conn.execute(REFUSE_ONE)
    async with proxy_to(stack.dsn) as proxy:
        worker = await stack.worker(lease=300.0, dsn=proxy.dsn)
        task = await stack.flows.run([step("refused", handler="echo"), step("beside", handler="echo")])
        proxy.lose_answer_of("submit_results")
        await stack.flows.reaches(task, "blocked_by_failures")
        assert proxy.lost.is_set()
    assert await stack.flows.states(task) == {"refused": "error", "beside": "complete"}
    [attempt] = await stack.flows.attempts(task, "refused")
    assert "result_not_storable" in attempt["details"]
    assert (await worker.get("/metrics/worker")).json()["results_refused"] == 0


async def test_a_claim_whose_answer_was_lost_costs_one_lease(stack: Stack) -> None:
    await stack.engine()
    async with proxy_to(stack.dsn) as proxy:
        await stack.worker(lease=300.0, dsn=proxy.dsn)
        proxy.lose_answer_of("claim_steps")
        task = await stack.flows.run(linear(2))
        await proxy.lost.wait()
        await stack.flows.end_leases()
        await stack.flows.reaches(task, "complete")
        assert stack.effects() == ["s1 2", "s2 1"]


async def test_a_worker_outlives_the_loss_of_all_its_connections(stack: Stack) -> None:
    await stack.engine()
    await stack.worker()
    revision = await stack.flows.register([step("a"), step("b", "a", handler="echo_sync"), step("c", "b")])
    tasks = []
    for _ in range(5):
        tasks += await stack.flows.create(revision, count=40)
        await stack.flows.conn.execute(CUT_ALL)

        async def some_are_complete(wanted: int = len(tasks) // 2) -> bool:
            query = "SELECT count(*) FROM tasker.tasks WHERE state = 'complete'"
            return bool(await stack.flows.conn.fetchval(query) >= wanted)

        await until(some_are_complete, "half of the tasks are complete")
    await stack.flows.all_complete(tasks)


@asynccontextmanager
async def connections_refused(stack: Stack) -> AsyncIterator[None]:
    """Cut all connections of engine and worker, and let them open none, for the length of a `with` block."""
    name = await stack.flows.conn.fetchval("SELECT quote_ident(current_database())")
    elsewhere = await asyncpg.connect(urlsplit(stack.dsn)._replace(path="/template1").geturl())
    await elsewhere.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await stack.flows.conn.execute(CUT_ALL)
    yield
    await elsewhere.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await elsewhere.close()


async def test_results_are_kept_while_the_database_takes_no_connections(stack: Stack) -> None:
    """As after a failover, where an account may be refused for a while."""
    await stack.engine()
    worker = await stack.worker(lease=300.0)
    task = await stack.flows.run([step("a", handler="gate", initialization={"gate": "open"})])
    await stack.flows.step_reaches(task, "a", "in_progress")
    async with connections_refused(stack):
        stack.open_gate("open")

        async def is_refused() -> bool:
            return "tasker.worker: the database can't answer" in worker.output

        await until(is_refused, "the worker is refused")
    await stack.flows.reaches(task, "complete")
    assert [attempt["claim_no"] for attempt in await stack.flows.attempts(task, "a")] == [1]


async def test_a_worker_that_loses_the_database_while_it_starts_says_so(stack: Stack) -> None:
    async with proxy_to(stack.dsn) as proxy:
        proxy.lose_answer_of("uuid7")
        worker = stack.start_worker(dsn=proxy.dsn)
        assert await worker.ended() == 2
        assert proxy.lost.is_set()
    assert "error: cannot connect to the database " in worker.output
    assert "unexpected" not in worker.output
