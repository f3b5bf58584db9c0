"""What a worker that debugs a handler says of its steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.workers.executing import bench, running_step
from workers import StepContext, StepHandler
from workers.runtime.debugging import tell_end


class Fails(StepHandler):
    async def call(self, context: StepContext) -> Any:
        raise ValueError("no such order")


class Succeeds(StepHandler):
    async def call(self, context: StepContext) -> Any:
        return {}


@pytest.mark.parametrize(
    ("handler", "said"),
    [(Fails(), ["step step failed", "ValueError: no such order", "in call"]), (Succeeds(), ["is complete"])],
)
async def test_the_end_of_a_step_is_told(
    handler: StepHandler, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    step = running_step()
    with bench(handler) as executor:
        finished = await executor.run(step)
    with caplog.at_level("INFO", "tasker.debug"):
        tell_end(step, finished)
    assert all(words in caplog.text for words in said), caplog.text
