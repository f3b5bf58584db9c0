"""`tasker task …`: the options of each command; what they do is in `task_commands`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tasker_tui.cli.options import JsonOption as JsonOption
from tasker_tui.cli.target import LOCAL_URL
from tasker_tui.cli.target import UrlOption as UrlOption

LOCAL = LOCAL_URL

task_app = typer.Typer(help="Create, show and repair tasks.", no_args_is_help=True, rich_markup_mode=None)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="The task's id.")]
ByOption = Annotated[str, typer.Option("--by", help="Who does it, for the audit.", envvar="USER")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]
CorrelationOption = Annotated[
    str | None, typer.Option("--correlation-id", metavar="UUID", help="What belongs together has the same.")
]
ParentOption = Annotated[
    str | None,
    typer.Option("--parent-correlation-id", metavar="UUID", help="That of the task that starts it."),
]


class Existing(StrEnum):
    """What `task create` does when an equal task exists."""

    refuse = "refuse"
    open = "open"
    start = "start"


ExistingOption = Annotated[
    Existing, typer.Option("--existing", help="If an equal task exists: refuse, open it, or start another.")
]


@task_app.command()
def create(
    template: Annotated[
        str | None, typer.Argument(metavar="[TEMPLATE]", help="NAME or NAMESPACE/NAME.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The template's name, as an option.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="[default: default]")] = None,
    version: Annotated[str | None, typer.Option("--version", "-v", help="[default: the newest]")] = None,
    context: Annotated[
        str | None,
        typer.Option("--input", "-i", metavar="JSON", help="The context: JSON, @FILE, or - for stdin."),
    ] = None,
    priority: Annotated[int, typer.Option("--priority", "-p", min=-100, max=100)] = 0,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", "-r")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="A second creation with it is refused.")
    ] = None,
    existing: ExistingOption = Existing.refuse,
    correlation_id: CorrelationOption = None,
    parent_correlation_id: ParentOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow the task to its end.")] = False,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Start a task from a template."""
    from tasker_tui.cli import task_commands

    code = task_commands.create(
        url,
        template,
        name,
        context=context,
        watch=watch,
        as_json=as_json,
        existing=existing.value,
        namespace=namespace,
        version=version,
        priority=priority,
        tags=tag or [],
        reason=reason,
        idempotency_key=idempotency_key,
        correlation_id=correlation_id,
        parent_correlation_id=parent_correlation_id,
        initiator=by,
    )
    raise typer.Exit(code)


@task_app.command("list")
def list_(
    namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None,
    template: Annotated[str | None, typer.Option("--template", "-t")] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", "-s", help="A task state; may be repeated.")
    ] = None,
    why: Annotated[
        list[str] | None,
        typer.Option("--why", "-w", help="Why a step waits: no-worker, retry, paused, …; may be repeated."),
    ] = None,
    signature: Annotated[
        str | None,
        typer.Option("--signature", help="How a step of theirs failed, as `tasker failures` shows it."),
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag")] = None,
    initiator: Annotated[str | None, typer.Option("--initiator")] = None,
    correlation_id: CorrelationOption = None,
    parent_correlation_id: ParentOption = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=100, help="Tasks a page.")] = 20,
    page: Annotated[int, typer.Option("--page", min=1)] = 1,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List tasks, newest first."""
    from tasker_tui.cli import task_commands

    task_commands.list_tasks(
        url,
        as_json=as_json,
        namespace=namespace,
        template=template,
        status=status,
        why=[word.replace("-", "_") for word in why or ()] or None,
        signature=signature,
        tag=tag,
        initiator=initiator,
        correlation_id=correlation_id,
        parent_correlation_id=parent_correlation_id,
        limit=limit,
        page=page,
    )


@task_app.command()
def show(task: TaskArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Show a task and its steps."""
    from tasker_tui.cli import task_commands

    task_commands.show(url, task, as_json=as_json)


@task_app.command()
def steps(task: TaskArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """List the steps of a task with their results and errors."""
    from tasker_tui.cli import task_commands

    task_commands.steps(url, task, as_json=as_json)


@task_app.command()
def cancel(
    task: TaskArgument,
    dry_run: DryRunOption = False,
    reason: Annotated[str | None, typer.Option("--reason", "-r")] = None,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Cancel a task and the steps that are not done."""
    from tasker_tui.cli import task_commands

    task_commands.cancel(url, task, reason=reason, by=by, dry_run=dry_run, as_json=as_json)


@task_app.command()
def watch(task: TaskArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Follow a task live to its end; the exit code is 0 when it is complete, else 1."""
    from tasker_tui.cli import task_commands

    raise typer.Exit(task_commands.watch(url, task, as_json=as_json))
