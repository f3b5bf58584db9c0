"""Batches and checkpoints with a real worker (reference 10.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.api import BLOCKED, Api, Json, standing, until
from tests.e2e.test_shapes import began, ended

BATCHES = "e2e_batches"


def workers_of(steps: dict[str, Json], prefix: str) -> list[str]:
    """The names of a batch's workers."""
    return sorted(name for name in steps if name.startswith(f"{prefix}_"))


@pytest.mark.scenario(38, 39, 40, 44)
@pytest.mark.parametrize(
    ("size", "workers"), [(50, 0), (500, 0), (1000, 1), (1001, 2), (3500, 4), (5000, 5), (25000, 10)]
)
async def test_as_many_workers_as_the_dataset_needs(api: Api, size: int, workers: int) -> None:
    task = await api.create("dataset", BATCHES, {"size": size})
    assert task["total_steps"] == 1
    done = await api.completed(task)
    assert done["total_steps"] == 2 + max(workers, 1)
    steps = await api.steps(task)
    names = [f"work_{n:03}" for n in range(1, workers + 1)] or ["work_000"]
    assert workers_of(steps, "work") == names
    assert set(steps["gather"]["parent_names"]) == set(names)
    assert all(began(steps["gather"]) >= ended(steps[name]) for name in names)
    gathered = steps["gather"]["results"]["result"]
    assert (gathered["worker_count"], gathered["total_processed"]) == (workers, size if workers else 0)
    if not workers:
        assert steps["work_000"]["results"]["result"]["no_op"] is True


@pytest.mark.scenario(41)
async def test_a_file_of_a_thousand_rows(api: Api) -> None:
    task = await api.create("csv_batch_workflow", "example", {})
    assert (await api.completed(task))["total_steps"] == 7
    results = await api.results(task)
    names = workers_of(results, "process_products")
    assert names == [f"process_products_{n:03}" for n in range(1, 6)]
    assert [results[name]["items_processed"] for name in names] == [200] * 5
    total = results["aggregate_products"]
    assert (total["total_processed"], total["worker_count"]) == (1000, 5)
    assert total["inventory_value_cents"] == sum(sum(results[name]["value_cents"].values()) for name in names)
    assert total["inventory_value_cents"] > 0


@pytest.mark.scenario(42)
async def test_a_file_without_rows(api: Api) -> None:
    results = await api.run("csv_batch_workflow", "example", {"rows": 0})
    assert list(results) == ["analyze_products", "process_products_000", "aggregate_products"]
    assert results["aggregate_products"]["total_processed"] == 0
    assert results["aggregate_products"]["worker_count"] == 0


@pytest.mark.scenario(43)
@pytest.mark.parametrize(("batch_size", "sizes"), [(1000, [1000]), (300, [300, 300, 300, 100])])
async def test_a_file_in_batches_of_another_size(api: Api, batch_size: int, sizes: list[int]) -> None:
    by_default = await api.run("csv_batch_workflow", "example", {})
    results = await api.run("csv_batch_workflow", "example", {"batch_size": batch_size})
    names = workers_of(results, "process_products")
    assert [results[name]["items_processed"] for name in names] == sizes
    assert results["aggregate_products"] == by_default["aggregate_products"] | {"worker_count": len(sizes)}


@pytest.mark.scenario(45, 46)
async def test_a_retry_does_the_rest_and_nothing_twice(api: Api) -> None:
    task = await api.create("small_dataset", BATCHES, {"size": 100, "portion": 25, "stumble": 50})
    await api.completed(task)
    worker = (await api.steps(task))["work_001"]
    assert worker["attempts"] == 2

    async def portions() -> list[str]:
        return [line for line in await api.log(worker) if line.startswith("attempt ")]

    # The log is written a moment after the result.
    assert await until(portions, lambda lines: len(lines) >= 5) == [
        "attempt 1: 0 to 25",
        "attempt 1: 25 to 50",
        "attempt 1: 50 to 75",
        "attempt 2: 50 to 75",
        "attempt 2: 75 to 100",
    ]
    assert worker["results"]["result"]["items_processed"] == 100


async def checkpoints(api: Api, **context: Any) -> tuple[Json, Json, Json]:
    """Run the bundled example to its rest: the task, its worker's step, all steps."""
    task = await api.create("checkpoint_workflow", "example", context)
    done = await api.rested(task)
    steps = await api.steps(task)
    return done, steps["process_items_000" if context.get("items") == 0 else "process_items_001"], steps


@pytest.mark.parametrize(
    ("items", "portion", "yields"),
    [
        pytest.param(100, 25, 3, marks=pytest.mark.scenario(47)),
        pytest.param(50, 5, 9, marks=pytest.mark.scenario(50)),
        pytest.param(0, 20, 0, marks=pytest.mark.scenario(51)),
        pytest.param(10, 20, 0, marks=pytest.mark.scenario(52)),
    ],
)
async def test_a_yield_is_no_attempt(api: Api, items: int, portion: int, yields: int) -> None:
    done, worker, steps = await checkpoints(api, items=items, portion=portion)
    assert (done["status"], done["total_steps"]) == ("complete", 3)
    assert worker["attempts"] == 1
    assert len(await api.audit(worker)) == 1
    assert steps["aggregate_items"]["results"]["result"] == {
        "total_processed": items,
        "sum": sum(range(items)),
        "checkpoints": yields,
    }


@pytest.mark.scenario(48)
async def test_a_transient_failure_takes_a_second_attempt_and_no_item_more(api: Api) -> None:
    done, worker, steps = await checkpoints(api, portion=20, failure="transient", fail_at=50)
    assert (done["status"], worker["attempts"]) == ("complete", 2)
    result = worker["results"]["result"]
    # The portion in which it failed, 40 to 60, is done again from its beginning.
    assert result["items_in_attempt"] == {"1": 40, "2": 60}
    assert (result["resumed_from"], result["items_processed"]) == (80, 100)
    assert steps["aggregate_items"]["results"]["result"]["total_processed"] == 100
    assert steps["aggregate_items"]["results"]["result"]["sum"] == sum(range(100))


@pytest.mark.scenario(49)
async def test_a_permanent_failure_blocks_the_task(api: Api) -> None:
    done, worker, steps = await checkpoints(api, portion=10, failure="permanent", fail_at=30)
    assert standing(done) == BLOCKED
    assert (worker["current_state"], worker["attempts"]) == ("error", 1)
    assert worker["last_error"]["message"] == "item 30 cannot be read"
    assert steps["aggregate_items"]["current_state"] == "pending"


async def test_a_wrong_outcome_is_an_error_of_the_analyzer(api: Api) -> None:
    template = {
        "name": "wrong_batches",
        "namespace_name": "e2e_branching",
        "version": "1.0.0",
        "identity_strategy": "always_unique",
        "steps": [
            {"name": "analyze", "type": "batchable", "handler": {"callable": "e2e.decide"}},
            {
                "name": "work",
                "type": "batch_worker",
                "dependencies": ["analyze"],
                "handler": {"callable": "e2e.step"},
                "batch_config": {"worker_template": "work"},
            },
        ],
    }
    await api.register(template, replace="true")
    outcome = {
        "type": "create_batches",
        "worker_template_name": "works",
        "cursor_configs": [{"batch_id": "001", "start_cursor": "a", "end_cursor": "b", "batch_size": 1}],
    }
    for wrong, said in (
        ({"batch_processing_outcome": outcome}, "asks for workers 'works'"),
        ({"rows": 7}, "returned no batch_processing_outcome"),
    ):
        task = await api.create("wrong_batches", "e2e_branching", {"route": {"analyze": wrong}})
        assert standing(await api.rested(task)) == BLOCKED
        (analyzer,) = (await api.steps(task)).values()
        assert (analyzer["current_state"], analyzer["attempts"]) == ("error", 1)
        assert said in analyzer["last_error"]["message"]
