"""Domain events of the bundled example and of templates that go wrong (reference 10.6)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.api import BLOCKED, Api, Json, standing, until

ROUTER = {
    "total_routed", "durable_routed", "fast_routed", "broadcast_routed", "failed", "held_back", "withdrawn",
}  # fmt: skip
BUS = {
    "total_events_dispatched", "handler_dispatches", "handler_errors", "dropped", "subscriber_count",
    "subscribers",
}  # fmt: skip
CHAIN = ["validate_order", "process_payment", "update_inventory", "send_notification"]
ORDER_OF_ONE = {"total_routed": 4, "durable_routed": 1, "fast_routed": 3}


async def counters(worker: httpx.AsyncClient) -> Json:
    """The worker's event counters."""
    answer = await worker.get("/metrics/events")
    assert answer.status_code == 200
    found: Json = answer.json()
    return found


async def grown(worker: httpx.AsyncClient, before: Json, **wanted: int) -> None:
    """Wait until the router's counters have grown so much: a result is told of before its events are."""

    def enough(now: Json) -> bool:
        return all(now["router"][name] - before["router"][name] >= by for name, by in wanted.items())

    now = await until(lambda: counters(worker), enough)
    assert {name: now["router"][name] - before["router"][name] for name in wanted} == wanted


async def heard(api: Api, task: Json, enough: Callable[[list[Json]], bool]) -> list[Json]:
    """What a subscriber in the worker was called with for a task."""

    async def ask() -> list[Json]:
        result = await api.run("heard", "e2e_events", {"of": task["task_uuid"]})
        events: list[Json] = result["heard"]["events"]
        return events

    found: list[Json] = await until(ask, enough)
    return found


@pytest.mark.scenario(90, 94)
async def test_an_order_publishes_its_events(api: Api, worker: httpx.AsyncClient) -> None:
    before = await counters(worker)
    task = await api.create("order_events", "example")
    steps = await api.steps(task)
    assert sorted(steps) == sorted(CHAIN)
    parents = {name: step["total_parents"] for name, step in steps.items()}
    assert parents == {"validate_order": 0} | dict.fromkeys(CHAIN[1:], 1)
    await api.completed(task)
    await grown(worker, before, **ORDER_OF_ONE, failed=0)

    async def metrics() -> str:
        return (await api.http.get("/metrics")).text

    await until(metrics, lambda text: "\ntasker_domain_events_waiting 0.0\n" in text)


@pytest.mark.scenario(91)
async def test_tasks_at_the_same_time_publish_all_their_events(api: Api, worker: httpx.AsyncClient) -> None:
    before = await counters(worker)
    await asyncio.gather(*(api.run("order_events", "example", {"quantity": n}) for n in (1, 2, 3)))
    await grown(worker, before, **{name: 3 * count for name, count in ORDER_OF_ONE.items()}, failed=0)


@pytest.mark.scenario(92)
async def test_events_leave_the_results_as_they_are(api: Api) -> None:
    results = await api.run("order_events", "example", {"customer": "Grace", "sku": "CUP-02", "quantity": 2})
    order = results["validate_order"]["order_id"]
    assert order.startswith("ORD-")
    assert results["validate_order"] == {"order_id": order, "sku": "CUP-02", "quantity": 2, "total": "17.00"}
    payment = order.replace("ORD", "PAY")
    assert results["process_payment"] == {"payment_id": payment, "order_id": order, "amount": "17.00"}
    assert results["update_inventory"] == {"order_id": order, "sku": "CUP-02", "left": 10}
    assert results["send_notification"]["to"] == "Grace"


@pytest.mark.scenario(93)
async def test_the_counters_of_events(worker: httpx.AsyncClient) -> None:
    found = await counters(worker)
    assert found["worker_id"] == (await worker.get("/health")).json()["worker_id"]
    assert found["captured_at"]
    assert (set(found["router"]), set(found["in_process_bus"])) == (ROUTER, BUS)
    subscribers = {one["subscriber"]: one["patterns"] for one in found["in_process_bus"]["subscribers"]}
    assert subscribers["Ear"] == ["order.*", "notification.sent"]
    assert subscribers.keys() == {"Ear", "DeafEar", "Doorbell"}
    assert found["publishers"] == ["e2e.BrokenPress", "example.PaymentEvents"]


@pytest.mark.scenario(95)
async def test_a_subscriber_is_called_for_the_names_that_it_wants(api: Api) -> None:
    task = await api.create("order_events", "example", {"quantity": 1})
    await api.completed(task)
    events = await heard(api, task, lambda found: len(found) >= 2)
    assert [one["event_name"] for one in events] == ["order.validated", "notification.sent"]
    validated = events[0]
    results = await api.results(task)
    assert validated["payload"]["payload"] == results["validate_order"]
    assert validated["payload"]["task"]["context"] == {"quantity": 1}
    step = (await api.steps(task))["validate_order"]
    assert validated["metadata"]["step_uuid"] == step["step_uuid"]
    assert validated["metadata"]["namespace"] == "example"


@pytest.mark.scenario(77)
@pytest.mark.parametrize(
    ("context", "failed", "routed"),
    [
        ({"sku": "POT-03", "quantity": 8}, "process_payment", {"durable_routed": 1, "fast_routed": 1}),
        ({"sku": "CUP-02", "quantity": 13}, "update_inventory", {"durable_routed": 1, "fast_routed": 2}),
    ],
)
async def test_a_failure_publishes_what_it_should(
    api: Api, worker: httpx.AsyncClient, context: dict[str, Any], failed: str, routed: dict[str, int]
) -> None:
    before = await counters(worker)
    task = await api.create("order_events", "example", context)
    assert standing(await api.rested(task)) == BLOCKED
    states = Counter(step["current_state"] for step in (await api.steps(task)).values())
    assert states["error"] == 1
    assert (await api.steps(task))[failed]["current_state"] == "error"
    await grown(worker, before, **routed, failed=0)


@pytest.mark.scenario(97)
async def test_publishers_and_subscribers_that_raise_touch_no_step(
    api: Api, worker: httpx.AsyncClient
) -> None:
    before = await counters(worker)
    task = await api.create("loud", "e2e_events", {"words": "much too long"})
    await api.completed(task)
    assert await api.results(task) == {"speak": {"spoken": "much too long"}}
    await grown(worker, before, total_routed=1, failed=2)
    errors = before["in_process_bus"]["handler_errors"]
    await until(lambda: counters(worker), lambda now: now["in_process_bus"]["handler_errors"] == errors + 1)
    step = (await api.steps(task))["speak"]
    lines = await until(lambda: api.log(step), lambda lines: len(lines) >= 2)
    assert "event e2e.printed was not published: RuntimeError: no paper" in lines
    (unfit,) = [line for line in lines if "e2e.fitting" in line]
    assert "it does not fit the event's schema: /spoken" in unfit
