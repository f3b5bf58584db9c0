"""Happy paths through every shape of graph (reference 10.1)."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import pairwise

import pytest

from tests.e2e.api import Api, Json

NUMBERS = "e2e_numbers"


def began(step: Json) -> datetime:
    """When a step's last attempt began."""
    return datetime.fromisoformat(step["last_attempted_at"])


def ended(step: Json) -> datetime:
    """When a step was completed."""
    return datetime.fromisoformat(step["completed_at"])


@pytest.mark.scenario(1)
async def test_each_step_of_a_row_squares_the_one_before(api: Api) -> None:
    results = await api.run("linear_workflow", "example", {"even_number": 6})
    found = [(one["input"], one["result"]) for one in results.values()]
    assert found == [(6, 36), (36, 1296), (1296, 1679616), (1679616, 2821109907456)]
    assert list(results) == ["linear_step_1", "linear_step_2", "linear_step_3", "linear_step_4"]
    assert results["linear_step_4"]["result"] == 6**16


@pytest.mark.scenario(2)
async def test_arithmetic_in_a_row(api: Api) -> None:
    results = await api.run("linear_arithmetic", NUMBERS, {"n": 4})
    assert [one["result"] for one in results.values()] == [16, 26, 78, 39.0]
    assert [one["operands"] for one in results.values()] == [[4], [16], [26], [78]]
    assert isinstance(results["divide"]["result"], float)


@pytest.mark.scenario(3)
async def test_values_follow_the_input(api: Api) -> None:
    results = await api.run("linear_workflow", "example", {"even_number": 10})
    assert [one["result"] for one in results.values()] == [10**2, 10**4, 10**8, 10**16]


@pytest.mark.scenario(4)
async def test_no_step_begins_before_its_parent_is_complete(api: Api) -> None:
    task = await api.create("linear_workflow", "example")
    done = await api.completed(task)
    steps = list((await api.steps(task)).values())
    assert [step["name"] for step in steps] == [f"linear_step_{n}" for n in (1, 2, 3, 4)]
    for parent, child in pairwise(steps):
        assert child["parent_names"] == [parent["name"]]
        assert child["parents"] == [parent["step_uuid"]]
        assert began(child) >= ended(parent)
    assert datetime.fromisoformat(done["completed_at"]) >= ended(steps[-1])


@pytest.mark.scenario(5)
async def test_the_audit_tells_who_ran_a_step(api: Api) -> None:
    task = await api.create("linear_workflow", "example", {"even_number": 8})
    await api.completed(task)
    first = (await api.steps(task))["linear_step_1"]
    audit = await api.audit(first)
    assert len(audit) == 1
    [entry] = audit
    assert (entry["success"], entry["from_state"], entry["to_state"]) == (
        True,
        "in_progress",
        "enqueued_for_orchestration",
    )
    assert entry["step_name"] == "linear_step_1"
    assert entry["workflow_step_uuid"] == first["step_uuid"]
    assert entry["task_uuid"] == task["task_uuid"]
    assert entry["correlation_id"] == task["correlation_id"]
    assert entry["audit_uuid"] != entry["transition_uuid"]
    assert isinstance(entry["execution_time_ms"], int)
    assert entry["execution_time_ms"] >= 0
    assert entry["result"] == first["results"]
    assert entry["result"]["result"] == {"result": 64, "operation": "square", "input": 8}
    assert entry["worker_uuid"] == first["results"]["metadata"]["worker_id"]


@pytest.mark.scenario(6)
async def test_a_diamond_joins_its_branches(api: Api) -> None:
    results = await api.run("diamond_workflow", "example", {"even_number": 6})
    found = {name: one["result"] for name, one in results.items()}
    assert found == {
        "diamond_start": 36,
        "diamond_branch_b": 1296,
        "diamond_branch_c": 1296,
        "diamond_end": (1296 * 1296) ** 2,
    }


@pytest.mark.scenario(7)
async def test_arithmetic_in_a_diamond(api: Api) -> None:
    results = await api.run("diamond_arithmetic", NUMBERS, {"n": 4})
    found = {name: one["result"] for name, one in results.items()}
    assert found == {"square": 16, "add": 41, "multiply": 32, "average": 36.5}


@pytest.mark.scenario(8)
async def test_branches_run_at_the_same_time(api: Api) -> None:
    task = await api.create("meeting", NUMBERS)
    await api.completed(task)
    steps = await api.steps(task)
    # Each branch waits until the other has begun: they could not have ended one after the other.
    assert steps["meet_end"]["results"]["result"] == {"places": [0, 1]}
    branches = (steps["meet_left"], steps["meet_right"])
    assert max(map(began, branches)) <= min(map(ended, branches))
    assert began(steps["meet_end"]) >= max(map(ended, branches))
    assert min(map(began, branches)) >= ended(steps["meet_start"])
    assert [step["attempts"] for step in steps.values()] == [1, 1, 1, 1]


@pytest.mark.scenario(9)
async def test_a_diamond_with_another_input(api: Api) -> None:
    results = await api.run("diamond_workflow", "example", {"even_number": -4})
    assert results["diamond_end"]["result"] == 4**16
    assert results["diamond_start"]["input"] == -4


@pytest.mark.scenario(10)
async def test_a_tree_keeps_every_digit(api: Api) -> None:
    task = await api.create("tree_workflow", "example", {"even_number": 6})
    assert (await api.completed(task))["total_steps"] == 8
    results = await api.results(task)
    assert list(results) == [
        "tree_root", "tree_branch_left", "tree_branch_right", "tree_leaf_d", "tree_leaf_e", "tree_leaf_f",
        "tree_leaf_g", "tree_final",
    ]  # fmt: skip
    assert results["tree_final"]["leaves"] == [6**8] * 4
    assert results["tree_final"]["result"] == 6**32 == 7958661109946400884391936


@pytest.mark.scenario(11)
@pytest.mark.parametrize("number", [2, 6, -1_000_000])
async def test_a_mixed_graph_does_not_overflow(api: Api, number: int) -> None:
    task = await api.create("mixed_dag_workflow", "example", {"even_number": number})
    assert (await api.completed(task))["total_steps"] == 7
    results = await api.results(task)
    assert set(results) == {
        "dag_init", "dag_process_left", "dag_process_right", "dag_validate", "dag_transform", "dag_analyze",
        "dag_finalize",
    }  # fmt: skip
    assert results["dag_finalize"]["result"] == number**64


@pytest.mark.scenario(21)
async def test_one_step_is_done_at_once(api: Api) -> None:
    begun = time.monotonic()
    results = await api.run("success_only", NUMBERS, {"message": "héllo \U0001f680"})
    assert time.monotonic() - begun < 5
    assert results == {"only_step": {"echo": "héllo \U0001f680"}}


@pytest.mark.scenario(22)
async def test_an_empty_context_is_enough(api: Api) -> None:
    task = await api.create("success_only", NUMBERS, {})
    done = await api.completed(task)
    assert done["context"] == {}
    assert await api.results(task) == {"only_step": {"echo": None}}


async def test_the_quick_starts_call_works_as_it_stands(api: Api) -> None:
    body = '{"template_name": "linear_workflow", "namespace": "example"}'
    for _ in range(2):  # the quick start can be repeated
        answer = await api.http.post("/v1/tasks", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 201
        await api.completed(answer.json())


async def test_a_context_comes_back_as_it_was_sent(api: Api) -> None:
    context = {"message": None, "deep": {"list": [1, 2.5, True, None, "𝔘"], "big": 10**40, "": {}}}
    task = await api.create("success_only", NUMBERS, context)
    assert task["context"] == context
    assert (await api.completed(task))["context"] == context
