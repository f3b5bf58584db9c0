"""Decision points: which steps come next (reference 8.2).

The outcome stands in the step's result under `decision_point_outcome`: `{"type": "create_steps",
"step_names": [...], "routing_context": {...}}`, with `dynamic_steps` if there are any, or `{"type":
"no_branches", "reason": ..., "routing_context": {...}}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from workers.results import StepHandlerResult


class DecisionType(StrEnum):
    """What a decision can say."""

    CREATE_STEPS = "create_steps"
    NO_BRANCHES = "no_branches"


@dataclass(slots=True)
class DecisionPointOutcome:
    """What was decided, and what for. `routing_context` is stored beside it for the steps that follow."""

    decision_type: DecisionType
    next_step_names: list[str] = field(default_factory=list)
    dynamic_steps: list[dict[str, Any]] | None = None
    reason: str | None = None
    routing_context: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def create_steps(
        cls,
        step_names: list[str],
        dynamic_steps: list[dict[str, Any]] | None = None,
        routing_context: dict[str, Any] | None = None,
    ) -> DecisionPointOutcome:
        """Go on with these steps. Raises `ValueError` without any: that is what `no_branches` is for."""
        if not step_names and not dynamic_steps:
            raise ValueError("create_steps needs at least one step; say no_branches(reason) for none")
        return cls(DecisionType.CREATE_STEPS, list(step_names), dynamic_steps, None, routing_context or {})

    @classmethod
    def no_branches(cls, reason: str, routing_context: dict[str, Any] | None = None) -> DecisionPointOutcome:
        """Go on with none of the branches."""
        return cls(DecisionType.NO_BRANCHES, [], None, reason, routing_context or {})

    def to_dict(self) -> dict[str, Any]:
        """The stored shape."""
        shape: dict[str, Any] = {"type": self.decision_type.value, "routing_context": self.routing_context}
        if self.decision_type is DecisionType.NO_BRANCHES:
            return {**shape, "reason": self.reason}
        shape["step_names"] = self.next_step_names
        if self.dynamic_steps:
            shape["dynamic_steps"] = self.dynamic_steps
        return shape

    def __step_result__(self) -> StepHandlerResult:
        return StepHandlerResult.success(
            {"decision_point_outcome": self.to_dict(), "routing_context": self.routing_context}
        )


class DecisionMixin:
    """Adds the results of a decision point to a `StepHandler`."""

    @property
    def decision_capabilities(self) -> list[str]:
        """What the mixin adds to the handler's capabilities."""
        return ["decision_point", "dynamic_workflow", "step_creation"]

    def decision_success(
        self,
        steps: list[str],
        routing_context: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StepHandlerResult:
        """Go on with these steps."""
        outcome = DecisionPointOutcome.create_steps(steps, routing_context=routing_context)
        return _decided(outcome, metadata)

    def decision_success_with_outcome(
        self, outcome: DecisionPointOutcome, metadata: dict[str, Any] | None = None
    ) -> StepHandlerResult:
        """Go on with what the outcome says."""
        return _decided(outcome, metadata)

    def decision_no_branches(
        self, outcome: DecisionPointOutcome, metadata: dict[str, Any] | None = None
    ) -> StepHandlerResult:
        """Go on with none of the branches, as the outcome says. Raises `ValueError` if it names steps."""
        if outcome.decision_type is not DecisionType.NO_BRANCHES:
            raise ValueError("decision_no_branches takes an outcome of DecisionPointOutcome.no_branches")
        return _decided(outcome, metadata)

    def route_to_steps(
        self,
        step_names: list[str],
        routing_context: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StepHandlerResult:
        """Go on with these steps (another name of `decision_success`)."""
        return self.decision_success(step_names, routing_context, metadata)

    def skip_branches(
        self,
        reason: str,
        routing_context: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StepHandlerResult:
        """Go on with none of the branches."""
        return _decided(DecisionPointOutcome.no_branches(reason, routing_context), metadata)

    def decision_failure(
        self,
        message: str,
        error_type: str = "decision_error",
        retryable: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> StepHandlerResult:
        """It could not be decided."""
        return StepHandlerResult.failure(message, error_type, retryable, metadata)


def _decided(outcome: DecisionPointOutcome, metadata: dict[str, Any] | None) -> StepHandlerResult:
    decided = outcome.__step_result__()
    decided.metadata = metadata or {}
    return decided
