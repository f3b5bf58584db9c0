"""What handlers raise that Python's own machinery stumbles over, and handlers that never got to begin."""

from __future__ import annotations

import json
from concurrent.futures import CancelledError
from typing import Any

import pytest

from tests.unit.workers.executing import bench, running_step
from workers import StepContext, StepHandler, StepHandlerResult


class Raises(StepHandler):
    """Raises in a thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def call(self, context: StepContext) -> Any:
        raise self.error


class RaisesOnTheLoop(Raises):
    """Raises in a coroutine."""

    async def call(self, context: StepContext) -> Any:
        raise self.error


@pytest.mark.parametrize("kind", [Raises, RaisesOnTheLoop])
@pytest.mark.parametrize(
    ("error", "error_type"),
    [
        (StopIteration("empty"), "handler_error"),
        (StopAsyncIteration("empty"), "handler_error"),
        (CancelledError("empty"), "handler_error"),
        (SystemExit("empty"), "handler_panic"),
    ],
)
async def test_whatever_a_handler_raises_is_its_failure(
    kind: type[Raises], error: BaseException, error_type: str
) -> None:
    with bench(kind(error)) as executor:
        finished = await executor.run()
    assert finished.details is not None
    details = json.loads(finished.details)
    assert (finished.success, details["error_type"]) == (False, error_type)
    assert "empty" in details["message"] or "StopIteration: empty" in "\n".join(details["backtrace"])
    assert "raise self.error" in "\n".join(details["backtrace"])


async def test_the_traceback_of_a_thread_begins_with_the_handler() -> None:
    with bench(Raises(StopIteration("empty"))) as executor:
        finished = await executor.run()
    assert finished.details is not None
    details = json.loads(finished.details)
    assert details["message"] == "StopIteration: empty"
    assert details["backtrace"][1].endswith("in call")
    assert details["backtrace"][-1] == "StopIteration: empty"


class IterationInItsVersion(StepHandler):
    """Can't be used: what says its version raises."""

    @property
    def version(self) -> str:
        return next(iter([]))

    def call(self, context: StepContext) -> Any:
        return {}


async def test_a_handler_that_cannot_be_made_ready_is_a_permanent_failure() -> None:
    with bench(IterationInItsVersion()) as executor:
        finished = await executor.run()
    assert finished.details is not None
    details = json.loads(finished.details)
    assert (details["error_type"], details["retryable"]) == ("handler_not_found", False)
    assert "StopIteration" in details["message"]


class YieldsNothingToKeep(StepHandler):
    """Its checkpoint is no JSON."""

    def call(self, context: StepContext) -> Any:
        return StepHandlerResult.success({"cursor": float("nan")}, {"checkpoint_yield": True})


async def test_a_checkpoint_that_cannot_be_stored_is_a_permanent_failure() -> None:
    with bench(YieldsNothingToKeep()) as executor:
        finished = await executor.run()
    assert finished.details is not None
    details = json.loads(finished.details)
    assert (details["error_type"], details["retryable"]) == ("result_not_storable", False)
    assert details["message"].startswith("the checkpoint can't be stored: cursor: NaN")


async def test_a_step_that_is_taken_away_before_its_first_turn_ends() -> None:
    step = running_step()
    with bench(Raises(RuntimeError("it began"))) as executor:
        executor.executor.start(step)
        step.reported = True  # it was given back
        assert step.task is not None
        step.task.cancel()
        await executor.over()
    assert (executor.reported, executor.ended) == ([], [step])
