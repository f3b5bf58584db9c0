"""`tasker failures`: what has failed, in groups; whose each group is, how far it is, and what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.task import LOCAL, ByOption, JsonOption, UrlOption

if TYPE_CHECKING:
    from engine.client import TaskerClient
    from engine.model.wire.failures import FailureGroup, FailureList, FailureTriage

MOST_GROUPS = 1_000

failures_app = typer.Typer(
    help="Group failed steps by what their errors have in common; assign a group, note what was found.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

GroupArgument = Annotated[
    str, typer.Argument(metavar="SIGNATURE", help="The group's signature, or a part that it alone has.")
]


@failures_app.callback()
def failures(
    context: typer.Context,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None,
    template: Annotated[str | None, typer.Option("--template", "-t")] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=1000, help="Groups at most.")] = 20,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Group failed steps by what their errors have in common, the largest group first."""
    if context.invoked_subcommand is not None:
        return
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


@failures_app.command()
def assign(
    signature: GroupArgument,
    owner: Annotated[str | None, typer.Argument(metavar="[WHO]", help="Nobody, if left out.")] = None,
    by: ByOption = "operator",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Give a group of failures to somebody, or back."""
    _change(url, signature, as_json=as_json, owner=owner, actor=by)


@failures_app.command()
def note(
    signature: GroupArgument,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What was found out.")] = None,
    state: Annotated[
        str | None, typer.Option("--state", "-s", help="new, triaged, fixing, fixed or ignored.")
    ] = None,
    by: ByOption = "operator",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Note what was found out about a group of failures, or how far it is."""
    from tasker_tui.cli.errors import CommandError

    if text is None and state is None:
        raise CommandError("there is nothing to note", "give a text, or --state triaged", 2)
    given = {"note": text, "state": state}
    _change(url, signature, as_json=as_json, **{k: v for k, v in given.items() if v is not None}, actor=by)


def _change(url: str, part: str, *, as_json: bool, **fields: str | None) -> None:
    from pydantic import ValidationError

    from engine.client.failures import triage_failures
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.errors import CommandError
    from tasker_tui.cli.session import converse
    from tasker_tui.text import printable

    async def change(client: TaskerClient) -> tuple[str, FailureTriage]:
        signature = await _signature(client, part)
        try:
            return signature, await client.send(triage_failures(signature, **fields))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(name) for name in first["loc"])
            raise CommandError(f"{field}: {first['msg']}", "see --help", 2) from None

    signature, now = converse(url, change)
    if as_json:
        print_json(now)
        return
    noted = f", {len(now.notes)} noted" if now.notes else ""
    said = f"{printable(signature)}: {now.state}, with {printable(now.owner or 'nobody')}{noted}"
    console().print(said, markup=False, highlight=False)


async def _signature(client: TaskerClient, part: str) -> str:
    """The signature that is meant: exactly the text, else the only one that has it."""
    from engine.client.failures import list_failures
    from tasker_tui.cli.errors import CommandError

    groups = (await client.send(list_failures(limit=MOST_GROUPS))).groups
    known = [group.signature for group in groups if part.lower() in group.signature.lower()]
    if part in known or not known:
        return part  # one that is empty now is known to the server alone
    if len(known) > 1:
        raise CommandError(
            f"{len(known)} groups have {part!r} in their signature", f"such as {known[0]!r}", 2
        )
    return known[0]


def _print_table(found: FailureList) -> None:
    from rich.table import Table
    from rich.text import Text

    from tasker_tui.cli.console import console

    cared_for = any(_is_cared_for(group) for group in found.groups)
    table = Table(box=None, pad_edge=False)
    columns = ["STEPS", "TASKS", "LAST SEEN", "WHERE", "WHAT", "FOR EXAMPLE"]
    for column in [*columns, *(["STATE", "OWNER"] if cared_for else [])]:
        table.add_column(column)
    for group in found.groups:
        place = group.places[0]
        more = f" +{len(group.places) - 1}" if len(group.places) > 1 else ""
        triage: list[str | Text]
        triage = [str(group.triage.state), Text(group.triage.owner or "-")] if cared_for else []
        table.add_row(
            str(group.failed_steps),
            str(group.failed_tasks),
            f"{group.last_seen:%Y-%m-%d %H:%M:%S}",
            Text(f"{place.namespace}/{place.template} {place.step}{more}"),
            Text(group.signature),
            str(group.sample.task_uuid),
            *triage,
        )
    console().print(table)


def _is_cared_for(group: FailureGroup) -> bool:
    return group.triage.changed_at is not None
