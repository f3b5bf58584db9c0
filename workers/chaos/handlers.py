"""The steps of the chaos runs: each leaves a mark that the database's record is compared with, and some of
them misbehave in their first attempt."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from workers import RetryableError, StepContext, step_handler

FOLDER = Path(os.environ.get("CHAOS_FOLDER", "."))
MARKS = "marks"
LEAK = "leak"
"""Files whose names begin so are left open on purpose."""

LONGEST_WORK = 0.3
BLOCKED_SECONDS = 3.0
HUGE = 100 * 1024 * 1024
LEAKED_FILES, LEAKED_BYTES = 20, 4 * 1024 * 1024

_leaked: list[object] = []


class NotOfThisWorld(BaseException):
    """Something that no `except Exception` catches."""


def mark(context: StepContext) -> dict[str, Any]:
    """Write down that this claim of the step had its effect; the token is in the result as well."""
    token = uuid4().hex
    line = {"step": str(context.step_uuid), "claim": context.event["claim_no"], "token": token}
    file = os.open(FOLDER / f"{MARKS}-{os.getpid()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, json.dumps(line).encode() + b"\n")
    finally:
        os.close(file)
    return {"token": token}


def _seconds(context: StepContext) -> float:
    """How long each half of this step takes: the same in every run of a seed."""
    seed = f"{context.get_input('key')} {context.step_name} {context.step_inputs.get('cursor')}"
    return Random(seed).uniform(0, LONGEST_WORK / 2)


@step_handler("chaos.work")
async def work(context: StepContext) -> dict[str, Any]:
    await asyncio.sleep(_seconds(context))
    marked = mark(context)
    await asyncio.sleep(_seconds(context))
    return marked


@step_handler("chaos.work_in_thread")
def work_in_thread(context: StepContext) -> dict[str, Any]:
    time.sleep(_seconds(context))
    marked = mark(context)
    time.sleep(_seconds(context))
    return marked


@step_handler("chaos.flaky")
async def flaky(context: StepContext) -> dict[str, Any]:
    """Fail the first attempts, as many as the settings say."""
    marked = await work(context)
    if context.attempt <= context.get_config("failures"):
        raise RetryableError(f"attempt {context.attempt} fails")
    return marked


@step_handler("chaos.route")
async def route(context: StepContext) -> dict[str, Any]:
    """Take one branch, or both."""
    branches = [["left"], ["right"], ["left", "right"]][context.get_input("number") % 3]
    chosen = {"type": "create_steps", "step_names": branches}
    return {**await work(context), "decision_point_outcome": chosen}


@step_handler("chaos.analyze")
async def analyze(context: StepContext) -> dict[str, Any]:
    """Cut the work into one to four batches."""
    batches = [
        {"batch_id": f"{n:03}", "start_cursor": n, "end_cursor": n + 1, "batch_size": 1}
        for n in range(1, 2 + context.get_input("number") % 4)
    ]
    cut = {"type": "create_batches", "worker_template_name": "process", "cursor_configs": batches}
    return {**await work(context), "batch_processing_outcome": cut}


@step_handler("chaos.misbehave")
async def misbehave(context: StepContext) -> Any:
    """Do in the first attempt what the task's context says, and behave from then on."""
    marked = await work(context)
    if context.attempt > 1:
        return marked
    how = context.get_input("how")
    if how == "raise":
        raise [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), NotOfThisWorld("boo")][
            context.get_input("number") % 4
        ]
    if how == "block":
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251
    if how == "leak":
        _leak()
    if how == "not_json":
        return {**marked, "what": object()}
    if how == "huge":
        return {**marked, "what": "x" * HUGE}
    return marked


def _leak() -> None:
    _leaked.extend((FOLDER / f"{LEAK}-{os.getpid()}-{n}").open("w") for n in range(LEAKED_FILES))
    _leaked.append(bytearray(LEAKED_BYTES))
    _leaked.append(asyncio.create_task(asyncio.Event().wait()))
    threading.Thread(target=threading.Event().wait, daemon=True).start()
