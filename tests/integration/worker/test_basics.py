"""A worker and an engine run workflows to their end."""

from __future__ import annotations

from tests.support.stack import Stack
from tests.support.workflows import linear


async def test_a_linear_workflow_runs_in_order(stack: Stack) -> None:
    await stack.engine()
    await stack.worker()
    task = await stack.flows.run(linear(4))
    await stack.flows.reaches(task, "complete")
    assert stack.effects() == ["s1 1", "s2 1", "s3 1", "s4 1"]
