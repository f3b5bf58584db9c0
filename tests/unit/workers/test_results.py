"""What a handler may return and raise (reference python-sdk, meanings; 7.1)."""

import asyncio
import math
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, RootModel

from tests.unit.workers.support import STEP, make_context, resolved, run
from workers import (
    BatchConfig,
    Decision,
    DecisionPointOutcome,
    ErrorType,
    PermanentError,
    RateLimitError,
    RetryableError,
    StepHandler,
    StepHandlerResult,
    no_batches,
    step_handler,
)
from workers import TimeoutError as StepTimeout
from workers import ValidationError as StepInvalid
from workers.invocation import execution_result, failure_from_exception, to_result

NOON = datetime(2026, 1, 31, 12, 0, 0, 123, tzinfo=UTC)


class Receipt(BaseModel):
    paid_at: datetime
    cents: int


class Ids(RootModel[list[int]]):
    pass


def returning(value):
    class Handler(StepHandler):
        def call(self, context):
            return value

    return Handler


def raising(error):
    class Handler(StepHandler):
        handler_version = "2.1.0"

        def call(self, context):
            raise error

    return Handler


@pytest.mark.parametrize(
    ("returned", "result"),
    [
        ({"a": 1}, {"a": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (None, {}),
        (7, {"result": 7}),
        ("text", {"result": "text"}),
        ([1, 2], {"result": [1, 2]}),
        (False, {"result": False}),
        (Receipt(paid_at=NOON, cents=6**64), {"paid_at": "2026-01-31T12:00:00.000123Z", "cents": 6**64}),
        (Ids([1, 2]), {"result": [1, 2]}),
    ],
)
async def test_a_plain_return_is_a_success(returned, result):
    outcome = await run(returning(returned))
    assert (outcome.is_success, outcome.result) == (True, result)


async def test_a_result_is_taken_as_it_is():
    made = StepHandlerResult.failure("no", "own_type", retryable=False, error_code="E1")
    assert await run(returning(made)) is made


async def test_decisions_and_outcomes_become_what_the_engine_reads():
    routed = await run(returning(Decision.route(["b", "c"], amount=3)))
    assert routed.result == {
        "decision_point_outcome": {
            "type": "create_steps",
            "step_names": ["b", "c"],
            "routing_context": {"amount": 3},
        },
        "routing_context": {"amount": 3},
    }
    skipped = await run(returning(Decision.skip("nothing to approve")))
    assert skipped.result["decision_point_outcome"]["type"] == "no_branches"
    assert skipped.result["decision_point_outcome"]["reason"] == "nothing to approve"
    bare = await run(returning(DecisionPointOutcome.create_steps(["b"])))
    assert bare.result["decision_point_outcome"]["step_names"] == ["b"]
    none = await run(returning(no_batches()))
    assert none.result == {"batch_processing_outcome": {"type": "no_batches"}}


async def test_a_batch_config_without_its_analyzer_is_a_permanent_error():
    failed = await run(returning(BatchConfig(10, 5)))
    assert (failed.error_type, failed.retryable) == ("configuration_error", False)
    assert "@batch_analyzer" in failed.error_message


def test_a_coroutine_that_nobody_awaits_is_a_permanent_error():
    async def forgotten():
        return {}

    failed = to_result(forgotten())
    assert (failed.is_success, failed.retryable) == (False, False)
    assert "async def" in failed.error_message


@pytest.mark.parametrize(
    ("error", "error_type", "retryable"),
    [
        (PermanentError("x"), "permanent_error", False),
        (StepInvalid("x"), "validation_error", False),
        (RetryableError("x"), "retryable_error", True),
        (StepTimeout("x"), "timeout", True),
        (RateLimitError("x", retry_after=3), "rate_limit_error", True),
        (PermanentError("x", retryable=True), "permanent_error", True),
        (ValueError("x"), "handler_error", True),
        (asyncio.CancelledError(), "handler_error", True),
    ],
)
async def test_an_exception_says_what_the_failure_means(error, error_type, retryable):
    failed = await run(raising(error))
    assert (failed.is_success, failed.error_type, failed.retryable) == (False, error_type, retryable)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
async def test_what_is_no_exception_is_a_permanent_panic(error):
    failed = await run(raising(error))
    assert (failed.error_type, failed.retryable) == ("handler_panic", False)
    assert type(error).__name__ in failed.error_message


async def test_a_tasker_error_brings_all_that_it_carries():
    error = RateLimitError(
        "slow down", metadata={"peer": "bank"}, error_code="HTTP_429", retry_after=7, context={"account": 3}
    )
    failed = await run(raising(error))
    assert (failed.error_message, failed.error_code) == ("slow down", "HTTP_429")
    assert failed.metadata["peer"] == "bank"
    assert failed.metadata["retry_after"] == 7
    assert failed.metadata["context"] == {"account": 3}
    assert error.to_dict()["error_type"] == "rate_limit_error"
    assert error.to_dict()["error_class"] == "RateLimitError"


@pytest.mark.scenario(74)
async def test_an_unexpected_exception_keeps_type_message_and_the_handlers_frames():
    @step_handler("handler")
    async def handler():
        await asyncio.sleep(0)
        return {}["amount"]

    failed = await run(handler)
    lines = failed.metadata["traceback"]
    assert failed.error_message == "KeyError: 'amount'"
    assert failed.metadata["exception_class"] == "KeyError"
    assert lines[0] == "Traceback (most recent call last):"
    assert "in handler" in lines[1]
    assert 'return {}["amount"]' in "".join(lines)
    assert lines[-1] == "KeyError: 'amount'"


def test_a_traceback_is_cut_in_its_middle():
    def deep(level):
        text = "x" * 200
        if level == 0:
            raise RuntimeError("the end of it" + text)
        try:
            deep(level - 1)
        except RuntimeError as inner:
            raise RuntimeError(f"level {level} {text}") from inner

    with pytest.raises(RuntimeError) as caught:
        deep(60)
    lines = failure_from_exception(caught.value, handler_version="1").metadata["traceback"]
    assert sum(len(line) + 1 for line in lines) <= 16 * 1024
    assert any("lines are left out" in line for line in lines)
    assert lines[-1].startswith("RuntimeError: level 60")
    assert lines[0] == "Traceback (most recent call last):"


def test_a_single_huge_line_is_cut_too():
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError("y" * 100_000)
    failed = failure_from_exception(caught.value, handler_version="1")
    assert sum(len(line) + 1 for line in failed.metadata["traceback"]) <= 16 * 1024
    assert len(failed.error_message) < 10_000


@pytest.mark.parametrize("text", ["nul \x00 byte", "lone \ud800 surrogate"])
def test_a_message_can_always_be_stored(text):
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(text)
    failed = failure_from_exception(caught.value, handler_version="1")
    for kept in (failed.error_message, *failed.metadata["traceback"]):
        assert "\x00" not in kept
        assert kept.encode("utf-8").decode("utf-8") == kept


def test_an_exception_whose_text_cannot_be_made_still_fails_the_step():
    class Broken(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    with pytest.raises(Broken) as caught:
        raise Broken
    failed = failure_from_exception(caught.value, handler_version="1")
    assert "whose text cannot be made (RuntimeError)" in failed.error_message


def persisted(result, **changes):
    given = {
        "step_uuid": STEP,
        "worker_id": "worker-1",
        "worker_hostname": "box",
        "started_at": NOON,
        "completed_at": NOON + timedelta(milliseconds=12),
        "execution_time_ms": 12,
        "handler_version": "1.0.0",
    }
    return execution_result(result, **(given | changes))


def test_the_persisted_success_has_the_whole_shape():
    assert persisted(StepHandlerResult.success({"a": 1}, {"rows": 3})) == {
        "step_uuid": str(STEP),
        "success": True,
        "status": "completed",
        "result": {"a": 1},
        "error": None,
        "metadata": {
            "execution_time_ms": 12,
            "handler_version": "1.0.0",
            "retryable": False,
            "completed_at": "2026-01-31T12:00:00.012123Z",
            "worker_id": "worker-1",
            "worker_hostname": "box",
            "started_at": "2026-01-31T12:00:00.000123Z",
            "custom": {"rows": 3},
            "error_code": None,
            "error_type": None,
            "context": {},
        },
        "orchestration_metadata": {
            "headers": {},
            "error_context": None,
            "backoff_hint": None,
            "custom": {},
        },
    }


def test_a_failure_puts_each_thing_where_the_engine_looks_for_it():
    failure = StepHandlerResult.failure(
        "busy",
        "service_unavailable_error",
        metadata={
            "retry_after": 5,
            "headers": {"retry-after": "5"},
            "status_code": 503,
            "context": {"peer": "bank"},
            "own": 1,
        },
        error_code="HTTP_503",
    )
    shape = persisted(failure)
    assert shape["error"] == {
        "message": "busy",
        "error_type": "service_unavailable_error",
        "backtrace": None,
        "retryable": True,
        "status_code": 503,
        "context": {"peer": "bank"},
    }
    assert shape["orchestration_metadata"]["backoff_hint"] == {"retry_after_seconds": 5}
    assert shape["orchestration_metadata"]["headers"] == {"retry-after": "5"}
    assert shape["metadata"]["custom"] == {"own": 1}
    assert shape["metadata"]["retryable"] is True
    assert (shape["metadata"]["error_code"], shape["metadata"]["error_type"]) == (
        "HTTP_503",
        "service_unavailable_error",
    )
    assert (shape["success"], shape["result"]) == (False, None)


@pytest.mark.parametrize("wait", ["soon", -1, math.nan, math.inf, True, None, {}])
def test_a_wait_that_is_no_number_of_seconds_is_no_hint(wait):
    shape = persisted(StepHandlerResult.failure("x", metadata={"retry_after": wait}))
    assert shape["orchestration_metadata"]["backoff_hint"] is None


@pytest.mark.parametrize("wait", [0, 0.5, 3600, 10**400])
def test_a_wait_in_seconds_is_a_hint(wait):
    shape = persisted(StepHandlerResult.failure("x", metadata={"retry_after": wait}))
    assert shape["orchestration_metadata"]["backoff_hint"] == {"retry_after_seconds": wait}


async def test_the_status_tells_a_declared_failure_from_a_surprise():
    declared = persisted(StepHandlerResult.failure("no"))
    said = persisted(await run(raising(PermanentError("no"))))
    surprised = persisted(await run(raising(ValueError("what"))))
    timed_out = persisted(StepHandlerResult.failure("late", "handler_timeout"))
    statuses = [shape["status"] for shape in (declared, said, surprised, timed_out)]
    assert statuses == ["failed", "failed", "error", "error"]
    assert surprised["error"]["backtrace"][-1] == "ValueError: what"
    assert surprised["metadata"]["custom"]["exception_class"] == "ValueError"
    assert "traceback" not in surprised["metadata"]["custom"]


def test_a_careless_failure_is_written_down_all_the_same():
    careless = StepHandlerResult(False, error_message=ValueError("as message"), metadata=None)
    careless.retryable = 1
    shape = persisted(careless)
    assert shape["error"]["message"] == "as message"
    assert shape["error"]["error_type"] == shape["metadata"]["error_type"] == "handler_error"
    assert shape["error"]["retryable"] is True
    assert shape["metadata"]["custom"] == {}


def test_times_are_written_in_utc():
    east = timezone(timedelta(hours=2))
    shape = persisted(StepHandlerResult.success({}), started_at=NOON.astimezone(east))
    assert shape["metadata"]["started_at"] == "2026-01-31T12:00:00.000123Z"


def test_the_results_own_helpers():
    handler = StepHandler()
    assert handler.success().result == {}
    failed = handler.failure("no", error_code="E")
    assert (failed.error_type, failed.retryable, failed.error_code) == ("handler_error", True, "E")
    assert failed.is_failure_result()
    assert not failed.is_success_result()
    assert StepHandlerResult.failure("x", ErrorType.TIMEOUT).error_type == "timeout"
    assert ErrorType.is_standard("timeout")
    assert not ErrorType.is_standard("network_error")
    assert ErrorType.is_typically_retryable("handler_error")
    assert not ErrorType.is_typically_retryable("validation_error")


async def test_metadata_of_two_results_is_not_shared():
    first, second = StepHandlerResult.success({}), StepHandlerResult.success({})
    first.metadata["a"] = 1
    assert second.metadata == {}


def test_name_and_version_of_a_resolved_handler():
    ready = resolved(raising(RuntimeError()))
    assert (ready.version, ready.is_async, ready.dependencies) == ("2.1.0", False, None)
    with pytest.raises(RuntimeError):
        ready.call(make_context())
