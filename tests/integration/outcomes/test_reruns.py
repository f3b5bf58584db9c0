"""Running done steps again with all that comes after them (rerun_steps)."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.outcomes.driver import Run
from tests.integration.outcomes.test_batches import batches, flow
from tests.integration.outcomes.test_decisions import NONE, approval, route

RERUN = "SELECT * FROM tasker.rerun_steps($1, true, 'ana', 'wrong prices')"


async def rerun(run: Run, *names: str) -> dict[str, tuple[str, str]]:
    """Each step that will run again with the state that it was in, and what becomes of it."""
    steps = await run.steps()
    rows = await run.conn.fetch(RERUN, [steps[name]["step_uuid"] for name in names])
    return {row["name"]: (row["old_state"], row["effect"]) for row in rows}


def chain() -> list[dict[str, Any]]:
    return [{"name": "a"}, {"name": "b", "dependencies": ["a"]}, {"name": "c", "dependencies": ["b"]}]


async def test_a_done_step_runs_again_with_all_below_it(conn):
    run = await Run.of(conn, chain())
    await run.to_the_end({})
    assert await rerun(run, "b") == {"b": ("complete", "enqueued"), "c": ("complete", "pending")}
    assert await run.states() == {"a": "complete", "b": "enqueued", "c": "pending"}
    assert await run.state() == "steps_in_process"
    assert await rerun(run, "b") == {}
    run.order.clear()
    await run.to_the_end({})
    assert run.order == ["b", "c"]
    assert await run.state() == "complete"


async def test_a_decision_creates_its_branches_anew(conn):
    run = await Run.of(conn, approval())
    await run.to_the_end({"decide": route("manager", "finance")})
    effects = await rerun(run, "decide")
    assert effects["decide"] == ("complete", "enqueued")
    assert {effects[name][1] for name in ("manager", "finance", "finalize")} == {"superseded"}
    assert await run.states() == {"validate": "complete", "decide": "enqueued"}
    await run.to_the_end({"decide": route("auto")})
    assert await run.states() == dict.fromkeys(["validate", "decide", "auto", "finalize"], "complete")
    assert await run.state() == "complete"


async def fork(run: Run, *names: str, context: str | None = None) -> Run:
    steps = await run.steps()
    row = await run.conn.fetchrow(
        "SELECT * FROM tasker.fork_task($1, $2, $3, NULL, 'ana', 'other prices')",
        run.task_uuid,
        [steps[name]["step_uuid"] for name in names],
        context,
    )
    return Run(run.conn, row["task_uuid"])


async def test_a_fork_takes_over_what_was_done_before_its_first_step(conn):
    run = await Run.of(conn, chain())
    await run.to_the_end({})
    forked = await fork(run, "b", context='{"price": 3}')
    assert await forked.states() == {"a": "complete", "b": "enqueued", "c": "pending"}
    (b,) = await forked.claim()
    assert (b["context"], b["dependencies"]) == ('{"price": 3}', '{"a": {"by": "a"}}')
    await forked.submit(b, {})
    await forked.to_the_end({})
    assert await forked.state() == "complete"
    assert set((await run.states()).values()) == {"complete"}


async def test_a_forks_own_context_wins_over_earlier_edits_of_the_same_values(conn):
    run = await Run.of(conn, chain())
    b = (await run.steps())["b"]["step_uuid"]
    edited = '{"price": 2, "pieces": 4}'
    await conn.execute("SELECT tasker.edit_step($1, $2, NULL, 'ana', 'wrong prices')", b, edited)
    for context, kept in ((None, {"price": 2, "pieces": 4}), ('{"price": 3}', {"pieces": 4})):
        forked = await fork(run, "a", context=context)
        assert json.loads((await forked.steps())["b"]["inputs"]) == kept


async def test_a_forks_own_context_wins_over_edits_of_a_batchs_worker_but_not_over_its_share(conn):
    run = await Run.of(conn, chain())
    share = {"is_no_op": False, "cursor": {"batch_id": "001"}, "batch_index": 0}
    await conn.execute(
        "UPDATE tasker.steps SET inputs = $2 WHERE step_uuid = $1",
        (await run.steps())["b"]["step_uuid"], json.dumps(share | {"price": 2, "pieces": 4}),
    )  # fmt: skip
    forked = await fork(run, "a", context='{"price": 3, "cursor": "of the context"}')
    assert json.loads((await forked.steps())["b"]["inputs"]) == share | {"pieces": 4}


async def test_a_fork_of_a_cancelled_task_goes_on_where_it_stood(conn):
    run = await Run.of(conn, approval())
    for result in ({}, route("manager", "finance"), {}):
        await run.submit((await run.claim(1))[0], result)
    await conn.fetch("SELECT * FROM tasker.cancel_tasks($1, 'ana', 'no')", [run.task_uuid])
    assert await rerun(run, "decide") == {}
    done = run.order[-1]
    (left,) = {"manager", "finance"} - {done}
    forked = await fork(run)
    assert await forked.states() == {
        "validate": "complete", "decide": "complete", done: "complete", left: "enqueued",
        "finalize": "pending",
    }  # fmt: skip
    await forked.to_the_end({})
    assert await forked.state() == "complete"
    assert await run.state() == "cancelled"


async def test_a_fork_from_a_decision_begins_without_its_branches(conn):
    run = await Run.of(conn, approval())
    await run.to_the_end({"decide": route("manager", "finance")})
    forked = await fork(run, "decide")
    assert await forked.states() == {"validate": "complete", "decide": "enqueued"}
    await forked.to_the_end({"decide": route("auto")})
    assert set(await forked.states()) == {"validate", "decide", "auto", "finalize"}


def two_decisions() -> list[dict[str, Any]]:
    return [
        {"name": "start"},
        {"name": "first", "type": "decision", "dependencies": ["start"]},
        {"name": "second", "type": "decision", "dependencies": ["start"]},
        {"name": "left", "dependencies": ["first"]},
        {"name": "right", "dependencies": ["second"]},
        {"name": "join", "type": "deferred_convergence", "dependencies": ["left", "right"]},
    ]


async def test_a_convergence_waits_for_a_branch_that_only_the_second_run_brings(conn):
    """It hung on the other decision's branch alone, and has to come again all the same."""
    run = await Run.of(conn, two_decisions())
    await run.to_the_end({"first": NONE, "second": route("right")})
    assert await run.parents("join") == {"right"}
    assert (await rerun(run, "first"))["join"] == ("complete", "superseded")
    assert set(await run.states()) == {"start", "first", "second", "right"}
    await run.to_the_end({"first": route("left")})
    assert await run.parents("join") == {"left", "right"}
    assert await run.state() == "complete"


async def test_an_analyzer_cuts_its_work_anew(conn):
    run = await Run.of(conn, flow(parallelism=2))
    await run.to_the_end({"analyze": batches(3)})
    assert (await rerun(run, "work_002"))["gather"] == ("complete", "pending")
    await run.to_the_end({})
    effects = await rerun(run, "analyze")
    assert {name for name, (_, effect) in effects.items() if effect == "superseded"} == {
        "work_001", "work_002", "work_003", "gather", "report",
    }  # fmt: skip
    await run.to_the_end({"analyze": batches(1)})
    assert await run.states() == dict.fromkeys(["analyze", "work_001", "gather", "report"], "complete")
    assert await run.state() == "complete"


async def test_a_result_that_waits_for_an_engine_is_taken_back(conn):
    run = await Run.of(conn, approval())
    await run.submit((await run.claim())[0], {})
    (decide,) = await run.claim()
    async with conn.transaction():
        await run.hand_in(decide, route("auto"))
        assert (await run.states())["decide"] == "enqueued_for_orchestration"
        assert await rerun(run, "validate") == {
            "validate": ("complete", "enqueued"),
            "decide": ("enqueued_for_orchestration", "pending"),
        }
    await run.to_the_end({"decide": route("manager")})
    assert set(await run.states()) == {"validate", "decide", "manager", "finalize"}
    assert await run.state() == "complete"
