"""`tasker grid` and `tasker task diff`: runs of a template beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.task import LOCAL, JsonOption, UrlOption, task_app

if TYPE_CHECKING:
    from engine.client import TaskerClient
    from engine.model.wire.comparison import Grid


def grid(
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="NAMESPACE/NAME[@VERSION].")],
    state: Annotated[
        list[str] | None, typer.Option("--state", "-s", help="Only runs in this state; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=100, help="Runs at most.")] = 20,
    before: Annotated[
        str | None, typer.Option("--before", metavar="TASK", help="Only runs older than this one.")
    ] = None,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Show the newest runs of a template, a line a run and a mark a step."""
    from engine.client import comparison
    from tasker_tui.cli import comparison_views
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.errors import USAGE, CommandError
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse

    namespace, slash, rest = template.partition("/")
    name, _, version = rest.partition("@")
    if not slash or not name:
        raise CommandError(
            f"{template!r} names no template", "write NAMESPACE/NAME or NAMESPACE/NAME@VERSION", USAGE
        )
    older_than = read_id(before) if before else None

    async def run(client: TaskerClient) -> Grid:
        wanted = version or (await client.get_template(namespace, name)).version
        call = comparison.grid(namespace, name, wanted, state=state, before=older_than, limit=limit)
        return await client.send(call)

    found = converse(url, run)
    if as_json:
        print_json(found)
    else:
        console().print(comparison_views.grid(found))


@task_app.command()
def diff(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The one task's id.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The other one's, of the same template.")],
    everything: Annotated[bool, typer.Option("--all", "-a", help="Steps too that are alike.")] = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs of a template: context, states, attempts, durations, results, errors."""
    from engine.client import comparison
    from tasker_tui.cli import comparison_views
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.inputs import read_id
    from tasker_tui.cli.session import converse

    call = comparison.diff(read_id(task), read_id(other), differing=not everything)
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    else:
        console().print(comparison_views.diff(found))
