"""`tasker pause`, `tasker resume`, `tasker pauses`: hold the steps of a task, a template or a namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from tasker_tui.cli.task import LOCAL, ByOption, DryRunOption, JsonOption, UrlOption

if TYPE_CHECKING:
    from engine.client import TaskerClient
    from engine.client.calls import Call
    from engine.model.wire.pauses import PauseAnswer, PauseList

WhatArgument = Annotated[
    str, typer.Argument(metavar="WHAT", help="A task's id, NAMESPACE/TEMPLATE[@VERSION], or a NAMESPACE.")
]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why, for those who find it paused.")]


def pause(
    what: WhatArgument,
    reason: ReasonOption = "paused by hand",
    dry_run: DryRunOption = False,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Let workers finish what they run of it, and claim nothing more."""
    from engine.client import pauses

    _change(
        url,
        what,
        lambda place: pauses.pause(place, reason=reason, actor=by, dry_run=dry_run),
        as_json=as_json,
        done="paused",
        already="was paused already",
    )


def resume(
    what: WhatArgument,
    reason: ReasonOption = "resumed by hand",
    dry_run: DryRunOption = False,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Let it go on."""
    from engine.client import pauses

    _change(
        url,
        what,
        lambda place: pauses.resume(place, reason=reason, actor=by, dry_run=dry_run),
        as_json=as_json,
        done="resumed",
        already="was not paused",
    )


def list_pauses(url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """List what is paused, by whom and why."""
    from engine.client import pauses
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse

    found = converse(url, lambda client: client.send(pauses.list_pauses()))
    if as_json:
        print_json(found)
    elif not found.pauses:
        console().print("nothing is paused; `tasker pause WHAT` pauses a task, a template or a namespace")
    else:
        _print_table(found)


def _change(
    url: str,
    what: str,
    change: Callable[[str], Call[PauseAnswer]],
    *,
    as_json: bool,
    done: str,
    already: str,
) -> None:
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse

    async def run(client: TaskerClient) -> PauseAnswer:
        return await client.send(change(await _place(client, what)))

    answer = converse(url, run)
    if as_json:
        print_json(answer)
        return
    would = "would be " if answer.dry_run else ""
    console().print(f"{what}: {would}{done}" if answer.changed else f"{what}: {already}", markup=False)


async def _place(client: TaskerClient, what: str) -> str:
    from engine.client import pauses

    try:
        return pauses.task(UUID(what))
    except ValueError:
        pass
    namespace, slash, template = what.partition("/")
    if not slash:
        return pauses.namespace(namespace)
    name, _, version = template.partition("@")
    if not version:
        version = (await client.get_template(namespace, name)).version
    return pauses.template(namespace, name, version)


def _print_table(found: PauseList) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console

    table = Table(box=None, pad_edge=False)
    for column in ("WHAT", "BY", "SINCE", "REASON"):
        table.add_column(column)
    for one in found.pauses:
        place = one.namespace or str(one.task_uuid)
        what = f"{place}/{one.template}@{one.version}" if one.template else place
        table.add_row(what, one.paused_by, f"{one.paused_at:%Y-%m-%d %H:%M:%S}", one.reason)
    console().print(table)
