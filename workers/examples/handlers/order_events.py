"""An order that tells of itself: a publisher that writes its events, and a subscriber that hears them."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from pydantic import BaseModel, Field, PositiveInt

from workers import (
    BasePublisher,
    BaseSubscriber,
    BusinessLogicError,
    PublisherRegistry,
    StepContext,
    StepEventContext,
    SubscriberRegistry,
    ValidationError,
    depends_on,
    inputs,
    step_handler,
)

PRICES = {"TEA-01": Decimal("12.90"), "CUP-02": Decimal("8.50"), "POT-03": Decimal("39.00")}
STOCK = {"TEA-01": 40, "CUP-02": 12, "POT-03": 5}
CARD_LIMIT = Decimal("300.00")

log = logging.getLogger("example.orders")


class Order(BaseModel):
    customer: str = Field(default="Ada Lovelace", min_length=1)
    sku: str = "TEA-01"
    quantity: PositiveInt = 2


class Checked(BaseModel):
    order_id: str
    sku: str
    quantity: int
    total: Decimal


class Payment(BaseModel):
    payment_id: str
    order_id: str
    amount: Decimal


@step_handler("example.events.validate")
@inputs(Order)
def validate_order(inputs: Order, context: StepContext) -> Checked:
    if inputs.sku not in PRICES:
        raise ValidationError(f"there is no article {inputs.sku!r}", context={"known": sorted(PRICES)})
    order_id = f"ORD-{uuid5(NAMESPACE_OID, str(context.task_uuid)).hex[:10].upper()}"
    total = PRICES[inputs.sku] * inputs.quantity
    return Checked(order_id=order_id, sku=inputs.sku, quantity=inputs.quantity, total=total)


@step_handler("example.events.pay")
@depends_on(order=("validate_order", Checked))
def process_payment(order: Checked) -> Payment:
    if order.total > CARD_LIMIT:
        problem = f"the card is good for {CARD_LIMIT}, not for {order.total}"
        raise BusinessLogicError(problem, error_code="CARD_LIMIT")
    payment_id = order.order_id.replace("ORD", "PAY")
    return Payment(payment_id=payment_id, order_id=order.order_id, amount=order.total)


@step_handler("example.events.inventory")
@depends_on(order=("validate_order", Checked))
def update_inventory(order: Checked) -> dict[str, Any]:
    left = STOCK[order.sku] - order.quantity
    if left < 0:
        raise BusinessLogicError(f"only {STOCK[order.sku]} of {order.sku} are there", error_code="SOLD_OUT")
    return {"order_id": order.order_id, "sku": order.sku, "left": left}


@step_handler("example.events.notify")
@depends_on(order=("validate_order", Checked), payment=("process_payment", Payment))
@inputs("customer")
def send_notification(
    order: Checked, payment: Payment, customer: str = Order.model_fields["customer"].default
) -> dict[str, Any]:
    return {"to": customer, "text": f"{order.order_id} is paid ({payment.payment_id}) and on its way."}


class PaymentEvents(BasePublisher):
    """Says of a payment what the bookkeepers need, and nothing else."""

    @property
    def publisher_name(self) -> str:
        return "example.PaymentEvents"

    def transform_payload(self, ctx: StepEventContext) -> dict[str, Any]:
        """The step's result, or of one that failed its error."""
        result = ctx.result or {}
        if "payment_id" in result:
            return {"payment_id": result["payment_id"], "amount": result["amount"]}
        return {"reason": result["error_message"], "code": result["error_code"]}

    def additional_metadata(self, ctx: StepEventContext) -> dict[str, Any]:
        return {"department": "bookkeeping"}


class Doorbell(BaseSubscriber):
    """Writes into the worker's log what happens to orders."""

    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["order.*", "inventory.*", "notification.sent"]

    def handle(self, event: dict[str, Any]) -> None:
        log.info("%s: %s", event["event_name"], event["payload"]["payload"])


PublisherRegistry.instance().register(PaymentEvents())
SubscriberRegistry.instance().register(Doorbell)
