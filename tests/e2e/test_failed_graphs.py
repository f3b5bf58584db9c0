"""Where a failure leaves the rest of a graph (reference 10.4, rows 58, 59, 62, 64 to 72)."""

from __future__ import annotations

import pytest

from tests.e2e.api import BLOCKED, Api, Json, standing
from tests.e2e.rows import Row, done, failed, retrying, waiting
from tests.e2e.test_retries import FAILURES, orders
from tests.support.e2e_stack import Stack

PERMANENT = {"fail": "permanent"}
ALWAYS = {"fail": "retryable"}
ONCE = {"fail": "retryable", "attempts": 1}
TWICE = {"fail": "retryable", "attempts": 2}

Rows = dict[str, Row]


async def assert_ends(api: Api, template: str, steps: dict[str, Json], expected: Rows) -> Json:
    """Run a task whose steps fail so; every step has to stand as expected, and the task as its steps ask."""
    task = await api.create(template, FAILURES, orders(**steps))
    now = await api.rested(task)
    assert await api.rows(task) == expected
    states = [row.current_state for row in expected.values()]
    if "error" not in states:
        assert standing(now) == ("complete", "all_complete", "finalize_task", "healthy")
    else:
        assert standing(now) == BLOCKED
        assert now["completed_at"] is None
    assert now["completed_steps"] == states.count("complete")
    assert now["failed_steps"] == states.count("error")
    assert now["pending_steps"] == states.count("pending")
    assert (now["in_progress_steps"], now["ready_steps"]) == (0, 0)
    assert now["completion_percentage"] == round(100 * states.count("complete") / len(states), 2)
    return task


@pytest.mark.scenario(58)
async def test_three_roots_end_each_in_its_own_way(api: Api) -> None:
    task = await api.create("mixed_failure_workflow", "example")
    now = await api.rested(task)
    assert standing(now) == BLOCKED
    assert await api.rows(task) == {
        "success_step": done(0),
        "permanent_step": failed(0),
        "retryable_step": failed(0, attempts=2, of=2),
    }
    assert (now["completed_steps"], now["failed_steps"], now["completion_percentage"]) == (1, 2, 33.33)


@pytest.mark.scenario(59)
async def test_exhausted_in_the_second_of_four(api: Api) -> None:
    task = await assert_ends(
        api,
        "linear",
        {"linear_2": ALWAYS},
        {
            "linear_1": done(0),
            "linear_2": failed(1, attempts=3),
            "linear_3": waiting(1),
            "linear_4": waiting(1),
        },
    )
    second = (await api.rows(task))["linear_2"]
    assert (second.attempts, second.max_attempts, second.retry_eligible) == (3, 3, False)


@pytest.mark.scenario(62)
async def test_a_permanent_failure_keeps_what_is_upstream(api: Api) -> None:
    task = await assert_ends(
        api,
        "linear",
        {"linear_3": PERMANENT},
        {"linear_1": done(0), "linear_2": done(1), "linear_3": failed(1), "linear_4": waiting(1)},
    )
    steps = await api.steps(task)
    kept = [steps[name]["results"]["result"]["number"] for name in ("linear_1", "linear_2")]
    assert kept == [4, 16]
    assert steps["linear_4"]["results"] is None
    assert steps["linear_4"]["last_attempted_at"] is None


LINEAR_FAILURES: dict[str, tuple[str, Rows]] = {
    "early": (
        "linear_1",
        {"linear_1": failed(0), "linear_2": waiting(1), "linear_3": waiting(1), "linear_4": waiting(1)},
    ),
    "middle": (
        "linear_3",
        {"linear_1": done(0), "linear_2": done(1), "linear_3": failed(1), "linear_4": waiting(1)},
    ),
    "late": (
        "linear_4",
        {"linear_1": done(0), "linear_2": done(1), "linear_3": done(1), "linear_4": failed(1)},
    ),
}


@pytest.mark.scenario(64)
@pytest.mark.parametrize("where", LINEAR_FAILURES)
async def test_early_middle_and_late_failures(api: Api, where: str) -> None:
    step, expected = LINEAR_FAILURES[where]
    await assert_ends(api, "linear", {step: PERMANENT}, expected)


@pytest.mark.scenario(65)
async def test_a_mix_of_states_has_the_right_flags(api: Api) -> None:
    task = await assert_ends(
        api,
        "linear",
        {"linear_1": TWICE, "linear_2": ONCE, "linear_3": PERMANENT},
        {
            "linear_1": Row("complete", 3, 3, 0, 0, True, False, False),
            "linear_2": Row("complete", 2, 3, 1, 1, True, True, False),
            "linear_3": Row("error", 1, 3, 1, 1, True, True, False),
            "linear_4": Row("pending", 0, 3, 1, 0, False, True, False),
        },
    )
    steps = await api.steps(task)
    never_failed = [name for name, step in steps.items() if step["last_failure_at"] is None]
    not_complete = [name for name, step in steps.items() if step["completed_at"] is None]
    assert (never_failed, not_complete) == (["linear_4"], ["linear_3", "linear_4"])
    assert all(step["next_retry_at"] is None for step in steps.values())


@pytest.mark.scenario(66)
async def test_a_diamonds_start_fails(api: Api) -> None:
    expected = {"start": failed(0), "left": waiting(1), "right": waiting(1), "end": waiting(2)}
    await assert_ends(api, "diamond", {"start": PERMANENT}, expected)


@pytest.mark.scenario(67)
async def test_one_branch_of_a_diamond_fails(api: Api) -> None:
    expected = {"start": done(0), "left": failed(1), "right": done(1), "end": waiting(2, have=1)}
    task = await assert_ends(api, "diamond", {"left": PERMANENT}, expected)
    assert (await api.steps(task))["right"]["results"]["result"]["number"] == 16


@pytest.mark.scenario(68)
async def test_both_branches_of_a_diamond_fail(api: Api) -> None:
    expected = {"start": done(0), "left": failed(1), "right": failed(1, attempts=3), "end": waiting(2)}
    await assert_ends(api, "diamond", {"left": PERMANENT, "right": ALWAYS}, expected)


@pytest.mark.scenario(69)
async def test_a_diamonds_branch_in_backoff(api: Api, stack: Stack) -> None:
    order = {"fail": "retryable", "attempts": 1, "retry_after": 60}
    task = await api.create("diamond", FAILURES, orders(left=order))
    await api.until(task, lambda now: now["status"] == "waiting_for_retry")
    assert await api.rows(task) == {
        "start": done(0),
        "left": retrying(1, attempts=1),
        "right": done(1),
        "end": waiting(2, have=1),
    }
    await stack.retry_now(task["task_uuid"])
    await api.completed(task)
    steps = await api.steps(task)
    assert steps["left"]["attempts"] == 2
    assert steps["end"]["results"]["result"]["number"] == (16 * 16) ** 2


@pytest.mark.scenario(69)
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(
            {"right": ALWAYS},
            {"start": done(0), "left": done(1), "right": failed(1, attempts=3), "end": waiting(2, have=1)},
            id="exhausted",
        ),
        pytest.param(
            {"right": TWICE},
            {"start": done(0), "left": done(1), "right": done(1, attempts=3), "end": done(2)},
            id="recovers",
        ),
        pytest.param(
            {"start": ONCE, "left": TWICE, "right": ONCE, "end": ONCE},
            {
                "start": done(0, attempts=2),
                "left": done(1, attempts=3),
                "right": done(1, attempts=2),
                "end": done(2, attempts=2),
            },
            id="converges at last",
        ),
    ],
)
async def test_a_diamonds_branch_fails_and_recovers(api: Api, steps: dict[str, Json], expected: Rows) -> None:
    await assert_ends(api, "diamond", steps, expected)


def tree(**other: Row) -> Rows:
    """A tree that is complete but for these steps."""
    complete = {name: done(1) for name in ("left", "right", "leaf_d", "leaf_e", "leaf_f", "leaf_g")}
    return {"root": done(0), **complete, "final": done(4), **other}


@pytest.mark.scenario(70)
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param({"leaf_e": PERMANENT}, tree(leaf_e=failed(1), final=waiting(4, have=3)), id="a leaf"),
        pytest.param(
            {"leaf_d": PERMANENT, "leaf_f": ALWAYS, "leaf_g": PERMANENT},
            tree(leaf_d=failed(1), leaf_f=failed(1, attempts=3), leaf_g=failed(1), final=waiting(4, have=1)),
            id="several leaves",
        ),
        pytest.param(
            {"left": PERMANENT},
            tree(left=failed(1), leaf_d=waiting(1), leaf_e=waiting(1), final=waiting(4, have=2)),
            id="a branch",
        ),
        pytest.param(
            {"root": PERMANENT},
            {name: failed(0) if name == "root" else waiting(4 if name == "final" else 1) for name in tree()},
            id="the root",
        ),
        pytest.param(
            {"right": TWICE, "leaf_f": ONCE},
            tree(right=done(1, attempts=3), leaf_f=done(1, attempts=2)),
            id="a branch that recovers",
        ),
    ],
)
async def test_failures_in_a_tree(api: Api, steps: dict[str, Json], expected: Rows) -> None:
    task = await assert_ends(api, "tree", steps, expected)
    if expected["final"].current_state == "complete":
        assert (await api.steps(task))["final"]["results"]["result"]["number"] == 2**64


def dag(**other: Row) -> Rows:
    """A mixed graph that is complete but for these steps."""
    return {
        "init": done(0), "left": done(1), "right": done(1), "validate": done(2), "transform": done(1),
        "analyze": done(1), "finalize": done(3), **other,
    }  # fmt: skip


@pytest.mark.scenario(71)
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(
            {"init": PERMANENT},
            dag(
                init=failed(0), left=waiting(1), right=waiting(1), validate=waiting(2), transform=waiting(1),
                analyze=waiting(1), finalize=waiting(3),
            ),
            id="init for good",
        ),
        pytest.param({"init": TWICE}, dag(init=done(0, attempts=3)), id="init recovers"),
        pytest.param(
            {"left": PERMANENT},
            dag(
                left=failed(1), validate=waiting(2, have=1), transform=waiting(1), finalize=waiting(3, have=1)
            ),
            id="a process step for good",
        ),
        pytest.param(
            {"right": ALWAYS},
            dag(
                right=failed(1, attempts=3), validate=waiting(2, have=1), analyze=waiting(1),
                finalize=waiting(3, have=1),
            ),
            id="a process step exhausted",
        ),
        pytest.param({"left": ONCE, "right": TWICE}, dag(left=done(1, attempts=2), right=done(1, attempts=3)),
                     id="process steps recover"),
        pytest.param(
            {"validate": PERMANENT},
            dag(validate=failed(2), finalize=waiting(3, have=2)),
            id="a join for good",
        ),
        pytest.param({"validate": TWICE}, dag(validate=done(2, attempts=3)), id="a join recovers"),
        pytest.param({"finalize": ALWAYS}, dag(finalize=failed(3, attempts=3)), id="the last join exhausted"),
        pytest.param(
            {"transform": PERMANENT, "analyze": ONCE},
            dag(transform=failed(1), analyze=done(1, attempts=2), finalize=waiting(3, have=2)),
            id="in the middle",
        ),
        pytest.param(
            dict.fromkeys(dag(), ONCE),
            {name: row._replace(attempts=2) for name, row in dag().items()},
            id="every step once",
        ),
    ],
)  # fmt: skip
async def test_failures_in_a_mixed_graph(api: Api, steps: dict[str, Json], expected: Rows) -> None:
    task = await assert_ends(api, "mixed_dag", steps, expected)
    if expected["finalize"].current_state == "complete":
        assert (await api.steps(task))["finalize"]["results"]["result"]["number"] == 2**64


ITEM = {"sku": "TEA-01", "quantity": 1, "unit_price": 10}

ORDERS: dict[str, tuple[Json, Rows, str]] = {
    "validation": (
        {"items": [ITEM | {"unit_price": 9.999}]},
        {
            "validate_order": failed(0), "reserve_inventory": waiting(1), "process_payment": waiting(2),
            "ship_order": waiting(3),
        },
        "validation_error",
    ),
    "inventory": (
        {"items": [ITEM, ITEM | {"sku": "MUG-99"}]},
        {
            "validate_order": done(0), "reserve_inventory": failed(1),
            "process_payment": waiting(2, have=1), "ship_order": waiting(3, have=1),
        },
        "validation_error",
    ),
    "payment": (
        {"items": [ITEM | {"unit_price": 5000.01}]},
        {
            "validate_order": done(0), "reserve_inventory": done(1),
            "process_payment": failed(2), "ship_order": waiting(3, have=2),
        },
        "business_logic_error",
    ),
}  # fmt: skip


@pytest.mark.scenario(72)
@pytest.mark.parametrize("where", ORDERS)
async def test_an_order_that_cannot_be_fulfilled(api: Api, where: str) -> None:
    context, expected, error_type = ORDERS[where]
    task = await api.create("order_fulfillment", "example", context)
    assert standing(await api.rested(task)) == BLOCKED
    assert await api.rows(task) == expected
    steps = await api.steps(task)
    [error] = [step["last_error"] for step in steps.values() if step["current_state"] == "error"]
    assert (error["error_type"], error["retryable"]) == (error_type, False)
    complete = [name for name, row in expected.items() if row.current_state == "complete"]
    assert all(steps[name]["results"]["success"] for name in complete)


@pytest.mark.scenario(72)
async def test_an_order_recovers(api: Api) -> None:
    expected = {
        "validate": done(0),
        "reserve": done(1, attempts=3),
        "pay": done(2, attempts=2),
        "ship": done(3),
    }
    await assert_ends(api, "orders", {"reserve": TWICE, "pay": ONCE}, expected)


@pytest.mark.scenario(72)
async def test_an_orders_payment_in_backoff(api: Api, stack: Stack) -> None:
    order = {"fail": "retryable", "attempts": 1, "retry_after": 60}
    task = await api.create("orders", FAILURES, orders(pay=order))
    await api.until(task, lambda now: now["status"] == "waiting_for_retry")
    assert await api.rows(task) == {
        "validate": done(0),
        "reserve": done(1),
        "pay": retrying(2, attempts=1),
        "ship": waiting(3, have=2),
    }
    await stack.retry_now(task["task_uuid"])
    await api.completed(task)
    assert (await api.rows(task))["pay"] == done(2, attempts=2)
