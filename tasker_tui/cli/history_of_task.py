"""`tasker task history` and `tasker task logs`: what happened to a task, and what its handlers said."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.task import LOCAL, JsonOption, TaskArgument, UrlOption, task_app

if TYPE_CHECKING:
    from engine.client import TaskerClient
    from engine.model.wire.details import TaskLogPage, TransitionPage

StepOption = Annotated[str | None, typer.Option("--step", "-s", help="Only of this step, by name or id.")]
LimitOption = Annotated[int, typer.Option("--limit", "-l", min=1, max=10_000, help="Lines at most.")]
AfterOption = Annotated[int, typer.Option("--after", min=0, help="Only lines with a higher id.")]


class Level(StrEnum):
    """How grave a line is."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"
    critical = "critical"


@task_app.command()
def history(
    task: TaskArgument,
    step: StepOption = None,
    by_hand: Annotated[bool, typer.Option("--by-hand", help="Only what people did.")] = False,
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this one did.")] = None,
    after: AfterOption = 0,
    limit: LimitOption = 1000,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List what happened to a task and its steps, oldest first: the audit of who did what and why."""
    from engine.client import reports
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse
    from tasker_tui.cli.task_commands import named_steps

    uuid = read_id(task)

    async def run(client: TaskerClient) -> TransitionPage:
        chosen = named_steps(await client.list_steps(uuid), [step])[0].step_uuid if step else None
        call = reports.history(uuid, step_uuid=chosen, actor=actor, by_hand=by_hand, after=after, limit=limit)
        return await client.send(call)

    found = converse(url, run)
    if as_json:
        print_json(found)
    elif not found.transitions:
        console().print("nothing of that kind happened; without --by-hand and --actor all is shown")
    else:
        _print_history(found)


@task_app.command()
def logs(
    task: TaskArgument,
    step: StepOption = None,
    level: Annotated[Level | None, typer.Option("--level", help="Only lines at least as grave.")] = None,
    after: AfterOption = 0,
    limit: LimitOption = 1000,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Show what the handlers of a task's steps logged and printed, oldest first."""
    from engine.client import reports
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse

    call = reports.logs(
        read_id(task), step=step, level=level.value if level else None, after=after, limit=limit
    )
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    elif not found.lines:
        console().print("its handlers logged nothing of that kind")
    else:
        _print_logs(found)


def _print_history(found: TransitionPage) -> None:
    from rich.table import Table
    from rich.text import Text

    from tasker_tui.cli.console import console
    from tasker_tui.text import printable

    table = Table("AT", "WHAT", "STATES", "BY", "REASON", box=None, pad_edge=False, header_style="bold")
    for one in found.transitions:
        by = one.actor or (f"worker {one.worker_uuid}" if one.worker_uuid else "")
        table.add_row(
            f"{one.at:%Y-%m-%d %H:%M:%S.%f}"[:-3],
            Text(printable(one.step_name or ("a step" if one.step_uuid else "task"))),
            " → ".join(one.path),
            Text(printable(by)),
            Text(printable(one.reason or "")),
        )
    console().print(table)
    _print_more(found.next_after)


def _print_logs(found: TaskLogPage) -> None:
    from rich.text import Text

    from tasker_tui.cli.console import console
    from tasker_tui.text import printable

    width = max(len(line.step) for line in found.lines)
    for line in found.lines:
        head = f"{line.at:%H:%M:%S.%f}"[:-3]
        level = line.level if line.stream == "log" else "print"
        message = printable(line.message.rstrip())
        console().print(Text(f"{head} {printable(line.step):{width}} {line.attempt} {level:8} {message}"))
    _print_more(found.next_after)


def _print_more(next_after: int | None) -> None:
    from tasker_tui.cli.console import console

    if next_after is not None:
        console().print(f"there is more: --after {next_after}", style="dim")
