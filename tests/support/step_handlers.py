"""Handlers of the tests' workers.

They write what they do into `$TEST_FOLDER/effects`, a line each, and wait at gates: files that a test makes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from workers import PermanentError, RetryableError, StepContext, StepHandler, StepHandlerResult, step_handler

FOLDER = Path(os.environ["TEST_FOLDER"])
POLL_SECONDS = 0.01

log = logging.getLogger("handlers")


def effect(line: str) -> None:
    """Leave a mark that outlives this process."""
    with (FOLDER / "effects").open("a") as file:
        file.write(f"{line}\n")


def done(context: StepContext) -> dict[str, Any]:
    effect(f"{context.step_name} {context.attempt}")
    return {"step": context.step_name, "attempt": context.attempt}


def closed(context: StepContext) -> bool:
    return not (FOLDER / f"{context.step_config.get('gate', context.step_name)}.gate").exists()


@step_handler("echo")
async def echo(context: StepContext) -> dict[str, Any]:
    return done(context)


@step_handler("give")
async def give(context: StepContext) -> Any:
    """Return what the settings say."""
    return context.get_config("give")


@step_handler("echo_sync")
def echo_sync(context: StepContext) -> dict[str, Any]:
    return done(context)


@step_handler("gate")
async def gate(context: StepContext) -> dict[str, Any]:
    """Wait at the gate, or until the step is taken away."""
    effect(f"begin {context.step_name} {context.attempt}")
    while closed(context) and not await context.wait_cancelled(POLL_SECONDS):
        pass
    if context.cancelled.is_set():
        effect(f"told {context.step_name}: {context.cancelled.reason}")
    return done(context)


@step_handler("gate_sync")
def gate_sync(context: StepContext) -> dict[str, Any]:
    effect(f"begin {context.step_name} {context.attempt}")
    while closed(context) and not context.cancelled.wait(POLL_SECONDS):
        pass
    if context.cancelled.is_set():
        effect(f"told {context.step_name}: {context.cancelled.reason}")
    return done(context)


@step_handler("deaf_sync")
def deaf_sync(context: StepContext) -> dict[str, Any]:
    """Wait at the gate whatever is said."""
    effect(f"begin {context.step_name} {context.attempt}")
    while closed(context):
        time.sleep(POLL_SECONDS)
    return done(context)


@step_handler("hang")
def hang(context: StepContext) -> None:
    effect(f"begin {context.step_name} {context.attempt}")
    threading.Event().wait()


@step_handler("block_loop")
async def block_loop(context: StepContext) -> dict[str, Any]:
    """Keep the worker's loop from everything else."""
    effect(f"begin {context.step_name} {context.attempt}")
    while closed(context):
        time.sleep(POLL_SECONDS)  # noqa: ASYNC251
    return done(context)


@step_handler("endless")
async def endless(context: StepContext) -> None:
    effect(f"begin {context.step_name} {context.attempt}")
    await asyncio.Event().wait()


@step_handler("flaky")
async def flaky(context: StepContext) -> dict[str, Any]:
    """Fail the first `failures` attempts."""
    if context.retry_count < context.get_config("failures"):
        raise RetryableError(
            f"attempt {context.attempt} fails", retry_after=context.get_config("retry_after")
        )
    return done(context)


@step_handler("permanent")
async def permanent(context: StepContext) -> None:
    effect(f"{context.step_name} {context.attempt}")
    raise PermanentError("this can't be done", error_code="NEVER")


@step_handler("odd_failure")
async def odd_failure(context: StepContext) -> StepHandlerResult:
    """Fail with whatever metadata the template says."""
    effect(f"{context.step_name} {context.attempt}")
    return StepHandlerResult.failure("oddly", "odd", True, context.get_config("metadata"))


@step_handler("noisy")
async def noisy(context: StepContext) -> dict[str, Any]:
    print("printed by", context.step_name)
    log.warning("logged by %s", context.step_name)
    await asyncio.sleep(0)
    print("unfinished", end="")
    return done(context)


@step_handler("noisy_sync")
def noisy_sync(context: StepContext) -> dict[str, Any]:
    print("printed by", context.step_name)
    log.error("logged by %s", context.step_name)
    log.info("a lone surrogate \ud800 and a NUL \0")
    return done(context)


@step_handler("too_noisy")
def too_noisy(context: StepContext) -> dict[str, Any]:
    for number in range(400):
        print(f"{number:05}", "é" * 1000)
    return done(context)


@step_handler("awkward_result")
async def awkward_result(context: StepContext) -> Any:
    """Return something that can't be stored."""
    return {"nan": {"value": float("nan")}, "nul": {"value": "a\0b"}, "large": "x" * 2_000_000}[
        context.get_config("kind")
    ]


class Methodical(StepHandler):
    """Has methods besides `call`."""

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"method": "call"}

    def refund(self, context: StepContext) -> dict[str, Any]:
        return {"method": "refund"}
