"""What the commands of `tasker task` do: one conversation with the server each, shown as table or JSON."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Sequence
from typing import Any

from engine.client import ApiError, TaskerClient, calls
from engine.client.duplicates import existing_task
from engine.model.states import StepState
from engine.model.wire.details import StepDetail
from engine.model.wire.requests import ResetForRetry
from engine.model.wire.tasks import TaskResponse
from tasker_tui.cli import views
from tasker_tui.cli.console import console, print_json
from tasker_tui.cli.errors import FAILED, NOT_FOUND, USAGE, CommandError
from tasker_tui.cli.inputs import read_id, read_object
from tasker_tui.cli.session import converse
from tasker_tui.cli.watch import follow


def create(
    url: str,
    argument: str | None,
    option: str | None,
    *,
    namespace: str | None,
    context: str | None,
    watch: bool,
    as_json: bool,
    existing: str,
    **fields: Any,
) -> int:
    """Create a task of the template that the argument or the option names; returns the exit code.

    `existing` says what to do when an equal one exists: refuse, open it, or start another one.
    """
    name = argument or option
    if not name or (argument and option):
        how = "twice" if name else "nowhere"
        raise CommandError(f"the template's name is given {how}", "tasker task create TEMPLATE", USAGE)
    if namespace is None and "/" in name:
        namespace, name = name.split("/", 1)
    parsed = read_object("--input", context)

    async def run(client: TaskerClient) -> int:
        created = True
        given = {"namespace": namespace or "default", "context": parsed, **fields}
        try:
            task = await client.create_task(
                name, **given, on_duplicate="start" if existing == "start" else "raise"
            )
        except ApiError as error:
            task, created = await _equal_task(client, error, existing), False
        if watch:
            return await follow(client, task.task_uuid, as_json=as_json)
        if as_json:
            print_json(task)
        elif created:
            console().print(f"created task {task.task_uuid}")
        else:
            console().print(views.task_detail(task, await client.list_steps(task.task_uuid)))
        return 0

    return converse(url, run)


async def _equal_task(client: TaskerClient, error: ApiError, existing: str) -> TaskResponse:
    """The task that made the server refuse an equal one, if it is to be opened; else raises."""
    uuid = existing_task(error)
    if uuid is None:
        raise error
    task = await client.get_task(uuid)
    if existing == "open":
        return task
    raise CommandError(
        f"{error.message}: it is {task.status}, created {task.created_at:%Y-%m-%d %H:%M:%S} UTC",
        f"`tasker task show {uuid}` or --existing open shows it, --existing start starts another one",
    ) from error


def list_tasks(url: str, *, as_json: bool, **filters: Any) -> None:
    """Show one page of tasks."""
    page = converse(url, lambda client: client.list_tasks(count="exact", **filters))
    if as_json:
        print_json(page)
    else:
        console().print(views.task_list(page))


def show(url: str, given: str, *, as_json: bool) -> None:
    """Show a task, for people together with its steps."""
    uuid = read_id(given)
    if as_json:
        print_json(converse(url, lambda client: client.get_task(uuid)))
        return

    async def run(client: TaskerClient) -> None:
        task, steps = await asyncio.gather(client.get_task(uuid), client.list_steps(uuid))
        console().print(views.task_detail(task, steps))

    converse(url, run)


def steps(url: str, given: str, *, as_json: bool) -> None:
    """Show the steps of a task."""
    uuid = read_id(given)
    found = converse(url, lambda client: client.list_steps(uuid))
    if as_json:
        print_json(found)
    else:
        console().print(views.step_list(found))


def retry(
    url: str, given: str, wanted: Sequence[str], *, reason: str, by: str, watch: bool, as_json: bool
) -> int:
    """Reset failed steps, all of them when none is named; returns the exit code."""
    uuid = read_id(given)
    action = ResetForRetry(action_type="reset_for_retry", reason=reason, reset_by=by)

    async def run(client: TaskerClient) -> int:
        chosen = _chosen(await client.list_steps(uuid), wanted)
        reset = [await client.act_on_step(uuid, step.step_uuid, action) for step in chosen]
        if watch:
            return await follow(client, uuid, as_json=as_json)
        if as_json:
            print_json(reset)
        else:
            console().print(f"reset {', '.join(step.name for step in reset)}", markup=False)
        return 0

    return converse(url, run)


def cancel(url: str, given: str, *, reason: str | None, by: str, dry_run: bool, as_json: bool) -> None:
    """Cancel a task, or say that it can be."""
    uuid = read_id(given)
    call = calls.cancel_task(uuid, reason, by, dry_run=dry_run)
    task = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(task)
    else:
        console().print(f"{'would cancel' if dry_run else 'cancelled'} task {task.task_uuid}")


def watch(url: str, given: str, *, as_json: bool) -> int:
    """Follow a task to its end; returns the exit code."""
    uuid = read_id(given)
    return converse(url, lambda client: follow(client, uuid, as_json=as_json))


def _chosen(found: Sequence[StepDetail], wanted: Sequence[str]) -> list[StepDetail]:
    """The steps that are named by name or id, or those that failed when none is."""
    if not wanted:
        failed = [step for step in found if step.current_state is StepState.ERROR]
        if not failed:
            raise CommandError(
                "no step of the task has failed", "`tasker task steps TASK` shows them", FAILED
            )
        return failed
    return named_steps(found, wanted)


def named_steps(found: Sequence[StepDetail], wanted: Sequence[str]) -> list[StepDetail]:
    """The steps that are named by name or id; raises CommandError with the near name for one that is not."""
    by_name = {step.name: step for step in found} | {str(step.step_uuid): step for step in found}
    for name in wanted:
        if name not in by_name:
            near = difflib.get_close_matches(name, [step.name for step in found], n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(step.name for step in found)}"
            raise CommandError(f"the task has no step {name}", hint, NOT_FOUND)
    return [by_name[name] for name in wanted]
