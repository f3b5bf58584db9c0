"""The hot statements find their rows by index, however many there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from engine.store.claims import claim, heartbeat, submit
from tasker_tui.bench.history import seed_finished_tasks
from tests.gates.plans import explained, scans_of, walks_all
from tests.gates.running import a_worker, connected, create, register_bench, succeeded

BIG = {"tasks", "steps", "transitions", "step_attempts", "ready_steps", "leases"}
FINISHED = 25_000
WAITING = 2_000
BATCH = 50

Call = Callable[[], Awaitable[object]]


@pytest.fixture(scope="module")
async def crowded_database(gate_server):
    """100,000 finished steps and 2,000 ready ones."""
    async with gate_server.new_database() as dsn, connected(dsn) as conn:
        revision = await register_bench(conn, "linear_async")
        await seed_finished_tasks(conn, revision, FINISHED)
        await create(conn, revision, WAITING)
        yield dsn


async def test_hot_functions_use_their_indexes(crowded_database):
    worker = a_worker()
    async with connected(crowded_database) as conn, explained(conn) as plans:
        revision = await register_bench(conn, "linear_async")
        await create(conn, revision, BATCH)
        held = await claim(conn, worker, uuid4(), BATCH)
        running = [step.step_uuid for step in held], [step.claim_no for step in held]
        await heartbeat(
            conn, worker, busy=BATCH, stuck=0, state="running", steps=running[0], claims=running[1]
        )
        for _ in range(4):
            results = [succeeded(step) for step in held]
            held = (await submit(conn, worker, uuid4(), results, keep=BATCH, claim=10)).held
    scans = scans_of(plans, BIG)
    assert {node["Relation Name"].split("_2")[0] for node in scans} >= BIG - {"transitions"}
    assert [node for node in scans if node["Node Type"] == "Seq Scan"] == []
    assert [node for node in scans if walks_all(node)] == []
    # By the task alone, each step of a wide task would read the attempts of all others.
    attempts = [node for node in scans if node["Relation Name"].startswith("step_attempts")]
    assert [node for node in attempts if "step_uuid" not in node["Index Cond"]] == []
