"""What a task is before anything of it ran (reference 10.1, rows 23 and 24).

The templates are registered in a namespace that no worker serves, so that what is created stays as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import Api, Json

IDLE = "e2e_idle"
EXAMPLES = Path(__file__).parents[2] / "workers" / "examples" / "templates"


def example(name: str) -> str:
    """A bundled template, moved to the idle namespace."""
    text = (EXAMPLES / f"{name}.yaml").read_text()
    assert "namespace_name: example\n" in text
    return text.replace("namespace_name: example\n", f"namespace_name: {IDLE}\n")


def step(name: str, *parents: str, **more: Any) -> Json:
    """A step of a template."""
    return {"name": name, "handler": {"callable": "e2e.idle"}, "dependencies": list(parents), **more}


def template(name: str, *steps: Json) -> Json:
    """A template in the idle namespace."""
    return {
        "name": name,
        "namespace_name": IDLE,
        "version": "1.0.0",
        "identity_strategy": "always_unique",
        "steps": list(steps),
    }


def batch(kind: str, analyzer_needs: str | None = None) -> list[Json]:
    """An analyzer, what it multiplies, and what waits for all of that."""
    needs = [analyzer_needs] if analyzer_needs else []
    config = {"worker_template": f"{kind}_worker"}
    return [
        step(f"{kind}_analyzer", *needs, type="batchable"),
        step(f"{kind}_worker", f"{kind}_analyzer", type="batch_worker", batch_config=config),
        step(f"{kind}_aggregate", f"{kind}_worker", type="deferred_convergence"),
    ]


CONDITIONAL = template(
    "conditional",
    step("validate"),
    step("decide", "validate", type="decision"),
    step("auto", "decide"),
    step("manager", "decide"),
    step("finance", "decide"),
    step("finalize", "auto", "manager", "finance", type="deferred_convergence"),
)
BATCH = template("batch", *batch("row"))
COMBINED = template(
    "combined",
    step("start"),
    step("evens", "start"),
    step("odds", "start"),
    step("decide", "evens", "odds", type="decision"),
    *batch("even", "decide"),
    *batch("odd", "decide"),
)

# Total parents of every step that there is at the start.
SHAPES: dict[str, tuple[str | Json, dict[str, int]]] = {
    "linear": (
        example("linear_workflow"),
        {"linear_step_1": 0, "linear_step_2": 1, "linear_step_3": 1, "linear_step_4": 1},
    ),
    "diamond": (
        example("diamond_workflow"),
        {"diamond_start": 0, "diamond_branch_b": 1, "diamond_branch_c": 1, "diamond_end": 2},
    ),
    "tree": (
        example("tree_workflow"),
        {
            "tree_root": 0, "tree_branch_left": 1, "tree_branch_right": 1, "tree_leaf_d": 1, "tree_leaf_e": 1,
            "tree_leaf_f": 1, "tree_leaf_g": 1, "tree_final": 4,
        },
    ),
    "mixed_dag": (
        example("mixed_dag_workflow"),
        {
            "dag_init": 0, "dag_process_left": 1, "dag_process_right": 1, "dag_validate": 2,
            "dag_transform": 1, "dag_analyze": 1, "dag_finalize": 3,
        },
    ),
    "orders": (
        example("order_fulfillment"),
        {"validate_order": 0, "reserve_inventory": 1, "process_payment": 2, "ship_order": 3},
    ),
    "pipeline": (
        example("etl_pipeline"),
        {
            "extract_sales": 0, "extract_inventory": 0, "extract_customers": 0, "transform_sales": 1,
            "transform_inventory": 1, "transform_customers": 1, "aggregate_metrics": 3,
            "generate_insights": 1,
        },
    ),
    "conditional": (CONDITIONAL, {"validate": 0, "decide": 1}),
    "batch": (BATCH, {"row_analyzer": 0}),
    "combined": (COMBINED, {"start": 0, "evens": 1, "odds": 1, "decide": 2}),
}  # fmt: skip


@pytest.mark.scenario(23, 24)
@pytest.mark.parametrize("shape", SHAPES)
async def test_a_new_task_has_its_initial_steps_and_only_roots_are_ready(api: Api, shape: str) -> None:
    source, parents = SHAPES[shape]
    registered = await api.register(source)
    task = await api.create(registered["name"], IDLE, priority=7, tags=["one", "two"])
    assert task["total_steps"] == len(parents)
    assert {one["name"]: one["total_parents"] for one in task["steps"]} == parents
    roots = [name for name, count in parents.items() if count == 0]
    for one in task["steps"]:
        is_root = one["name"] in roots
        assert one["ready_for_execution"] is is_root
        assert one["dependencies_satisfied"] is is_root
        assert one["current_state"] == ("enqueued" if is_root else "pending")
        assert (one["attempts"], one["completed_parents"], one["retry_eligible"]) == (0, 0, True)
        assert (one["next_retry_at"], one["last_failure_at"], one["last_attempted_at"]) == (None, None, None)
    counts = (task["ready_steps"], task["pending_steps"], task["completed_steps"], task["failed_steps"])
    assert counts == (len(roots), len(parents) - len(roots), 0, 0)
    assert (task["status"], task["execution_status"]) == ("steps_in_process", "has_ready_steps")
    assert (task["priority"], task["tags"], task["completion_percentage"]) == (7, ["one", "two"], 0.0)
    assert await api.task(task) == task
    steps = await api.steps(task)
    assert list(steps) == [one["name"] for one in task["steps"]]
    for one in task["steps"]:
        detail = steps[one["name"]]
        assert detail["step_uuid"] == one["workflow_step_uuid"]
        assert len(detail["parents"]) == one["total_parents"]
        assert all(steps[name]["step_uuid"] in detail["parents"] for name in detail["parent_names"])
        children = [one for one in steps.values() if one["step_uuid"] in detail["children"]]
        assert all(detail["name"] in child["parent_names"] for child in children)
        assert (detail["results"], detail["completed_at"]) == (None, None)
