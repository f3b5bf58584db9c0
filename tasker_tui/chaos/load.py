"""The load of a run: tasks created over HTTP at the plan's moments, each until some engine has taken it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from engine.client import ApiError, ServerUnreachable, TaskerClient
from engine.client.duplicates import existing_task
from tasker_tui.chaos.plan import Plan, PlannedTask
from tasker_tui.chaos.system import NAMESPACE, System

CALL_SECONDS = 5.0
TRY_AGAIN, LONGEST_WAIT = 0.2, 2.0
AT_ONCE = 32
"""Creations on their way: a crowd that asks again and again would keep a system from coming back."""
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Load:
    """What was created: uuids by the number of the planned task. `refusals` are answers that no fault
    excuses, as sentences."""

    created: dict[int, str] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)


def key_of(plan: Plan, task: PlannedTask) -> str:
    """The idempotency key that makes a planned task one task, however often its creation is tried."""
    return f"{plan.seed}-{task.number}"


async def create_load(system: System, plan: Plan) -> Load:
    """Create all tasks of a plan; returns when each was taken, or refused for a minute."""
    load = Load()
    clients = [TaskerClient(engine.url, timeout=CALL_SECONDS, patience=0) for engine in system.engines]
    try:
        turns = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(_create(clients, plan, task, load, turns) for task in plan.tasks))
    finally:
        for client in clients:
            await client.close()
    return load


async def _create(
    clients: list[TaskerClient], plan: Plan, task: PlannedTask, load: Load, turns: asyncio.Semaphore
) -> None:
    await asyncio.sleep(task.at)
    last: Exception | None = None
    wait = TRY_AGAIN
    try:
        async with turns, asyncio.timeout(PATIENCE_SECONDS):
            for turn in range(task.number, 10_000):
                try:
                    load.created[task.number] = await _try(clients[turn % len(clients)], plan, task)
                    return
                except ServerUnreachable as error:
                    last = error
                except ApiError as error:
                    last = error
                    if error.status != 503:
                        load.refusals.append(f"POST /v1/tasks answered {error.status}: {error}")
                await asyncio.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT)
    except TimeoutError:
        load.refusals.append(f"task {task.number} was not taken within {PATIENCE_SECONDS:g} s: {last}")


async def _try(client: TaskerClient, plan: Plan, task: PlannedTask) -> str:
    key = key_of(plan, task)
    context = {"key": key, "number": task.number, "how": task.how}
    try:
        created = await client.create_task(
            task.template, namespace=NAMESPACE, context=context, initiator="chaos", idempotency_key=key
        )
        return str(created.task_uuid)
    except ApiError as error:
        # Its first answer was lost.
        if existing := existing_task(error):
            return existing
        raise
