"""An order from its check to its parcel, with models at every border.

Ids are made from the task's id: an attempt that is repeated makes the same ones again.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from pydantic import BaseModel, Field, PositiveInt

from workers import (
    BusinessLogicError,
    RetryableError,
    StepContext,
    ValidationError,
    depends_on,
    inputs,
    step_handler,
)

STOCK = {"TEA-01": 40, "CUP-02": 12, "POT-03": 5}
CARD_LIMIT = Decimal("5000.00")


class Item(BaseModel):
    sku: str = Field(min_length=1)
    quantity: PositiveInt = 1
    unit_price: Decimal = Field(gt=0, decimal_places=2)


def _sample_items() -> list[Item]:
    tea = Item(sku="TEA-01", quantity=3, unit_price=Decimal("12.90"))
    return [tea, Item(sku="CUP-02", quantity=2, unit_price=Decimal("8.50"))]


class Order(BaseModel):
    customer: str = "Ada Lovelace"
    items: list[Item] = Field(default_factory=_sample_items, min_length=1)
    payment_method: str = "card"
    address: str = "12 St James's Square, London"


class CheckedOrder(BaseModel):
    customer: str
    items: list[Item]
    total: Decimal


class Reservation(BaseModel):
    reservation_ids: dict[str, str]


class Payment(BaseModel):
    payment_id: str
    amount: Decimal
    method: str


class Shipment(BaseModel):
    tracking_id: str
    carrier: str
    address: str
    parcels: int
    payment_id: str


@step_handler("example.orders.validate")
@inputs(Order)
def validate_order(inputs: Order) -> CheckedOrder:
    total = sum((item.unit_price * item.quantity for item in inputs.items), Decimal(0))
    return CheckedOrder(customer=inputs.customer, items=inputs.items, total=total.quantize(Decimal("0.01")))


@step_handler("example.orders.reserve")
@depends_on(order=("validate_order", CheckedOrder))
def reserve_inventory(order: CheckedOrder, context: StepContext) -> Reservation:
    for item in order.items:
        if item.sku not in STOCK:
            raise ValidationError(f"there is no article {item.sku!r}", context={"known": sorted(STOCK)})
        if item.quantity > STOCK[item.sku]:
            raise RetryableError(f"only {STOCK[item.sku]} of {item.sku} are there", retry_after=1)
    return Reservation(
        reservation_ids={item.sku: _made_id("RES", context.task_uuid, item.sku) for item in order.items}
    )


@step_handler("example.orders.pay")
@depends_on(order=("validate_order", CheckedOrder), reservation=("reserve_inventory", Reservation))
@inputs("payment_method")
def process_payment(
    order: CheckedOrder, reservation: Reservation, context: StepContext, payment_method: str = "card"
) -> Payment:
    if order.total > CARD_LIMIT:
        raise BusinessLogicError(
            f"{order.total} is over the limit of {CARD_LIMIT}",
            context={"reservations": list(reservation.reservation_ids.values())},
        )
    payment_id = _made_id("PAY", context.task_uuid, str(order.total))
    return Payment(payment_id=payment_id, amount=order.total, method=payment_method)


@step_handler("example.orders.ship")
@depends_on(
    order=("validate_order", CheckedOrder),
    reservation=("reserve_inventory", Reservation),
    payment=("process_payment", Payment),
)
@inputs("address")
def ship_order(
    order: CheckedOrder,
    reservation: Reservation,
    payment: Payment,
    context: StepContext,
    address: str = Order.model_fields["address"].default,
) -> dict[str, Any]:
    shipment = Shipment(
        tracking_id=_made_id("TRK", context.task_uuid, order.customer),
        carrier="Penny Post",
        address=address,
        parcels=len(reservation.reservation_ids),
        payment_id=payment.payment_id,
    )
    return shipment.model_dump()


def _made_id(kind: str, task_uuid: UUID, subject: str) -> str:
    return f"{kind}-{uuid5(NAMESPACE_OID, f'{task_uuid}/{kind}/{subject}').hex[:10].upper()}"
