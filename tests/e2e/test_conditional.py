"""Decisions: who is created, what waits for whom, and what a wrong decision costs (reference 10.2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.api import BLOCKED, Api, Json, standing
from tests.e2e.test_shapes import began, ended

BRANCHING = "e2e_branching"
FIXED = ["validate_request", "routing_decision"]
AUTO, MANAGER, FINANCE = "auto_approve", "manager_approval", "finance_review"


@pytest.mark.parametrize(
    ("amount", "branches"),
    [
        pytest.param(0.01, [AUTO], marks=pytest.mark.scenario(29)),
        pytest.param(500, [AUTO], marks=pytest.mark.scenario(25)),
        pytest.param(999.99, [AUTO], marks=pytest.mark.scenario(28)),
        pytest.param(1000, [MANAGER], marks=pytest.mark.scenario(28)),
        pytest.param(3000, [MANAGER], marks=pytest.mark.scenario(26)),
        pytest.param(4999, [MANAGER], marks=pytest.mark.scenario(28)),
        pytest.param(5000, [MANAGER, FINANCE], marks=pytest.mark.scenario(28)),
        pytest.param(10000, [MANAGER, FINANCE], marks=pytest.mark.scenario(27)),
    ],
)
async def test_the_amount_decides_who_is_asked(api: Api, amount: float, branches: list[str]) -> None:
    task = await api.create("approval_workflow", "example", {"amount": amount})
    done = await api.completed(task)
    assert done["total_steps"] == 3 + len(branches)
    steps = await api.steps(task)
    assert set(steps) == {*FIXED, *branches, "finalize_approval"}
    approvers = {AUTO: "the rules", MANAGER: "manager", FINANCE: "finance"}
    final = steps["finalize_approval"]
    assert final["results"]["result"]["approved_by"] == [approvers[branch] for branch in branches]
    assert all(began(final) >= ended(steps[branch]) for branch in branches)


@pytest.mark.scenario(30)
@pytest.mark.parametrize(("amount", "branches"), [(500, [AUTO]), (10000, [MANAGER, FINANCE])])
async def test_branches_wait_for_the_decision_and_the_end_for_the_branches_that_there_are(
    api: Api, amount: int, branches: list[str]
) -> None:
    task = await api.create("approval_workflow", "example", {"amount": amount})
    await api.completed(task)
    steps = await api.steps(task)
    decision = steps["routing_decision"]
    for branch in branches:
        assert steps[branch]["parent_names"] == ["routing_decision"]
        assert began(steps[branch]) >= ended(decision)
    assert set(steps["finalize_approval"]["parent_names"]) == set(branches)
    assert set(decision["children"]) == {steps[branch]["step_uuid"] for branch in branches}
    assert steps["finalize_approval"]["total_parents"] == len(branches)


@pytest.mark.scenario(31)
async def test_no_branches_end_the_task(api: Api) -> None:
    task = await api.create("approval_workflow", "example", {"amount": 10000, "withdrawn": True})
    assert (await api.completed(task))["total_steps"] == 2
    results = await api.results(task)
    assert list(results) == FIXED
    assert results["routing_decision"]["decision_point_outcome"]["reason"] == "the request was withdrawn"


@pytest.mark.scenario(32)
@pytest.mark.parametrize(("who", "step"), [("manager", MANAGER), ("finance", FINANCE)])
async def test_a_denial_blocks_the_end_and_not_the_other_branch(api: Api, who: str, step: str) -> None:
    task = await api.create("approval_workflow", "example", {"amount": 10000, "denied_by": who})
    assert standing(await api.rested(task)) == BLOCKED
    steps = await api.steps(task)
    states = {name: one["current_state"] for name, one in steps.items()}
    other = FINANCE if step == MANAGER else MANAGER
    assert (states[step], states[other], states["finalize_approval"]) == ("error", "complete", "pending")
    assert steps[step]["attempts"] == 1
    assert steps[step]["last_error"]["error_type"] == "business_logic_error"
    final = steps["finalize_approval"]
    assert (final["completed_parents"], final["total_parents"]) == (1, 2)
    assert final["ready_for_execution"] is False


@pytest.mark.scenario(33)
@pytest.mark.parametrize(
    ("template", "namespace", "context", "said"),
    [
        ("approval_workflow", "example", {"amount": -5}, "the amount is -5; an expense is more than nothing"),
        ("strict_approval", BRANCHING, {"requester": "ada"}, "the request lacks amount"),
        ("strict_approval", BRANCHING, {}, "the request lacks amount and requester"),
    ],
)
async def test_a_wrong_request_never_gets_to_the_decision(
    api: Api, template: str, namespace: str, context: Json, said: str
) -> None:
    task = await api.create(template, namespace, context)
    done = await api.rested(task)
    assert (standing(done), done["total_steps"]) == (BLOCKED, 2)
    validate, decision = (await api.steps(task)).values()
    assert (validate["current_state"], validate["attempts"]) == ("error", 1)
    error = validate["last_error"]
    assert (error["error_type"], error["message"]) == ("validation_error", said)
    assert (decision["current_state"], decision["attempts"]) == ("pending", 0)


def named(*steps: str) -> Json:
    """An outcome that names steps."""
    return {"decision_point_outcome": {"type": "create_steps", "step_names": list(steps)}}


@pytest.mark.scenario(34)
@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (named("lefft"), "names steps that it can't create: 'lefft' (no such step in the template)"),
        (named("left", "start"), "'start' (does not come after the decision)"),
        (named("decide"), "'decide' (does not come after the decision)"),
        (named(*(f"n{n}" for n in range(101))), "names 101 steps; at most 100 are allowed"),
        ({"approved": True}, "returned no decision_point_outcome of type create_steps"),
        ({"decision_point_outcome": "left"}, "returned no decision_point_outcome"),
        ({"decision_point_outcome": {"type": "create_steps", "step_names": "left"}}, "with step_names"),
    ],
)
async def test_a_wrong_decision_is_an_error_and_creates_nothing(api: Api, outcome: Json, said: str) -> None:
    task = await api.create("branching", BRANCHING, {"route": {"decide": outcome}})
    done = await api.rested(task)
    assert (standing(done), done["total_steps"]) == (BLOCKED, 2)
    start, decision = (await api.steps(task)).values()
    assert (start["current_state"], decision["current_state"]) == ("complete", "error")
    error = decision["last_error"]
    assert (error["error_type"], error["retryable"]) == ("invalid_outcome", False)
    assert "the decision 'decide'" in error["message"]
    assert said in error["message"]


@pytest.mark.parametrize(
    ("route", "created", "join"),
    [
        ({"decide": ["left"]}, {"left"}, {"left"}),
        ({"decide": ["left", "left", "right"]}, {"left", "right"}, {"left", "right"}),
        # The step in between comes with the one that is named, and what follows with the one before.
        ({"decide": ["deep"]}, {"prepare", "deep"}, {"deep"}),
        ({"decide": ["prepare"]}, {"prepare", "deep"}, {"deep"}),
        ({"decide": ["left", "again"], "again": ["later"]}, {"left", "again", "later"}, {"left", "later"}),
        ({"decide": ["left", "again"]}, {"left", "again"}, {"left"}),
        ({"decide": ["again"], "again": ["later"]}, {"again", "later"}, {"later"}),
    ],
)
async def test_what_a_decision_brings_about(api: Api, route: Json, created: set[str], join: set[str]) -> None:
    task = await api.create("branching", BRANCHING, {"route": route})
    await api.completed(task)
    steps = await api.steps(task)
    assert set(steps) == {"start", "decide", *created, "join", "report"}
    assert set(steps["join"]["parent_names"]) == join
    assert all(began(steps["join"]) >= ended(steps[parent]) for parent in join)
    by_uuid = {step["step_uuid"]: step for step in steps.values()}
    assert all(began(step) >= ended(by_uuid[one]) for step in steps.values() for one in step["parents"])


async def test_two_decisions_that_decide_for_nothing(api: Api) -> None:
    task = await api.create("branching", BRANCHING, {"route": {"decide": ["again"]}})
    assert (await api.completed(task))["total_steps"] == 3
    assert set(await api.results(task)) == {"start", "decide", "again"}


async def test_a_failed_branch_lets_the_other_one_go_on_and_resumes_after_a_reset(api: Api) -> None:
    context = {"route": {"decide": ["left", "deep"]}, "steps": {"left": {"fail": "permanent", "calls": 1}}}
    task = await api.create("branching", BRANCHING, context)
    assert standing(await api.rested(task)) == BLOCKED
    steps = await api.steps(task)
    assert (steps["deep"]["current_state"], steps["join"]["current_state"]) == ("complete", "pending")
    await api.reset(steps["left"])
    assert (await api.completed(task))["total_steps"] == 7


@pytest.mark.parametrize(
    ("numbers", "half", "items", "total"),
    [
        pytest.param([2, 4, 6, 8, 10, 12], "evens", 6, 364, marks=pytest.mark.scenario(35)),
        pytest.param([1, 3, 5, 7, 9, 11, 2, 4], "odds", 6, 286, marks=pytest.mark.scenario(36)),
        pytest.param(list(range(1, 11)), "evens", 5, 220, marks=pytest.mark.scenario(37)),
    ],
)
async def test_a_decision_takes_one_of_two_batches(
    api: Api, numbers: list[int], half: str, items: int, total: int
) -> None:
    task = await api.create("dominant_batch_workflow", "example", {"numbers": numbers})
    assert task["total_steps"] == 4
    assert (await api.completed(task))["total_steps"] == 9
    steps = await api.steps(task)
    workers = [f"square_{half}_{n:03}" for n in (1, 2, 3)]
    assert set(steps) == {
        "start", "find_evens", "find_odds", "choose_half", f"analyze_{half}", *workers, f"sum_{half}",
    }  # fmt: skip
    final: dict[str, Any] = steps[f"sum_{half}"]
    assert set(final["parent_names"]) == set(workers)
    assert final["results"]["result"] == {"batches": 3, "items": items, "sum": total}
