"""Batches: what an analyzer makes, how many run at once, what a failure means (reference 8.1)."""

from __future__ import annotations

import json
from signal import SIGKILL
from typing import Any

import pytest

from tests.integration.outcomes.driver import Run
from tests.support import workflows

NO_BATCHES = {"batch_processing_outcome": {"type": "no_batches"}}


def batches(count: int, worker: str = "work", first: int = 1) -> dict[str, Any]:
    cursors = [
        {"batch_id": f"{n:03}", "start_cursor": (n - 1) * 10, "end_cursor": n * 10, "batch_size": 10}
        for n in range(first, first + count)
    ]
    outcome = {"type": "create_batches", "worker_template_name": worker, "worker_count": count}
    return {
        "batch_processing_outcome": outcome | {"cursor_configs": cursors, "total_items": 10 * count},
        "batch_metadata": {"file": "a.csv"},
    }


def flow(**config: Any) -> list[dict[str, Any]]:
    return [
        {"name": "analyze", "type": "batchable"},
        {
            "name": "work",
            "type": "batch_worker",
            "dependencies": ["analyze"],
            "batch_config": {"worker_template": "work", **config},
        },
        {"name": "gather", "type": "deferred_convergence", "dependencies": ["work"]},
        {"name": "report", "dependencies": ["gather"]},
    ]


async def analyzed(conn: Any, outcome: dict[str, Any], **config: Any) -> Run:
    run = await Run.of(conn, flow(**config))
    await run.submit((await run.claim())[0], outcome)
    return run


@pytest.mark.scenario(39, 41, 44)
@pytest.mark.parametrize("count", [1, 5, 12])
async def test_an_analyzer_makes_workers_and_what_converges_on_them(conn, count):
    run = await analyzed(conn, batches(count), parallelism=100)
    workers = {f"work_{n:03}" for n in range(1, count + 1)}
    assert set(await run.states()) == {"analyze", "gather", "report", *workers}
    assert await run.parents("gather") == workers
    assert await run.parents("work_001") == {"analyze"}
    step = next(step for step in await run.claim() if step["name"] == "work_001")
    inputs = json.loads(step["inputs"])
    assert inputs["cursor"] == {"batch_id": "001", "start_cursor": 0, "end_cursor": 10, "batch_size": 10}
    assert inputs["batch_metadata"] == {"file": "a.csv"}
    assert (inputs["batch_index"], inputs["total_batches"], inputs["is_no_op"]) == (0, count, False)


@pytest.mark.scenario(38, 40, 42)
async def test_no_batches_leaves_one_placeholder(conn):
    run = await analyzed(conn, NO_BATCHES)
    (worker,) = await run.claim()
    assert worker["name"] == "work_000"
    assert json.loads(worker["inputs"])["is_no_op"] is True
    await run.submit(worker, {})
    await run.to_the_end({})
    assert run.order == ["analyze", "work_000", "gather", "report"]
    assert await run.state() == "complete"


async def test_the_convergence_gets_the_results_of_all_workers(conn):
    run = await analyzed(conn, batches(3), parallelism=3)
    for step in await run.claim():
        await run.submit(step, {"did": step["name"]})
    (gather,) = await run.claim()
    assert json.loads(gather["dependencies"]) == {f"work_{n:03}": {"did": f"work_{n:03}"} for n in (1, 2, 3)}


async def test_no_more_workers_run_at_once_than_the_batch_allows(conn):
    run = await analyzed(conn, batches(7), parallelism=3)
    running = await run.claim()
    assert [step["name"] for step in running] == ["work_001", "work_002", "work_003"]
    assert await run.claim() == []
    await run.submit(running[1], {})
    assert [step["name"] for step in await run.claim()] == ["work_004"]
    for step in (running[0], running[2]):
        await run.submit(step, {})
    assert {step["name"] for step in await run.claim()} == {"work_005", "work_006"}


async def test_a_worker_that_had_to_wait_long_can_be_claimed_as_soon_as_it_may_run(conn):
    run = await analyzed(conn, batches(3), parallelism=1)
    for name in ("work_001", "work_002", "work_003"):
        (step,) = await run.claim()
        assert step["name"] == name
        # Meanwhile an engine notes that the lane has nothing that became ready so long ago.
        await conn.execute("SET tasker.clock_offset = '10 s'")
        await conn.execute("SELECT tasker.sweep_lanes()")
        await run.submit(step, {})


async def test_a_batch_that_continues_takes_a_failed_worker_for_done(conn):
    run = await analyzed(conn, batches(3), parallelism=3, failure_strategy="continue_on_failure")
    for step in await run.claim():
        await run.submit(step, {"n": 1}, success=step["name"] != "work_002")
    (gather,) = await run.claim()
    assert json.loads(gather["dependencies"])["work_002"]["batch_failed"] is True
    await run.submit(gather, {})
    await run.to_the_end({})
    assert await run.state() == "complete"


async def test_a_batch_that_fails_fast_starts_nothing_more_until_the_worker_is_reset(conn):
    run = await analyzed(conn, batches(5), parallelism=2, failure_strategy="fail_fast")
    first, second = await run.claim()
    await run.submit(first, {}, success=False)
    await run.submit(second, {})
    assert await run.claim() == []
    assert await run.state() == "blocked_by_failures"
    assert await run.conn.fetch("SELECT * FROM tasker.invariant_violations()") == []
    await run.conn.fetch("SELECT * FROM tasker.reset_steps($1, 'ana', 'fixed')", [first["step_uuid"]])
    assert await run.state() == "steps_in_process"
    await run.to_the_end({})
    assert await run.state() == "complete"


async def test_an_isolated_failure_lets_the_others_go_on_and_holds_the_convergence(conn):
    run = await analyzed(conn, batches(4), parallelism=2, failure_strategy="isolate")
    first, _second = claimed = await run.claim()
    for step in claimed:
        await run.submit(step, {}, success=step is not first)
    await run.to_the_end({})
    states = await run.states()
    assert states["work_001"] == "error"
    assert [states[f"work_{n:03}"] for n in (2, 3, 4)] == ["complete"] * 3
    assert states["gather"] == "pending"
    assert await run.state() == "blocked_by_failures"


@pytest.mark.parametrize(
    ("outcome", "named"),
    [
        ({"rows": 3}, "returned no batch_processing_outcome"),
        (batches(2, worker="nobody"), "asks for workers 'nobody'"),
        (batches(2, worker="gather"), "no step of type batch_worker"),
    ],
)
async def test_a_wrong_outcome_fails_the_analyzer_for_good(conn, outcome, named):
    run = await analyzed(conn, outcome)
    assert await run.states() == {"analyze": "error"}
    details = json.loads(await conn.fetchval("SELECT details FROM tasker.step_attempts WHERE NOT success"))
    assert named in details["message"]


async def test_thousands_of_workers_come_in_one_transaction(conn):
    run = await analyzed(conn, batches(3_000), parallelism=50)
    steps = await run.steps()
    assert len(steps) == 3_003
    assert steps["gather"]["remaining_parents"] == 3_000
    assert len(await run.claim(200)) == 50


def batch_behind_a_decision() -> list[dict[str, Any]]:
    """A decision between a batch and a plain step, and what converges on both."""
    return [
        {"name": "decide", "type": "decision", "dependencies": ["start"]},
        {"name": "start"},
        {"name": "analyze", "type": "batchable", "dependencies": ["decide"]},
        {**flow(parallelism=5)[1]},
        {"name": "skip", "dependencies": ["decide"]},
        {"name": "end", "type": "deferred_convergence", "dependencies": ["work", "skip"]},
    ]


async def test_a_decision_can_lead_to_a_batch(conn):
    run = await Run.of(conn, batch_behind_a_decision())
    route = {"decision_point_outcome": {"type": "create_steps", "step_names": ["analyze"]}}
    await run.to_the_end({"decide": route, "analyze": batches(3)})
    assert run.order[:3] == ["start", "decide", "analyze"]
    assert run.order[-1] == "end"
    assert await run.parents("end") == {"work_001", "work_002", "work_003"}
    assert await run.state() == "complete"


@pytest.mark.scenario(53)
async def test_an_analyzers_result_that_is_processed_again_creates_nothing(conn):
    run = await analyzed(conn, batches(4), parallelism=4)
    before = await run.steps()
    claim = before["analyze"]["claim_no"]
    # A message that came twice, and an engine that got to the same result after another one had.
    for _ in range(2):
        await conn.execute(
            "INSERT INTO tasker.unprocessed_results (task_uuid, step_uuid, claim_no) VALUES ($1, $2, $3)",
            run.task_uuid, before["analyze"]["step_uuid"], claim,
        )  # fmt: skip
        assert (await conn.fetchrow("SELECT * FROM tasker.process_results(100, 'engine')"))["taken"] == 1
    after = await run.steps()
    assert {name: row["parents"] for name, row in after.items()} == {
        name: row["parents"] for name, row in before.items()
    }
    assert {name: row["state"] for name, row in after.items()} == {
        name: row["state"] for name, row in before.items()
    }
    await run.to_the_end({})
    assert await run.state() == "complete"


@pytest.mark.scenario(53)
@pytest.mark.parametrize("point", ["process.before", "process.after"])
async def test_an_engine_that_dies_over_a_batch_leaves_no_half_of_it(stack, point):
    steps = [
        {**workflows.step("analyze", handler="give"), "type": "batchable"},
        {
            **workflows.step("work", "analyze", handler="echo"),
            "type": "batch_worker",
            "batch_config": {"worker_template": "work", "parallelism": 3},
        },
        {**workflows.step("gather", "work", handler="echo"), "type": "deferred_convergence"},
    ]
    steps[0]["handler"]["initialization"] = {"give": batches(7)}
    await stack.worker()
    task = await stack.flows.run(steps)
    await stack.flows.step_reaches(task, "analyze", "enqueued_for_orchestration")
    doomed = stack.start_engine(TASKER_CRASH_AT=point)
    assert await doomed.ended() == -SIGKILL
    made = set(await stack.flows.steps(task))
    assert len(made) == (1 if point == "process.before" else 9)
    await stack.engine()
    await stack.flows.reaches(task, "complete")
    after = await stack.flows.steps(task)
    assert set(after) == {"analyze", "gather", *(f"work_{n:03}" for n in range(1, 8))}
    assert len(after["gather"]["parents"]) == 7
    assert {row["attempts"] for row in after.values()} == {1}


def two_batches() -> list[dict[str, Any]]:
    """Two analyzers, one of them behind a plain step, and what converges on both batches."""
    one, two = flow(parallelism=5)[:2], flow(parallelism=5)[:2]
    two[0] |= {"name": "analyze_two", "dependencies": ["before"]}
    two[1] |= {
        "name": "work_two",
        "dependencies": ["analyze_two"],
        "batch_config": {"worker_template": "work_two"},
    }
    return [
        *one,
        {"name": "before"},
        *two,
        {"name": "gather", "type": "deferred_convergence", "dependencies": ["work", "work_two"]},
    ]


async def test_what_converges_on_two_batches_waits_for_both(conn):
    run = await Run.of(conn, two_batches())
    claimed = {step["name"]: step for step in await run.claim()}
    await run.submit(claimed["analyze"], batches(2))
    assert "gather" not in await run.states()
    await run.submit(claimed["before"], {})
    await run.to_the_end({"analyze_two": batches(2, worker="work_two")})
    assert await run.parents("gather") == {"work_001", "work_002", "work_two_001", "work_two_002"}
    assert run.order[-1] == "gather"
    assert await run.state() == "complete"


@pytest.mark.parametrize("named", [["analyze", "skip"], ["skip", "end"]])
async def test_a_convergence_waits_for_a_batch_that_a_decision_began(conn, named):
    """A step behind the batch may be named as well: it comes with the batch, its analyzer at once."""
    run = await Run.of(conn, batch_behind_a_decision())
    await run.submit((await run.claim())[0], {})
    route = {"decision_point_outcome": {"type": "create_steps", "step_names": named}}
    await run.submit((await run.claim())[0], route)
    assert set(await run.states()) == {"start", "decide", "analyze", "skip"}
    await run.to_the_end({"analyze": batches(3)})
    assert await run.parents("end") == {"work_001", "work_002", "work_003", "skip"}
    assert run.order[-1] == "end"


async def test_a_decision_cannot_name_a_batch_worker(conn):
    steps = [{"name": "decide", "type": "decision", "dependencies": ["start"]}, {"name": "start"}, *flow()]
    steps[2]["dependencies"] = ["decide"]
    run = await Run.of(conn, steps)
    route = {"decision_point_outcome": {"type": "create_steps", "step_names": ["analyze", "work"]}}
    await run.to_the_end({"decide": route})
    assert await run.states() == {"start": "complete", "decide": "error"}
    details = json.loads(await conn.fetchval("SELECT details FROM tasker.step_attempts WHERE NOT success"))
    assert "'work' (a batch worker comes by its analyzer: name that)" in details["message"]
