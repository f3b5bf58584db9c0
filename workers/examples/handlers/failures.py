"""One workflow for each way to fail, so that there is something to look at and to repair."""

from __future__ import annotations

from typing import Any

from workers import PermanentError, RetryableError, StepContext, StepHandler, StepHandlerResult, step_handler

DEFAULT_FAILURES = 2
LONGER_THAN_ANY_TIMEOUT = 60.0


@step_handler("example.failures.prepare")
async def prepare() -> dict[str, Any]:
    return {"prepared": True}


@step_handler("example.failures.flaky")
async def flaky(context: StepContext) -> dict[str, Any]:
    """Fail the first attempts, as a service does that has just been restarted."""
    fail_times = context.get_input_or("fail_times", DEFAULT_FAILURES)
    if context.retry_count < fail_times:
        raise RetryableError(
            f"the service is not up yet (attempt {context.attempt}, it will be from {fail_times + 1} on)",
            error_code="SERVICE_STARTING",
        )
    return {"answered": True, "attempts": context.attempt}


@step_handler("example.failures.permanent")
async def permanent() -> dict[str, Any]:
    raise PermanentError("the account is closed; no attempt will open it", error_code="ACCOUNT_CLOSED")


@step_handler("example.failures.exhausted")
async def exhausted(context: StepContext) -> dict[str, Any]:
    raise RetryableError(
        f"the upstream service answers 503 (attempt {context.attempt} of {context.max_retries})",
        error_code="HTTP_503",
    )


@step_handler("example.failures.succeed")
async def succeed() -> dict[str, Any]:
    return {"succeeded": True}


class SleepyHandler(StepHandler):
    """Sleeps through the step's time-out, and stops as soon as it is told to."""

    handler_name = "example.failures.sleepy"

    async def call(self, context: StepContext) -> StepHandlerResult:
        slept_in_vain = await context.wait_cancelled(context.get_input_or("seconds", LONGER_THAN_ANY_TIMEOUT))
        if slept_in_vain:
            context.raise_if_cancelled()
        return self.success({"slept": True})


@step_handler("example.failures.after")
async def after() -> dict[str, Any]:
    return {"reached": True}
