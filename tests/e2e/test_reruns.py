"""Running steps again with all that comes after them, with other settings, and forking."""

from __future__ import annotations

from typing import Any

import httpx

from tests.e2e.api import BLOCKED, Api, Json, standing, until
from tests.e2e.test_business import BUSINESS, CART
from tests.e2e.test_operators import ONE_CALL, blocked, refused
from tests.e2e.test_retries import FAILURES, orders


async def ask(api: Api, task: Json, verb: str, **body: Any) -> Json:
    """Retry or fork; it has to be accepted."""
    who = {"actor": "grace", "reason": "it is repaired"}
    answer = await api.http.post(f"/v1/tasks/{task['task_uuid']}/{verb}", json=who | body)
    assert answer.status_code in (200, 201), answer.text
    found: Json = answer.json()
    return found


async def test_a_running_handler_is_told_that_a_step_above_runs_again(
    api: Api, worker: httpx.AsyncClient
) -> None:
    refused_before = await refused(worker)
    task = await api.create("linear", FAILURES, orders(linear_3={"hold": 60}))
    running = await api.step_in(task, "linear_3", "in_progress")
    answer = await ask(api, task, "retry", steps=["linear_2"], downstream=True)
    lost = {step["name"]: step["lease_lost"] for step in answer["steps"]}
    assert lost == {"linear_2": False, "linear_3": True, "linear_4": False}

    async def log() -> list[str]:
        return await api.log(running)

    await until(log, lambda lines: any(line.startswith("told: ") for line in lines))
    await until(lambda: refused(worker), lambda count: count > refused_before)
    again = await api.step_in(task, "linear_3", "in_progress")
    assert [entry["success"] for entry in await api.audit(again)] == []

    # It would hold for ever. The fork is told not to.
    fork = await ask(api, task, "fork", **{"from": ["linear_3"]}, context={"steps": {"linear_3": None}})
    await api.completed(fork)
    assert (await api.results(fork))["linear_4"]["number"] == 2**16
    assert (await api.cancel(task)).status_code == 200


async def test_a_step_is_retried_with_other_settings(api: Api) -> None:
    task, _ = await blocked(api, "linear", linear_2=ONE_CALL)
    await ask(api, task, "retry", steps=["linear_2"], handler={"parents": []})
    await api.completed(task)
    results = await api.results(task)
    # Without parents it squares the task's own number, as the step before it did.
    assert [results[f"linear_{n}"]["number"] for n in (1, 2, 3, 4)] == [4, 4, 16, 256]


async def test_a_whole_task_runs_again_and_keeps_what_it_did_before(api: Api) -> None:
    task = await api.create("diamond", FAILURES)
    await api.completed(task)
    first = await api.results(task)
    answer = await ask(api, task, "retry", whole_task=True)
    assert {step["effect"] for step in answer["steps"]} == {"enqueued", "pending"}
    await api.completed(task)
    assert (await api.results(task)).keys() == first.keys()
    for step in (await api.steps(task)).values():
        assert [entry["success"] for entry in await api.audit(step)] == [True, True]


async def test_a_handler_is_given_the_edited_input_of_its_step(api: Api) -> None:
    task = await api.create("ecommerce_order", BUSINESS, CART | {"paid": 1.0})
    assert standing(await api.rested(task)) == BLOCKED
    await ask(api, task, "retry", steps=["process_payment"], inputs={"paid": 124.76})
    done = await api.completed(task)
    assert (await api.results(task))["process_payment"]["amount"] == 124.76
    assert done["context"]["paid"] == 1.0


async def test_steps_below_are_given_the_edited_input_where_the_retry_names_them(api: Api) -> None:
    wrong: Json = {"cart": [{"sku": "TEA", "quantity": "two", "cents": 2999}]}
    task = await api.create("ecommerce_order", BUSINESS, CART | wrong)
    assert standing(await api.rested(task)) == BLOCKED
    steps = ["validate_cart", "update_inventory"]
    await ask(api, task, "retry", steps=steps, downstream=True, inputs={"cart": CART["cart"]})
    await api.completed(task)
    results = await api.results(task)
    assert results["validate_cart"]["total"] == 12476
    assert results["update_inventory"]["taken"] == {"TEA": 2, "CUP": 1}
