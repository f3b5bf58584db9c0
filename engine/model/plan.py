"""A template compiled to what the store keeps: positions instead of names, all defaults filled in."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress, count
from typing import Any

from engine.model.templates import StepDefinition, Template, for_environment

_BITS = bytes.maketrans(b"01", b"\x00\x01")


@dataclass(frozen=True)
class PlannedStep:
    """One step. Positions are indexes into `Plan.steps`; a parent's is always smaller than its child's.

    `created_at_start` is false for steps that a decision or a batch brings into being (reference 1.5).
    `timeout_seconds` None means no limit. `parallelism` and `failure_strategy` are those of a batch worker.
    `events` are what it publishes, each with name, condition, delivery_mode, publisher and schema.
    """

    position: int
    name: str
    description: str | None
    step_type: str
    handler: str
    method: str
    resolver: str | None
    initialization: dict[str, Any]
    parents: tuple[int, ...]
    children: tuple[int, ...]
    ancestor_bits: int
    retryable: bool
    max_attempts: int
    backoff: str
    backoff_base_ms: int
    max_backoff_ms: int
    timeout_seconds: int | None
    created_at_start: bool
    parallelism: int | None
    failure_strategy: str | None
    events: list[dict[str, Any]] | None

    @property
    def ancestors(self) -> tuple[int, ...]:
        """All steps before this one, ascending; not kept, for those of a long chain are millions together."""
        digits = bin(self.ancestor_bits)[:1:-1].encode().translate(_BITS)
        return tuple(compress(count(), digits))


@dataclass(frozen=True)
class Plan:
    """The steps of a template for one environment, in topological order."""

    steps: tuple[PlannedStep, ...]

    def to_rows(self) -> list[dict[str, Any]]:
        """One object a step, with the columns of the table `template_steps`."""
        return [_row(step) for step in self.steps]


def compile_plan(template: Template, environment: str | None = None) -> Plan:
    """The plan of a template, its overrides for the environment applied. Keeps the order of the file where
    that is topological. Expects a template as `load_template` gives it: without unknown steps and cycles."""
    if environment is not None:
        template = for_environment(template, environment)
    definitions = _in_topological_order(template.steps)
    positions = {definition.name: position for position, definition in enumerate(definitions)}
    parents = [tuple(sorted(positions[name] for name in step.dependencies)) for step in definitions]
    children = _children(parents)
    ancestors = _ancestors(parents)
    at_start = _created_at_start(definitions, parents)
    return Plan(
        tuple(
            _planned(position, definition, parents[position], children[position], bits, start)
            for position, (definition, bits, start) in enumerate(
                zip(definitions, ancestors, at_start, strict=True)
            )
        )
    )


def _in_topological_order(steps: list[StepDefinition]) -> list[StepDefinition]:
    """Of all steps whose parents are placed, the first of the file comes next."""
    index = {step.name: number for number, step in enumerate(steps)}
    children: list[list[int]] = [[] for _ in steps]
    missing = [len(step.dependencies) for step in steps]
    for number, step in enumerate(steps):
        for parent in step.dependencies:
            children[index[parent]].append(number)
    ready = [number for number, parents in enumerate(missing) if parents == 0]
    order: list[StepDefinition] = []
    while ready:
        number = heapq.heappop(ready)
        order.append(steps[number])
        for child in children[number]:
            missing[child] -= 1
            if missing[child] == 0:
                heapq.heappush(ready, child)
    return order


def _children(parents: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    children: list[list[int]] = [[] for _ in parents]
    for position, above in enumerate(parents):
        for parent in above:
            children[parent].append(position)
    return [tuple(below) for below in children]


def _ancestors(parents: list[tuple[int, ...]]) -> list[int]:
    """For each step the set of all steps before it, as the bits of a number."""
    ancestors: list[int] = []
    for above in parents:
        bits = 0
        for parent in above:
            bits |= ancestors[parent] | 1 << parent
        ancestors.append(bits)
    return ancestors


def _created_at_start(steps: list[StepDefinition], parents: list[tuple[int, ...]]) -> Iterator[bool]:
    """Everything but batch workers, and what comes after a decision or one of those."""
    brings_its_children: list[bool] = []
    for step, above in zip(steps, parents, strict=True):
        later = step.type == "batch_worker" or any(brings_its_children[parent] for parent in above)
        brings_its_children.append(later or step.type == "decision")
        yield not later


def _planned(
    position: int,
    step: StepDefinition,
    parents: tuple[int, ...],
    children: tuple[int, ...],
    ancestor_bits: int,
    created_at_start: bool,
) -> PlannedStep:
    batch = step.batch_config if step.type == "batch_worker" else None
    return PlannedStep(
        position=position,
        name=step.name,
        description=step.description,
        step_type=step.type,
        handler=step.handler.callable,
        method=step.handler.method,
        resolver=step.handler.resolver,
        initialization=step.handler.initialization,
        parents=parents,
        children=children,
        ancestor_bits=ancestor_bits,
        retryable=step.retry.retryable,
        max_attempts=step.retry.max_attempts,
        backoff=step.retry.backoff,
        backoff_base_ms=step.retry.backoff_base_ms,
        max_backoff_ms=step.retry.max_backoff_ms,
        timeout_seconds=step.timeout_seconds,
        created_at_start=created_at_start,
        parallelism=batch.parallelism if batch else None,
        failure_strategy=batch.failure_strategy if batch else None,
        events=[event.model_dump(by_alias=True) for event in step.publishes_events] or None,
    )


def _row(step: PlannedStep) -> dict[str, Any]:
    names = (name for name in PlannedStep.__dataclass_fields__ if name != "ancestor_bits")
    return {name: getattr(step, name) for name in names} | {"ancestors": step.ancestors}
