"""`tasker failures`: what has failed, in groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.task import LOCAL, JsonOption, UrlOption

if TYPE_CHECKING:
    from engine.model.wire.failures import FailureList


def failures(
    namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None,
    template: Annotated[str | None, typer.Option("--template", "-t")] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=1000, help="Groups at most.")] = 20,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Group failed steps by what their errors have in common, the largest group first."""
    from engine.client.failures import list_failures
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse

    call = list_failures(namespace=namespace, template=template, limit=limit)
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    elif not found.groups:
        console().print("no step is in error; `tasker task list` shows what runs")
    else:
        _print_table(found)


def _print_table(found: FailureList) -> None:
    from rich.table import Table
    from rich.text import Text

    from tasker_tui.cli.console import console

    table = Table(box=None, pad_edge=False)
    for column in ("STEPS", "TASKS", "LAST SEEN", "WHERE", "WHAT", "FOR EXAMPLE"):
        table.add_column(column)
    for group in found.groups:
        place = group.places[0]
        more = f" +{len(group.places) - 1}" if len(group.places) > 1 else ""
        table.add_row(
            str(group.failed_steps),
            str(group.failed_tasks),
            f"{group.last_seen:%Y-%m-%d %H:%M:%S}",
            Text(f"{place.namespace}/{place.template} {place.step}{more}"),
            Text(group.signature),
            str(group.sample.task_uuid),
        )
    console().print(table)
