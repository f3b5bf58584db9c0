"""The handlers of a shop whose troubles are files: while `gateway` is there, no card is charged."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from workers import PermanentError, StepContext, inputs, step_handler


def _trouble(name: str) -> bool:
    return (Path(os.environ["TASKER_TEST_TROUBLES"]) / name).exists()


def _needs(name: str, otherwise: str) -> dict[str, Any]:
    if _trouble(name):
        raise PermanentError(otherwise)
    return {name: True}


@step_handler("shop.check")
@inputs("order", "amount")
async def check(order: int, amount: int = 1) -> dict[str, Any]:
    """Everything is in order, unless the order's amount is not."""
    if amount < 0:
        raise PermanentError(f"amount {amount} of order {order} is below zero")
    return {"amount": amount}


@step_handler("shop.done")
async def done(context: StepContext) -> dict[str, Any]:
    """Always comes through."""
    return {}


@step_handler("shop.charge")
async def charge(context: StepContext) -> dict[str, Any]:
    """Needs the gateway."""
    return _needs("gateway", f"gateway answered 503 to order {context.get_input('order')}")


@step_handler("shop.label")
async def label(context: StepContext) -> dict[str, Any]:
    """Needs the printer."""
    return _needs("printer", f"printer hall-{context.get_input('order') % 7} is offline")


@step_handler("shop.letter")
async def letter(context: StepContext) -> dict[str, Any]:
    """Needs an address."""
    return _needs("address", f"'customer-{context.get_input('order')}' has no address")


@step_handler("shop.wait")
async def wait(context: StepContext) -> dict[str, Any]:
    """Hangs while there is a jam."""
    if _trouble("jam"):
        await asyncio.Event().wait()
    return {}
