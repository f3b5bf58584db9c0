"""The handlers of the shop in the pictures: what a step does is decided by what its task was started with.

The task's `declined`, `jammed` and `slow` name what goes wrong; without them every step succeeds.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from workers import PermanentError, RetryableError, StepContext, step_handler

log = logging.getLogger("shop")
LONGER_THAN_ANY_PICTURE = 600.0

RESULTS: dict[str, tuple[float, dict[str, Any]]] = {
    "validate": (0.12, {"order": 8841, "amount": "129.90", "currency": "EUR", "items": 3}),
    "reserve_stock": (0.31, {"reservation": "RES-5510", "halls": ["a", "b", "c", "d"]}),
    "fraud_check": (0.22, {"score": 0.02, "verdict": "pass"}),
    "quote_ups": (0.4, {"price": "6.20", "days": 1}),
    "quote_dhl": (0.3, {"price": "4.90", "days": 2}),
    "quote_fedex": (0.5, {"price": "7.10", "days": 1}),
    "pick_carrier": (0.06, {"carrier": "dhl", "price": "4.90"}),
    "merge_packs": (0.2, {"parcels": 2}),
    "print_label": (0.18, {"label": "LBL-20931"}),
    "hand_over": (0.15, {"parcels": 2}),
    "book_revenue": (0.07, {"booked": "129.90"}),
}
"""By step: the seconds it takes, and its result."""


@step_handler("shop.desk.serve")
async def serve(context: StepContext) -> dict[str, Any]:
    """Do what cannot go wrong."""
    seconds, result = RESULTS.get(context.step_name, (0.05, {"done": True}))
    await asyncio.sleep(seconds)
    return result


@step_handler("shop.payment.charge")
async def charge(context: StepContext) -> dict[str, Any]:
    """Take the money; the bank is slow to say no."""
    log.info("charging 129.90 EUR to the card ending in 4242")
    await asyncio.sleep(0.35)
    if not context.get_input_or("declined", False):
        return {"payment": "PAY-77120", "amount": "129.90"}
    if context.retry_count < 2:
        log.warning("the bank did not answer in time")
        raise RetryableError("the bank did not answer within 0.3 s", error_code="GATEWAY_TIMEOUT")
    log.error("the bank answered 402: insufficient funds")
    raise PermanentError("card declined: insufficient funds for order 8841", error_code="CARD_DECLINED")


@step_handler("shop.warehouse.pack")
async def pack(context: StepContext) -> dict[str, Any]:
    """Pack one hall's part."""
    name = context.step_name
    if name == context.get_input_or("jammed", ""):
        raise RetryableError("the label printer of the hall is offline", retry_after=300)
    if name == context.get_input_or("slow", ""):
        await context.wait_cancelled(LONGER_THAN_ANY_PICTURE)
        context.raise_if_cancelled()
    await asyncio.sleep(0.5)
    return {"parcel": f"P-{name[-1].upper()}", "weight": "1.2 kg"}
