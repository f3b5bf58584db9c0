"""A shop, a sign-up and two ways to give money back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workers import BusinessLogicError, StepContext, ValidationError, depends_on, inputs, step_handler

TAX_PERCENT = 8
SHIPPING_CENTS = 599


@dataclass
class CartItem:
    sku: str
    quantity: int
    cents: int


@dataclass
class Cart:
    cart: list[CartItem]


@step_handler("e2e.shop.validate_cart")
@inputs(Cart)
def validate_cart(inputs: Cart) -> dict[str, Any]:
    subtotal = sum(item.cents * item.quantity for item in inputs.cart)
    tax = round(subtotal * TAX_PERCENT / 100)
    return {"subtotal": subtotal, "tax": tax, "total": subtotal + tax + SHIPPING_CENTS}


@step_handler("e2e.shop.process_payment")
@depends_on(cart="validate_cart")
@inputs("paid")
def process_payment(cart: dict[str, Any], paid: float, context: StepContext) -> dict[str, Any]:
    if round(paid * 100) != cart["total"]:
        raise BusinessLogicError(f"{paid} was paid for an order of {cart['total'] / 100}")
    return {"payment_id": f"pay-{context.task_uuid}", "amount": paid}


@step_handler("e2e.shop.update_inventory")
@inputs(Cart)
def update_inventory(inputs: Cart) -> dict[str, Any]:
    return {"taken": {item.sku: item.quantity for item in inputs.cart}}


@step_handler("e2e.shop.create_order")
@depends_on(cart="validate_cart", payment="process_payment", inventory="update_inventory")
def create_order(
    cart: dict[str, Any], payment: dict[str, Any], inventory: dict[str, Any], context: StepContext
) -> dict[str, Any]:
    return {
        "order_id": f"order-{context.task_uuid}",
        "payment_id": payment["payment_id"],
        "total": cart["total"] / 100,
        "articles": sorted(inventory["taken"]),
    }


@step_handler("e2e.shop.send_confirmation")
@depends_on(order="create_order")
@inputs("customer")
def send_confirmation(order: dict[str, Any], customer: str) -> dict[str, Any]:
    return {"to": customer, "subject": f"Your order {order['order_id']} of {order['total']:.2f}"}


PLANS = {"free": 0, "pro": 1900, "enterprise": 9900}


@step_handler("e2e.users.create")
@inputs("email", "plan")
def create_user(email: str, plan: str, context: StepContext) -> dict[str, Any]:
    if plan not in PLANS:
        raise ValidationError(f"there is no plan {plan!r}")
    return {"user_id": f"user-{context.task_uuid}", "email": email, "plan": plan}


@step_handler("e2e.users.billing")
@depends_on(user="create_user")
def setup_billing(user: dict[str, Any]) -> dict[str, Any]:
    cents = PLANS[user["plan"]]
    if not cents:
        return {"required": False}
    return {"required": True, "billing_id": f"bill-{user['user_id']}", "cents": cents}


@step_handler("e2e.users.preferences")
@depends_on(user="create_user")
def init_preferences(user: dict[str, Any]) -> dict[str, Any]:
    preferences = {"newsletter": True, "support": user["plan"] == "enterprise"}
    return {"preferences": preferences}


@step_handler("e2e.users.welcome")
@depends_on(user="create_user", billing="setup_billing", preferences="init_preferences")
def send_welcome(
    user: dict[str, Any], billing: dict[str, Any], preferences: dict[str, Any]
) -> dict[str, Any]:
    channels = ["email", *(["phone"] if preferences["preferences"]["support"] else [])]
    return {"to": user["email"], "mentions_billing": billing["required"], "channels": channels}


@step_handler("e2e.users.activate")
@depends_on(user="create_user", welcome="send_welcome")
def update_status(user: dict[str, Any], welcome: dict[str, Any]) -> dict[str, Any]:
    return {"user_id": user["user_id"], "status": "active", "welcomed": welcome["to"]}


@step_handler("e2e.refunds.step")
async def refund_step(context: StepContext) -> dict[str, Any]:
    """Note where it ran, and which steps of its task ran before."""
    return {
        "namespace": context.namespace,
        "step": context.step_name,
        "before": sorted(context.get_dependency_result_keys()),
        "payment_id": context.get_input("payment_id"),
    }
