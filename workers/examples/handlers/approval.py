"""Who has to agree to an expense: a decision creates the steps that a request needs, and no others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from workers import (
    BusinessLogicError,
    Decision,
    StepContext,
    ValidationError,
    decision_handler,
    depends_on,
    inputs,
    step_handler,
)

MANAGER_FROM = Decimal(1000)
FINANCE_FROM = Decimal(5000)


class Expense(BaseModel):
    """`denied_by` lets somebody refuse, so that there is something to look at."""

    amount: Decimal = Decimal(3000)
    requester: str = Field(default="Ada Lovelace", min_length=1)
    purpose: str = Field(default="A new loom", min_length=1)
    withdrawn: bool = False
    denied_by: str = "nobody"


@step_handler("example.approval.validate")
@inputs(Expense)
def validate_request(inputs: Expense) -> dict[str, Any]:
    if not inputs.amount.is_finite() or inputs.amount <= 0:
        raise ValidationError(f"the amount is {inputs.amount}; an expense is more than nothing")
    return inputs.model_dump(mode="json")


@decision_handler("example.approval.route")
@depends_on(request=("validate_request", Expense))
def route(request: Expense) -> Decision:
    """Nobody below 1000, a manager below 5000, a manager and the finance department from there on."""
    amount = str(request.amount)
    if request.withdrawn:
        return Decision.skip("the request was withdrawn", amount=amount)
    if request.amount < MANAGER_FROM:
        return Decision.route(["auto_approve"], amount=amount)
    if request.amount < FINANCE_FROM:
        return Decision.route(["manager_approval"], amount=amount)
    return Decision.route(["manager_approval", "finance_review"], amount=amount)


@step_handler("example.approval.auto")
def auto_approve() -> dict[str, Any]:
    return {"approved": True, "by": "the rules"}


@step_handler("example.approval.person")
@depends_on(request=("validate_request", Expense))
def ask_a_person(request: Expense, context: StepContext) -> dict[str, Any]:
    person = context.get_config("who")
    if request.denied_by == person:
        raise BusinessLogicError(f"denied by {person}: {request.purpose}", error_code="DENIED")
    return {"approved": True, "by": person}


@step_handler("example.approval.finalize")
def finalize(context: StepContext) -> dict[str, Any]:
    """Which approvals there are depends on the decision: the results tell."""
    branches = ("auto_approve", "manager_approval", "finance_review")
    found = [result for name in branches if (result := context.get_dependency_result(name))]
    return {
        "approved": all(result["approved"] for result in found),
        "approved_by": [result["by"] for result in found],
        "amount": context.get_dependency_field("validate_request", "amount"),
    }
