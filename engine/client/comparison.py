"""Comparing runs, as calls for either client."""

from __future__ import annotations

from collections.abc import Sequence

from engine.client.calls import Call, Id, given
from engine.client.pauses import template as address_of
from engine.model.wire.comparison import Grid, TaskDiff


def grid(
    namespace: str,
    template: str,
    version: str,
    *,
    state: Sequence[str] | None = None,
    before: Id | None = None,
    limit: int = 25,
) -> Call[Grid]:
    """The newest runs of a template's version, step by step."""
    path = f"{address_of(namespace, template, version)}/grid"
    return Call("GET", path, Grid.model_validate_json, given(state=state, before=before, limit=limit))


def diff(task_uuid: Id, other_uuid: Id, *, differing: bool = False, limit: int = 1_000) -> Call[TaskDiff]:
    """Two tasks of one template side by side."""
    params = given(differing=differing or None, limit=limit)
    return Call("GET", f"/v1/tasks/{task_uuid}/diff/{other_uuid}", TaskDiff.model_validate_json, params)
