"""`GET /v1/tasks`: filters, pages, counts, and that PostgreSQL answers them from an index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from engine.model.whys import WHY_FILTERS
from engine.model.wire.tasks import TaskListResponse
from engine.store.task_filter import TaskFilter, id_range_of
from engine.store.task_list import PageRequest, list_tasks
from tests.integration.api.conftest import NAMESPACE, Failure, World, code_of, step, template, world_on
from tests.support.postgres import PgServer


def names(page: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in page["tasks"]]


async def make(world: World, count: int, **fields: Any) -> list[str]:
    """Tasks `t0` (the oldest), `t1` …; their uuids."""
    return [(await world.create(reason=f"t{n}", **fields))["task_uuid"] for n in range(count)]


@pytest.mark.scenario(106)
async def test_pages_by_number(world: World) -> None:
    await make(world, 7)
    first = await world.get("/v1/tasks", per_page=3)
    TaskListResponse.model_validate(first)
    assert names(first) == ["t6", "t5", "t4"]
    about = {key: first["pagination"][key] for key in ("page", "per_page", "total_count", "total_pages")}
    assert about == {"page": 1, "per_page": 3, "total_count": 7, "total_pages": 3}
    assert (first["pagination"]["has_next"], first["pagination"]["has_previous"]) == (True, False)
    last = await world.get("/v1/tasks", per_page=3, page=3)
    assert names(last) == ["t0"]
    assert (last["pagination"]["has_next"], last["pagination"]["has_previous"]) == (False, True)
    assert names(await world.get("/v1/tasks", page=4, per_page=3)) == []
    assert all(one["steps"] == [] for one in first["tasks"])


@pytest.mark.scenario(106)
@pytest.mark.parametrize(
    "query",
    [
        {"page": 0}, {"page": "x"}, {"per_page": 0}, {"per_page": 101}, {"limit": 501}, {"before": "x"},
        {"status": "finished"}, {"why": "retry,bored"}, {"since": "yesterday"}, {"count": "maybe"},
        {"correlation_id": "x"}, {"parent_correlation_id": "7"},
        {"before": str(UUID(int=1)), "after": str(UUID(int=1))}, {"page": 2, "before": str(UUID(int=1))},
    ],
)  # fmt: skip
async def test_wrong_parameters_are_refused(world: World, query: dict[str, Any]) -> None:
    response = await world.http.get("/v1/tasks", params=query)
    assert response.status_code == 400
    assert code_of(response) in ("BAD_REQUEST", "INVALID_UUID")


async def test_pages_by_key_go_both_ways(world: World) -> None:
    uuids = await make(world, 6)
    first = await world.get("/v1/tasks", limit=2, count="none")
    assert names(first) == ["t5", "t4"]
    older = await world.get("/v1/tasks", limit=2, before=first["pagination"]["next_cursor"])
    assert names(older) == ["t3", "t2"]
    newer = await world.get("/v1/tasks", limit=2, after=uuids[1])
    assert names(newer) == ["t3", "t2"]
    assert newer["pagination"]["has_previous"]
    assert newer["pagination"]["has_next"]
    oldest = await world.get("/v1/tasks", limit=2, after=str(UUID(int=0)))
    assert names(oldest) == ["t1", "t0"]
    assert oldest["pagination"]["has_previous"]
    assert not oldest["pagination"]["has_next"]
    end = await world.get("/v1/tasks", limit=5, before=uuids[3])
    assert names(end) == ["t2", "t1", "t0"]
    assert not end["pagination"]["has_next"]


async def test_filters(world: World) -> None:
    await world.register(template("other", namespace_name="elsewhere"), template("linear", version="2.0.0"))
    await world.create(reason="a", version="1.0.0", tags=["red"], initiator="ann", source_system="shop")
    await world.create(reason="b", version="2.0.0", tags=["red", "blue"])
    third = await world.create("other", reason="c", namespace="elsewhere", initiator="bob")
    wanted = [
        ({"namespace": NAMESPACE}, ["b", "a"]),
        ({"namespace": "elsewhere"}, ["c"]),
        ({"namespace": "nowhere"}, []),
        ({"template": "linear"}, ["b", "a"]),
        ({"name": "linear", "version": "1.0.0"}, ["a"]),
        ({"tag": "red"}, ["b", "a"]),
        ({"tag": "blue"}, ["b"]),
        ({"initiator": "ann"}, ["a"]),
        ({"source_system": "shop"}, ["a"]),
        ({"q": "THE"}, ["c"]),
        ({"q": third["task_uuid"][:30]}, ["c"]),
        ({"q": third["task_uuid"].upper()}, ["c"]),
        ({"q": "nothing like it"}, []),
        ({"since": third["created_at"]}, ["c"]),
        ({"until": third["created_at"]}, ["b", "a"]),
        ({"since": "2020-01-01T00:00:00", "until": "2021-01-01"}, []),
        ({"q": "linear", "version": "2.0.0"}, ["b"]),
        ({"correlation_id": third["correlation_id"]}, ["c"]),
        ({"parent_correlation_id": third["correlation_id"]}, []),
    ]
    for query, expected in wanted:
        page = await world.get("/v1/tasks", **query)
        assert names(page) == expected, query
        assert page["pagination"]["total_count"] == len(expected), query


async def test_a_beginning_of_an_id_that_is_a_name_too_finds_both_once(world: World) -> None:
    uuid = (await world.create(reason="by id"))["task_uuid"]
    await world.register(template(uuid[:4]))
    await world.create(uuid[:4], reason="by name")
    assert names(await world.get("/v1/tasks", q=uuid[:4])) == ["by name", "by id"]


async def test_every_status_can_be_asked_for(world: World) -> None:
    await world.register(template("single", [step("one")]))
    await world.create("single", reason="done")
    await world.worker.run()
    await world.create("single", reason="failed")
    await world.worker.run(one=Failure())
    await world.create("single", reason="retrying")
    await world.worker.run(one=Failure(retryable=True))
    gone = await world.create("single", reason="cancelled")
    await world.http.delete(f"/v1/tasks/{gone['task_uuid']}")
    await world.create("single", reason="running")
    wanted = {
        "complete": ["done"], "completed": ["done"], "blocked_by_failures": ["failed"], "failed": ["failed"],
        "waiting_for_retry": ["retrying"], "cancelled": ["cancelled"], "steps_in_process": ["running"],
        "active": ["running", "retrying", "failed"], "pending": ["running", "retrying", "failed"],
        "complete,cancelled": ["cancelled", "done"], "error": [], "resolved_manually": [],
        "steps_in_process,complete,cancelled": ["running", "cancelled", "done"],
    }  # fmt: skip
    for status, expected in wanted.items():
        for extra in ({}, {"template": "single"}):
            page = await world.get("/v1/tasks", status=status, **extra)
            assert names(page) == expected, status
            assert page["pagination"]["total_count"] == len(expected), status
    assert names(await world.get("/v1/tasks", status=["complete", "cancelled"])) == ["cancelled", "done"]
    exact = {"pending": [], "waiting_for_retry,complete": ["retrying", "done"], "error": []}
    for state, expected in exact.items():
        assert names(await world.get("/v1/tasks", state=state)) == expected, state
    for wrong in ({"state": "active"}, {"state": "error", "status": "error"}):
        assert (await world.http.get("/v1/tasks", params=wrong)).status_code == 400


async def test_lists_carry_the_counts_of_each_task(world: World) -> None:
    await world.create()
    (first,) = await world.worker.claim()
    await world.worker.finish(first)
    await world.worker.claim()
    (task,) = (await world.get("/v1/tasks"))["tasks"]
    counts = {key: task[f"{key}_steps"] for key in ("total", "pending", "in_progress", "completed", "ready")}
    assert counts == {"total": 4, "pending": 2, "in_progress": 1, "completed": 1, "ready": 0}
    assert task["completion_percentage"] == 25.0
    assert task["execution_status"] == "processing"


async def test_counts_can_be_estimated_or_left_out(world: World) -> None:
    await make(world, 5)
    assert (await world.get("/v1/tasks", count="exact", per_page=2))["pagination"]["total_count"] == 5
    assert (await world.get("/v1/tasks", count="none", per_page=2))["pagination"]["total_count"] == 3
    estimated = (await world.get("/v1/tasks", count="estimate", status="active"))["pagination"]
    assert estimated["total_count"] >= 5


FILL = """
WITH t AS (
    INSERT INTO tasker.tasks (
        task_uuid, template_id, revision_id, state, priority, remaining_sinks, total_steps, context,
        initiator, source_system, reason, tags, correlation_id, parent_correlation_id, created_at, updated_at,
        completed_at, final_state)
    SELECT tasker.uuid7(), CASE WHEN n % 1000 = 0 THEN 2 ELSE 1 END, 1, s.state, 0, 0, 0, '{}', 'i', 's', 'r',
           '{}', tasker.uuid7(), CASE WHEN n % 3000 = 0 THEN lpad('7', 32, '0')::uuid END, now(), now(),
           CASE WHEN s.ended THEN now() END, CASE WHEN s.ended THEN s.state END
    FROM generate_series(1, 100000) n
    CROSS JOIN LATERAL (SELECT (CASE WHEN n % 2000 = 0 THEN 'error' WHEN n % 2000 = 1 THEN 'steps_in_process'
                                     ELSE 'complete' END)::tasker.task_state AS state,
                               n % 2000 <> 1 AS ended) s
    RETURNING task_uuid, state), f AS (
    INSERT INTO tasker.failed_steps (step_uuid, task_uuid, template_id, step, signature, failed_at)
    SELECT tasker.uuid7(), t.task_uuid, 1, 'a', 's', now() FROM t WHERE t.state = 'steps_in_process')
SELECT 1
"""


@pytest.fixture(scope="module")
async def crowd(pg_server: PgServer) -> AsyncIterator[World]:
    """100,000 tasks, nearly all of them complete; rows alone, made for the plans' sake."""
    async with pg_server.new_database() as dsn, world_on(dsn) as world:
        await world.register(template("linear"), template("rare"))
        async with world.pool.acquire() as conn:
            await conn.execute(FILL)
            await conn.execute("VACUUM ANALYZE tasker.tasks")
        yield world


@pytest.mark.parametrize(
    "wanted",
    [
        TaskFilter(),
        TaskFilter(states=frozenset({"error"})),
        TaskFilter(states=frozenset({"steps_in_process"})),
        TaskFilter(states=frozenset({"steps_in_process", "error", "complete"})),
        TaskFilter(template_ids=[2]),
        TaskFilter(template_ids=[1, 2], states=frozenset({"error"})),
        TaskFilter(id_range=id_range_of("0198")),
        TaskFilter(q_template_ids=[2]),
        TaskFilter(parent_correlation_id=UUID(int=7)),
        TaskFilter(whys=frozenset(WHY_FILTERS)),
        TaskFilter(signatures=["s"]),
    ],
    ids=[
        "all",
        "error",
        "active",
        "several",
        "template",
        "template and state",
        "id",
        "name",
        "children",
        "why",
        "signature",
    ],
)
async def test_a_page_out_of_100_000_tasks_reads_few_of_them(crowd: World, wanted: TaskFilter) -> None:
    async with crowd.pool.acquire() as conn:
        await conn.execute("SELECT pg_stat_force_next_flush()")
        before = await _rows_read(conn)
        page = await list_tasks(conn, wanted, PageRequest(25), "none")
        await conn.execute("SELECT pg_stat_force_next_flush()")
        read = await _rows_read(conn) - before
    assert len(page.tasks) == 25 or wanted.id_range
    assert 0 < read < 1_000


async def _rows_read(conn: Any) -> int:
    """Rows of tasks that scans have looked at: all of a sequential scan, the fetched ones of an index."""
    return await conn.fetchval(
        """
        SELECT s.seq_tup_read + (SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i
                                 WHERE i.relid = s.relid)::bigint
        FROM pg_stat_user_tables s WHERE s.relid = 'tasker.tasks'::regclass
        """
    )
