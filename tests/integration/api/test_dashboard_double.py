"""What the dashboard's tests use in the server's place says of the same task what the server says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.client import ApiError, TaskerClient, calls, pauses, reruns
from engine.model.states import StepState, TaskState
from engine.model.wire.requests import CompleteManually, ManualCompletionData, ResetForRetry, Skip
from tasker_tui.client_port import TaskerPort
from tests.integration.api.conftest import World, template
from tests.integration.api.sides import NAME, STEPS, Sides
from tests.support.served import served

Probe = Callable[[TaskerPort, str], Awaitable[Any]]
"""Looks at a task, whose second step failed for good, and answers what must be the same on both sides."""


async def _task(port: TaskerPort, uuid: str) -> Any:
    task = await port.get_task(uuid)
    numbers = (task.total_steps, task.completed_steps, task.failed_steps, task.pending_steps)
    return task.name, task.namespace, task.status, numbers, task.completion_percentage


async def _list(port: TaskerPort, uuid: str) -> Any:
    page = await port.list_tasks(template=NAME, state=[TaskState.BLOCKED_BY_FAILURES.value], limit=1)
    [newest] = page.tasks
    before = await port.list_tasks(template=NAME, before=str(newest.task_uuid), limit=2)
    after = await port.list_tasks(template=NAME, after=str(before.tasks[0].task_uuid), limit=2)
    nothing = await port.list_tasks(template="another", limit=2)
    return (
        str(newest.task_uuid) == uuid,
        [str(task.task_uuid) < uuid for task in before.tasks],
        [str(task.task_uuid) == uuid for task in after.tasks],
        len(nothing.tasks),
    )


async def _steps(port: TaskerPort, uuid: str) -> Any:
    return [
        (
            one.name,
            one.current_state,
            one.attempts,
            sorted(one.parent_names),
            [(one.results or {}).get(key) for key in ("success", "result")],
            (one.last_error or {}).get("message"),
        )
        for one in await port.list_steps(uuid)
    ]


async def _why(port: TaskerPort, uuid: str) -> Any:
    return [(one.name, one.state, one.kind) for one in await port.why_task(uuid)]


async def _whys(port: TaskerPort, uuid: str) -> Any:
    unknown = "0192f3a1-0000-7000-8000-000000000000"
    told = await port.send(calls.why_tasks([uuid, unknown]))
    return [(str(one.task_uuid) == uuid, one.name, one.state, one.kind) for one in told]


async def _audit(port: TaskerPort, uuid: str) -> Any:
    failed = next(one for one in await port.list_steps(uuid) if one.name == "two")
    audit = await port.step_audit(uuid, str(failed.step_uuid))
    return [(one.step_name, one.success, one.to_state) for one in audit]


async def _history(port: TaskerPort, uuid: str) -> Any:
    page = await port.task_transitions(uuid)
    last = {change.step_name: change.to_state for change in page.transitions if change.step_uuid}
    begun = {name: state for name, state in last.items() if state != "pending"}
    return sorted(begun.items()), page.next_after


async def _act(port: TaskerPort, uuid: str, action: Any) -> Any:
    failed = next(one for one in await port.list_steps(uuid) if one.name == "two")
    answer = await port.act_on_step(uuid, str(failed.step_uuid), action)
    return answer.name, answer.current_state in (StepState.PENDING, StepState.ENQUEUED), answer.attempts == 0


async def _retry(port: TaskerPort, uuid: str) -> Any:
    return await _act(
        port, uuid, ResetForRetry(action_type="reset_for_retry", reason="by the test", reset_by="ana")
    )


async def _skip(port: TaskerPort, uuid: str) -> Any:
    action = Skip(action_type="skip", result={}, reason="by the test", skipped_by="ana")
    return await _act(port, uuid, action)


async def _complete(port: TaskerPort, uuid: str) -> Any:
    data = ManualCompletionData(result={"by": "hand"})
    action = CompleteManually(
        action_type="complete_manually", completion_data=data, reason="by the test", completed_by="ana"
    )
    return await _act(port, uuid, action)


async def _cancel(port: TaskerPort, uuid: str) -> Any:
    await port.cancel_task(uuid, cancelled_by="ana")
    task = await port.get_task(uuid)
    return task.status, task.completed_at is not None


async def _pause(port: TaskerPort, uuid: str) -> Any:
    what = pauses.task(uuid)
    paused = await port.send(pauses.pause(what, reason="by the test", actor="ana"))
    [own] = [one for one in (await port.send(pauses.list_pauses())).pauses if str(one.task_uuid) == uuid]
    resumed = await port.send(pauses.resume(what, reason="by the test", actor="ana"))
    left = [one for one in (await port.send(pauses.list_pauses())).pauses if str(one.task_uuid) == uuid]
    return paused.paused, paused.changed, own.reason, own.paused_by, resumed.paused, resumed.changed, left


async def _unknown(port: TaskerPort, uuid: str) -> Any:
    with pytest.raises(ApiError) as refused:
        await port.get_task("0192f3a1-0000-7000-8000-000000000000")
    return refused.value.status


async def _run_again(port: TaskerPort, uuid: str) -> Any:
    tried = await port.send(reruns.retry(uuid, reason="by the test", actor="ana", dry_run=True))
    forked = await port.send(reruns.fork(uuid, steps=["two"], reason="by the test", actor="ana"))
    return tried.dry_run, forked.dry_run, forked.task_uuid is not None


PROBES: list[Probe] = [
    _task,
    _list,
    _steps,
    _why,
    _whys,
    _audit,
    _history,
    _retry,
    _skip,
    _complete,
    _cancel,
    _pause,
    _unknown,
    _run_again,
]


async def test_the_double_answers_as_the_server_does(world: World):
    await world.register(template(NAME, STEPS))
    await world.worker.register()
    async with served(world.app) as url, TaskerClient(url) as real:
        sides = Sides(world, real)
        found, said = {}, {}
        for probe in PROBES:
            await sides.real_task(), sides.fake_task()
            found[probe.__name__] = await probe(real, await sides.real_task())
            said[probe.__name__] = await probe(sides.fake, sides.fake_task())
    assert said == found
