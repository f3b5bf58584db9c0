"""`tasker task why`, `summary` and `timeline`: what a task waits for, and where its time went."""

from __future__ import annotations

from typing import Annotated

import typer

from tasker_tui.cli.task import LOCAL, JsonOption, TaskArgument, UrlOption, task_app


@task_app.command()
def why(task: TaskArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Say of each step that has not ended why it is where it is."""
    from tasker_tui.cli import report_views
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse

    uuid = read_id(task)
    found = converse(url, lambda client: client.why_task(uuid))
    if as_json:
        print_json(found)
    elif not found:
        console().print("all of its steps have ended; `tasker task summary` says how")
    else:
        console().print(report_views.reasons(found))


@task_app.command()
def summary(task: TaskArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Say how a task's steps stand, where its time went, what failed and who acted by hand."""
    from engine.client import reports
    from tasker_tui.cli import report_views
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse

    uuid = read_id(task)
    found = converse(url, lambda client: client.send(reports.summary(uuid)))
    if as_json:
        print_json(found)
    else:
        console().print(report_views.summary(found))


@task_app.command()
def timeline(
    task: TaskArgument,
    attempts: Annotated[
        int, typer.Option("--attempts", min=1, max=100, help="Of each step the last so many.")
    ] = 20,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=5000, help="Steps at most.")] = 1000,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Draw when each step waited, was queued and ran, one bar a step."""
    from engine.client import reports
    from tasker_tui.cli import report_views
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse

    call = reports.timeline(read_id(task), attempts=attempts, limit=limit)
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    else:
        console().print(report_views.timeline(found))
