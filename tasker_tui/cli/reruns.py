"""`tasker task retry` and `tasker task fork`: run steps again, or fork a task in the middle of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker_tui.cli.task import LOCAL, ByOption, DryRunOption, JsonOption, TaskArgument, UrlOption, task_app

if TYPE_CHECKING:
    from engine.client import TaskerClient
    from engine.client.calls import Call
    from engine.model.wire.reruns import Fork, ForkAnswer, ForkStep, RerunStep, RetryAnswer

WatchOption = Annotated[bool, typer.Option("--watch", "-w", help="Follow the task to its end.")]
PATCH = "a JSON merge patch, @FILE, or - for stdin"


@task_app.command()
def retry(
    task: TaskArgument,
    step: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STEP]...", help="Names or ids.  [default: all that failed]"),
    ] = None,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Done steps too, together with all that comes after them.")
    ] = False,
    whole_task: Annotated[
        bool, typer.Option("--all", help="The whole task, from its first steps on.")
    ] = False,
    inputs: Annotated[
        str | None,
        typer.Option("--input", "-i", metavar="PATCH", help=f"Change what the handlers are given: {PATCH}."),
    ] = None,
    handler: Annotated[
        str | None,
        typer.Option("--handler", metavar="PATCH", help="Change the handlers' settings, likewise."),
    ] = None,
    drop_checkpoint: Annotated[
        bool, typer.Option("--drop-checkpoint", help="Begin failed steps from their start.")
    ] = False,
    dry_run: DryRunOption = False,
    reason: Annotated[str, typer.Option("--reason", "-r")] = "retried by hand",
    by: ByOption = "cli",
    watch: WatchOption = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Give failed steps new attempts, or run done ones again; the task goes on from there."""
    from tasker_tui.cli import task_commands

    if not (downstream or whole_task or inputs or handler or drop_checkpoint or dry_run):
        code = task_commands.retry(url, task, step or [], reason=reason, by=by, watch=watch, as_json=as_json)
        raise typer.Exit(code)
    fields = {
        "steps": step or [],
        "downstream": downstream,
        "whole_task": whole_task,
        "inputs": _patch("--input", inputs),
        "handler": _patch("--handler", handler),
        "keep_checkpoint": not drop_checkpoint,
        "dry_run": dry_run,
        "reason": reason,
        "actor": by,
    }
    raise typer.Exit(_retry(url, task, fields, watch=watch and not dry_run, as_json=as_json))


@task_app.command()
def fork(
    task: TaskArgument,
    steps: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="STEP",
            help="A step that it begins with; may be repeated.  [default: what is not done]",
        ),
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", metavar="PATCH", help=f"Change the context: {PATCH}.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="A second fork with it is not made.")
    ] = None,
    dry_run: DryRunOption = False,
    reason: Annotated[str, typer.Option("--reason", "-r")] = "forked by hand",
    by: ByOption = "cli",
    watch: WatchOption = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Start a new task in the middle of this one; what was done before is taken over."""
    fields = {
        "steps": steps,
        "context": _patch("--context", context),
        "idempotency_key": idempotency_key,
        "dry_run": dry_run,
        "reason": reason,
        "actor": by,
    }
    raise typer.Exit(_fork(url, task, fields, watch=watch and not dry_run, as_json=as_json))


@task_app.command()
def forks(task: TaskArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Say what a task was forked from, and list its own forks."""
    from engine.client import reruns
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse

    uuid = read_id(task)
    found = converse(url, lambda client: client.send(reruns.list_forks(uuid)))
    if as_json:
        print_json(found)
        return
    if found.forked_from is not None:
        console().print(f"forked from task {found.forked_from.forked_from}")
    if found.forks:
        _print_forks(found.forks)
    else:
        console().print("the task has no forks; `tasker task fork TASK --from STEP` makes one")


def _print_forks(forks: Sequence[Fork]) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console, plain

    table = Table(box=None, pad_edge=False)
    for column in ("FORK", "FROM", "CONTEXT", "BY", "SINCE", "REASON"):
        table.add_column(column)
    for one in forks:
        began = ", ".join(one.steps) or "where it stood"
        context = "edited" if one.context_edited else "the same"
        at = f"{one.forked_at:%Y-%m-%d %H:%M:%S}"
        words = (str(one.task_uuid), began, context, one.actor, at, one.reason)
        table.add_row(*(plain(word) for word in words))
    console().print(table)


def _patch(option: str, given: str | None) -> dict[str, Any] | None:
    from tasker_tui.cli.inputs import read_object

    return None if given is None else read_object(option, given)


def _retry(url: str, given: str, fields: dict[str, Any], *, watch: bool, as_json: bool) -> int:
    from engine.client import reruns
    from tasker_tui.cli.inputs import read_id

    uuid = read_id(given)
    return _send(url, reruns.retry(uuid, **fields), _show_retry, watch=watch, as_json=as_json)


def _fork(url: str, given: str, fields: dict[str, Any], *, watch: bool, as_json: bool) -> int:
    from engine.client import reruns
    from tasker_tui.cli.inputs import read_id

    uuid = read_id(given)
    return _send(url, reruns.fork(uuid, **fields), _show_fork, watch=watch, as_json=as_json)


def _send(url: str, call: Call[Any], show: Any, *, watch: bool, as_json: bool) -> int:
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.session import converse
    from tasker_tui.cli.watch import follow

    async def run(client: TaskerClient) -> int:
        answer = await client.send(call)
        if watch:
            return await follow(client, answer.task_uuid, as_json=as_json)
        print_json(answer) if as_json else show(answer)
        return 0

    return converse(url, run)


def _show_retry(answer: RetryAnswer) -> None:
    from tasker_tui.cli.console import console

    if answer.steps:
        _print_steps(answer.steps)
    console().print(answer.message, markup=False)


def _show_fork(answer: ForkAnswer) -> None:
    from tasker_tui.cli.console import console

    _print_steps(answer.steps)
    if answer.dry_run:
        console().print(f"would fork task {answer.forked_from}")
    elif answer.created:
        console().print(f"created task {answer.task_uuid}, forked from {answer.forked_from}")
    else:
        console().print(f"there is such a fork already: task {answer.task_uuid}")


def _print_steps(steps: Sequence[RerunStep] | Sequence[ForkStep]) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console, plain

    table = Table(box=None, pad_edge=False)
    for column in ("STEP", "WAS", "BECOMES", ""):
        table.add_column(column)
    for step in steps:
        notes = [note for note in ("edited", "lease_lost") if getattr(step, note, False)]
        said = ", ".join(notes).replace("_", " ")
        table.add_row(plain(step.name), step.old_state, step.effect, said)
    console().print(table)
