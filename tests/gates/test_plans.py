"""The hot statements find their rows by index, however many there are."""

from __future__ import annotations

from uuid import uuid4

import pytest

from engine.store.claims import claim, heartbeat, submit
from tasker_tui.bench.history import seed_finished_tasks
from tests.gates.plans import Node, explained, rows_read, scans_of, told, walks_all
from tests.gates.running import a_worker, connected, create, register_bench, succeeded

BIG = {"tasks", "steps", "transitions", "step_attempts", "ready_steps", "leases"}
CHURNED = ("leases", "ready_steps", "unprocessed_results", "step_retries")
FINISHED = 25_000
WAITING = 2_000
BATCH = 50
CLAIM = 10
MOST_ROWS = 4 * (BATCH + CLAIM)
"""That one scan may read in all its loops: each step that a call is about, its parent, child and task."""


@pytest.fixture
async def crowded_database(gate_server):
    """100,000 finished steps; the statistics know them."""
    async with gate_server.new_database() as dsn, connected(dsn) as conn:
        revision = await register_bench(conn, "linear_async")
        await seed_finished_tasks(conn, revision, FINISHED)
        yield dsn


async def test_hot_functions_use_their_indexes(crowded_database):
    async with connected(crowded_database) as conn:
        revision = await register_bench(conn, "linear_async")
        await create(conn, revision, WAITING)
        await conn.execute("ANALYZE")
    assert_looks_up(await _plans_of_the_hot_path(crowded_database))


async def test_hot_functions_use_their_indexes_when_their_statistics_are_of_an_idle_time(crowded_database):
    async with connected(crowded_database) as conn:
        revision = await register_bench(conn, "linear_async")
        await create(conn, revision, WAITING)
        held = await claim(conn, a_worker(), uuid4(), WAITING)
        while held:
            results = [succeeded(step) for step in held]
            held = (await submit(conn, a_worker(), uuid4(), results, keep=WAITING, claim=0)).held
        # All rows are dead: to the planner there are none, however many pages they fill later.
        for table in CHURNED:
            await conn.execute(f"ANALYZE tasker.{table}")
    assert_looks_up(await _plans_of_the_hot_path(crowded_database))


async def _plans_of_the_hot_path(dsn: str) -> list[Node]:
    """Plans of a session that creates, claims, beats and submits, with work enough behind that."""
    worker = a_worker()
    async with connected(dsn) as conn, explained(conn) as plans:
        revision = await register_bench(conn, "linear_async")
        await create(conn, revision, BATCH)
        async with connected(dsn) as other:
            await create(other, revision, WAITING)
        held = await claim(conn, worker, uuid4(), BATCH)
        steps, claims = [step.step_uuid for step in held], [step.claim_no for step in held]
        await heartbeat(conn, worker, busy=BATCH, stuck=0, state="running", steps=steps, claims=claims)
        for _ in range(4):
            results = [succeeded(step) for step in held]
            held = (await submit(conn, worker, uuid4(), results, keep=BATCH, claim=CLAIM)).held
    return plans


def assert_looks_up(plans: list[Node]) -> None:
    """Every scan of a large table finds its rows by an index, and reads few."""
    scans = scans_of(plans, BIG)
    assert {node["Relation Name"].split("_2")[0] for node in scans} >= BIG - {"transitions"}
    assert told(node for node in scans if node["Node Type"] == "Seq Scan") == ""
    assert told(node for node in scans if walks_all(node)) == ""
    assert told(node for node in scans if rows_read(node) > MOST_ROWS) == ""
    # By the task alone, each step of a wide task would read the attempts of all others.
    attempts = [node for node in scans if node["Relation Name"].startswith("step_attempts")]
    assert told(node for node in attempts if "step_uuid" not in node["Index Cond"]) == ""
