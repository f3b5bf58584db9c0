"""Decision points: what one creates, in the transaction that completes it (reference 1.5 and 8.2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.outcomes.driver import Run


def route(*names: str) -> dict[str, Any]:
    return {"decision_point_outcome": {"type": "create_steps", "step_names": list(names)}}


NONE = {"decision_point_outcome": {"type": "no_branches", "reason": "nothing to do"}}


def approval() -> list[dict[str, Any]]:
    return [
        {"name": "validate"},
        {"name": "decide", "type": "decision", "dependencies": ["validate"]},
        {"name": "auto", "dependencies": ["decide"]},
        {"name": "manager", "dependencies": ["decide"]},
        {"name": "finance", "dependencies": ["decide"]},
        {"name": "finalize", "type": "deferred_convergence", "dependencies": ["auto", "manager", "finance"]},
    ]


@pytest.mark.parametrize(
    ("chosen", "there"),
    [(["auto"], 4), (["manager"], 4), (["manager", "finance"], 5), (["auto", "manager", "finance"], 6)],
)
async def test_a_decision_creates_what_it_names_and_the_convergence(conn, chosen, there):
    run = await Run.of(conn, approval())
    assert set(await run.states()) == {"validate", "decide"}
    await run.to_the_end({"decide": route(*chosen)})
    assert await run.states() == dict.fromkeys(["validate", "decide", *chosen, "finalize"], "complete")
    assert await run.parents("finalize") == set(chosen)
    assert await run.parents(chosen[0]) == {"decide"}
    assert run.order[-1] == "finalize"
    assert len(run.order) == there
    assert await run.state() == "complete"


async def test_an_operator_can_decide_otherwise_before_an_engine_carries_a_decision_out(conn):
    run = await Run.of(conn, approval())
    await run.submit((await run.claim())[0], {})
    (decide,) = await run.claim()
    await run.hand_in(decide, route("auto"))
    assert (await run.states())["decide"] == "enqueued_for_orchestration"
    await conn.execute(
        "SELECT tasker.end_step_by_hand($1, $2, true, $3, NULL, 'ana', 'too much for the rules')",
        run.task_uuid, decide["step_uuid"], json.dumps(route("finance")),
    )  # fmt: skip
    await run.process()
    await run.to_the_end({})
    assert set(await run.states()) == {"validate", "decide", "finance", "finalize"}
    assert await run.state() == "complete"


async def test_no_branches_lets_the_task_finish(conn):
    run = await Run.of(conn, approval())
    await run.to_the_end({"decide": NONE})
    assert await run.states() == {"validate": "complete", "decide": "complete"}
    assert await run.state() == "complete"


@pytest.mark.parametrize(
    ("result", "named"),
    [
        (route("auto", "nobody"), "'nobody' (no such step in the template)"),
        (route("validate"), "'validate' (does not come after the decision)"),
        ({"amount": 3}, "returned no decision_point_outcome"),
        (route(*(f"s{n}" for n in range(101))), "names 101 steps"),
    ],
)
async def test_a_wrong_outcome_fails_the_step_for_good_and_names_what_is_wrong(conn, result, named):
    run = await Run.of(conn, approval())
    await run.to_the_end({"decide": result})
    assert await run.states() == {"validate": "complete", "decide": "error"}
    assert await run.state() == "blocked_by_failures"
    details = json.loads(await conn.fetchval("SELECT details FROM tasker.step_attempts WHERE NOT success"))
    assert named in details["message"]
    assert details["retryable"] is False


async def test_a_decision_that_was_wrong_can_decide_again(conn):
    run = await Run.of(conn, approval())
    await run.to_the_end({"decide": route("nobody")})
    decide = (await run.steps())["decide"]["step_uuid"]
    await conn.execute("SELECT tasker.reset_steps($1, 'ana', 'the rules are mended')", [decide])
    await run.to_the_end({"decide": route("auto")})
    assert await run.state() == "complete"


async def test_the_steps_between_decision_and_named_step_come_too(conn):
    run = await Run.of(
        conn,
        [
            {"name": "start"},
            {"name": "decide", "type": "decision", "dependencies": ["start"]},
            {"name": "prepare", "dependencies": ["decide"]},
            {"name": "ship", "dependencies": ["prepare"]},
            {"name": "other", "dependencies": ["decide"]},
            {"name": "notify", "dependencies": ["ship"]},
        ],
    )
    await run.to_the_end({"decide": route("ship")})
    assert run.order == ["start", "decide", "prepare", "ship", "notify"]
    assert await run.state() == "complete"


async def test_nested_decisions_hold_the_convergence_back(conn):
    steps = [
        {"name": "outer", "type": "decision", "dependencies": ["start"]},
        {"name": "start"},
        {"name": "plain", "dependencies": ["outer"]},
        {"name": "inner", "type": "decision", "dependencies": ["outer"]},
        {"name": "deep", "dependencies": ["inner"]},
        {"name": "end", "type": "deferred_convergence", "dependencies": ["plain", "deep"]},
    ]
    run = await Run.of(conn, steps)
    results = {"outer": route("plain", "inner"), "inner": route("deep")}
    for name in ("start", "outer"):
        await run.submit((await run.claim())[0], results.get(name, {}))
    claimed = {step["name"]: step for step in await run.claim()}
    await run.submit(claimed["plain"], {})
    assert "end" not in await run.states()
    await run.submit(claimed["inner"], results["inner"])
    await run.to_the_end(results)
    assert await run.parents("end") == {"plain", "deep"}
    assert run.order[-1] == "end"
    assert await run.state() == "complete"


async def test_a_decision_beside_a_running_branch_of_a_diamond(conn):
    run = await Run.of(
        conn,
        [
            {"name": "start"},
            {"name": "side", "dependencies": ["start"]},
            {"name": "decide", "type": "decision", "dependencies": ["start"]},
            {"name": "a", "dependencies": ["decide"]},
            {"name": "b", "dependencies": ["decide"]},
            {"name": "join", "type": "deferred_convergence", "dependencies": ["side", "a", "b"]},
        ],
    )
    await run.submit((await run.claim())[0], {})
    claimed = {step["name"]: step for step in await run.claim()}
    await run.submit(claimed["decide"], route("b"))
    assert await run.parents("join") == {"side", "b"}
    await run.submit((await run.claim())[0], {})
    assert (await run.states())["join"] == "pending"
    await run.submit(claimed["side"], {})
    await run.to_the_end({})
    assert run.order[-1] == "join"
    assert await run.state() == "complete"


async def test_a_decision_in_the_wake_of_another_holds_the_convergence_back(conn):
    """`again` comes with `left`, unnamed; `late` may come by it, and the convergence has to wait for that."""
    steps = [
        {"name": "start"},
        {"name": "decide", "type": "decision", "dependencies": ["start"]},
        {"name": "left", "dependencies": ["decide"]},
        {"name": "again", "type": "decision", "dependencies": ["left"]},
        {"name": "late", "dependencies": ["again"]},
        {"name": "join", "type": "deferred_convergence", "dependencies": ["left", "late"]},
    ]
    run = await Run.of(conn, steps)
    await run.to_the_end({"decide": route("left"), "again": route("late")})
    assert await run.parents("join") == {"left", "late"}
    assert run.order == ["start", "decide", "left", "again", "late", "join"]


@pytest.mark.parametrize("second", [route("b"), NONE])
@pytest.mark.parametrize("first", ["one", "two"])
async def test_a_step_below_two_decisions_waits_for_both(conn, first, second):
    """What one of them names waits for what the other may still bring, a plain step too."""
    steps = [
        {"name": "one", "type": "decision", "dependencies": ["start"]},
        {"name": "two", "type": "decision", "dependencies": ["start"]},
        {"name": "start"},
        {"name": "a", "dependencies": ["one"]},
        {"name": "b", "dependencies": ["two"]},
        {"name": "both", "dependencies": ["a", "b"]},
    ]
    run = await Run.of(conn, steps)
    await run.submit((await run.claim())[0], {})
    claimed = {step["name"]: step for step in await run.claim()}
    results = {"one": route("both"), "two": second}
    other = "two" if first == "one" else "one"
    await run.submit(claimed[first], results[first])
    assert "both" not in await run.states()
    await run.submit(claimed[other], results[other])
    await run.to_the_end({})
    assert await run.parents("both") == ({"a", "b"} if second is not NONE else {"a"})
    assert run.order[-1] == "both"
    assert await run.state() == "complete"
