"""Workflows as users write them: orders, sign-ups, pipelines, refunds (reference 10.1)."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.api import BLOCKED, Api, Json, error_of, standing
from tests.e2e.test_shapes import began, ended

BUSINESS = "e2e_business"

CART: Json = {
    "customer": "grace@example.org",
    "paid": 124.76,
    "cart": [{"sku": "TEA", "quantity": 2, "cents": 2999}, {"sku": "CUP", "quantity": 1, "cents": 4999}],
}


@pytest.mark.scenario(12)
async def test_an_order_is_fulfilled(api: Api) -> None:
    items = [{"sku": "TEA-01", "quantity": 3, "unit_price": 12.90}, {"sku": "POT-03", "unit_price": 40}]
    task = await api.create(
        "order_fulfillment", "example", {"customer": "Ada", "items": items, "address": "1 Main St"}
    )
    assert (await api.completed(task))["total_steps"] == 4
    steps = await api.steps(task)
    results = await api.results(task)
    assert results["validate_order"]["total"] == "78.70"
    reservations = results["reserve_inventory"]["reservation_ids"]
    assert set(reservations) == {"TEA-01", "POT-03"}
    assert all(one.startswith("RES-") for one in reservations.values())
    payment, shipment = results["process_payment"], results["ship_order"]
    assert payment["payment_id"].startswith("PAY-")
    assert payment["amount"] == "78.70"
    assert shipment["tracking_id"].startswith("TRK-")
    assert (shipment["payment_id"], shipment["parcels"]) == (payment["payment_id"], 2)
    assert shipment["address"] == "1 Main St"
    assert [step["total_parents"] for step in steps.values()] == [0, 1, 2, 3]
    in_order = list(steps.values())
    for number, step in enumerate(in_order):
        assert step["parent_names"] == [one["name"] for one in in_order[:number]]
        assert all(began(step) >= ended(parent) for parent in in_order[:number])


@pytest.mark.scenario(13)
async def test_a_shop_order(api: Api) -> None:
    task = await api.create("ecommerce_order", BUSINESS, CART)
    assert (await api.completed(task))["total_steps"] == 5
    results = await api.results(task)
    assert results["validate_cart"] == {"subtotal": 10997, "tax": 880, "total": 12476}
    assert results["create_order"]["total"] == 124.76
    assert results["create_order"]["articles"] == ["CUP", "TEA"]
    assert results["create_order"]["payment_id"] == f"pay-{task['task_uuid']}"
    assert results["send_confirmation"] == {
        "to": "grace@example.org",
        "subject": f"Your order order-{task['task_uuid']} of 124.76",
    }


async def test_a_payment_that_does_not_fit_stops_the_order(api: Api) -> None:
    task = await api.create("ecommerce_order", BUSINESS, CART | {"paid": 1.0})
    assert standing(await api.rested(task)) == BLOCKED
    steps = await api.steps(task)
    assert [step["current_state"] for step in steps.values()] == [
        "complete", "error", "pending", "pending", "pending",
    ]  # fmt: skip
    error = steps["process_payment"]["last_error"]
    assert (error["error_type"], error["message"]) == (
        "business_logic_error",
        "1.0 was paid for an order of 124.76",
    )


async def test_the_input_schema_says_which_part_is_wrong(api: Api) -> None:
    cart = [CART["cart"][0], {"sku": "CUP", "quantity": 1}]
    answer = await api.post("ecommerce_order", BUSINESS, CART | {"cart": cart, "customer": 7})
    error = error_of(answer, 422)
    assert {problem["path"] for problem in error["problems"]} == {"context.cart[1]", "context.customer"}
    assert any("cents" in problem["message"] for problem in error["problems"])


@pytest.mark.scenario(14)
async def test_a_pipeline_over_files(api: Api) -> None:
    task = await api.create("etl_pipeline", "example", {"low_stock_threshold": 10})
    assert (await api.completed(task))["total_steps"] == 8
    steps = await api.steps(task)
    kinds = ("sales", "inventory", "customers")
    assert [steps[f"extract_{kind}"]["total_parents"] for kind in kinds] == [0, 0, 0]
    assert [steps[f"transform_{kind}"]["parent_names"] for kind in kinds] == [[f"extract_{k}"] for k in kinds]
    aggregate = steps["aggregate_metrics"]
    assert aggregate["parent_names"] == [f"transform_{kind}" for kind in kinds]
    assert all(began(aggregate) >= ended(steps[f"transform_{kind}"]) for kind in kinds)
    summary = aggregate["results"]["result"]
    written = json.loads(await asyncio.to_thread(Path(summary["file"]).read_text))
    assert written == {key: value for key, value in summary.items() if key != "file"}
    assert sum(summary["revenue_cents_by_region"].values()) == summary["revenue_cents"] > 0
    report = steps["generate_insights"]["results"]["result"]
    assert report["headline"].startswith(f"{summary['orders']} orders brought ")
    assert set(report["reorder"]) == {sku for sku, left in summary["left_by_article"].items() if left < 10}


@pytest.mark.parametrize(
    ("plan", "billing", "channels"),
    [
        pytest.param("pro", 1900, ["email"], marks=pytest.mark.scenario(15)),
        pytest.param("free", None, ["email"], marks=pytest.mark.scenario(16)),
        pytest.param("enterprise", 9900, ["email", "phone"], marks=pytest.mark.scenario(17)),
    ],
)
async def test_a_user_signs_up(api: Api, plan: str, billing: int | None, channels: list[str]) -> None:
    task = await api.create("user_registration", BUSINESS, {"email": "ada@example.org", "plan": plan})
    assert (await api.completed(task))["total_steps"] == 5
    results = await api.results(task)
    user = f"user-{task['task_uuid']}"
    assert results["setup_billing"] == (
        {"required": True, "billing_id": f"bill-{user}", "cents": billing} if billing else {"required": False}
    )
    assert results["send_welcome"] == {
        "to": "ada@example.org",
        "mentions_billing": billing is not None,
        "channels": channels,
    }
    assert results["update_status"] == {"user_id": user, "status": "active", "welcomed": "ada@example.org"}
    steps = await api.steps(task)
    assert [step["total_parents"] for step in steps.values()] == [0, 1, 1, 2, 1]


REFUND_STEPS = {
    "payments": [
        "validate_payment_eligibility",
        "process_gateway_refund",
        "update_payment_records",
        "notify_customer",
    ],
    "customer_success": [
        "validate_refund_request",
        "check_refund_policy",
        "get_manager_approval",
        "execute_refund_workflow",
        "update_ticket_status",
    ],
}


async def refund(api: Api, namespace: str, payment_id: str) -> dict[str, Any]:
    """Run a refund of a namespace, and check that all of it ran there."""
    task = await api.create("process_refund", namespace, {"payment_id": payment_id})
    done = await api.completed(task)
    assert (done["name"], done["namespace"]) == ("process_refund", namespace)
    steps = await api.steps(task)
    names = REFUND_STEPS[namespace]
    assert list(steps) == names
    for number, step in enumerate(steps.values()):
        assert step["namespace"] == namespace
        assert step["results"]["result"] == {
            "namespace": namespace,
            "step": names[number],
            "before": sorted(names[:number]),
            "payment_id": payment_id,
        }
    return done


@pytest.mark.scenario(18)
async def test_a_refund_of_payments(api: Api) -> None:
    assert (await refund(api, "payments", "pay-1"))["completed_steps"] == 4


@pytest.mark.scenario(19)
async def test_a_refund_of_customer_success_has_the_same_name(api: Api) -> None:
    assert (await refund(api, "customer_success", "pay-2"))["completed_steps"] == 5


@pytest.mark.scenario(20)
async def test_both_namespaces_at_once(api: Api) -> None:
    namespaces = ["payments", "customer_success"] * 5
    done = await asyncio.gather(*(refund(api, one, f"pay-{n}") for n, one in enumerate(namespaces)))
    assert [one["total_steps"] for one in done] == [4, 5] * 5
    began_all = [datetime.fromisoformat(one["created_at"]) for one in done]
    assert max(began_all) < max(datetime.fromisoformat(one["completed_at"]) for one in done)
