"""`tasker dlq …`: dead letters; the tasks that need somebody. What they print is in `dlq_tables`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker_tui.cli.task import LOCAL, ByOption, JsonOption, TaskArgument, UrlOption

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from engine.client.calls import Call
    from engine.model.wire.dead_letters import DlqChange

dlq_app = typer.Typer(help="See and close dead letters.", no_args_is_help=True, rich_markup_mode=None)

EntryArgument = Annotated[
    str, typer.Argument(metavar="ENTRY", help="The dead letter's id, or that of its task.")
]
LimitOption = Annotated[int, typer.Option("--limit", "-l", min=1, max=1000)]
StatusOption = Annotated[
    str | None,
    typer.Option(
        "--status",
        "-s",
        help="pending, manually_resolved, permanently_failed or cancelled.",
        metavar="STATUS",
    ),
]
NotesOption = Annotated[str | None, typer.Option("--notes", "-n", help="What was found; why it is closed.")]
ResolvedByOption = Annotated[
    str, typer.Option("--resolved-by", "-b", "--by", help="Who, for the audit.", envvar="USER")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]


@dlq_app.command("list")
def list_(
    status: StatusOption = None,
    namespace: Annotated[str | None, typer.Option("--namespace")] = None,
    template: Annotated[str | None, typer.Option("--template", "-t")] = None,
    assignee: Annotated[
        str | None, typer.Option("--assignee", help="Those that this person cares for.")
    ] = None,
    limit: LimitOption = 50,
    offset: Annotated[int, typer.Option("--offset", "-o", min=0)] = 0,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List dead letters, the newest first."""
    from engine.client import dead_letters
    from tasker_tui.cli.dlq_tables import print_entries

    call = dead_letters.list_entries(
        resolution_status=status, namespace=namespace, template=template, assignee=assignee, limit=limit,
        offset=offset,
    )  # fmt: skip
    _read(url, call, print_entries, as_json=as_json)


@dlq_app.command()
def queue(limit: LimitOption = 100, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """List the open dead letters, the most urgent first."""
    from engine.client import dead_letters
    from tasker_tui.cli.dlq_tables import print_queue

    _read(url, dead_letters.queue(limit=limit), print_queue, as_json=as_json)


@dlq_app.command()
def stats(url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Count dead letters by reason."""
    from engine.client import dead_letters
    from tasker_tui.cli.dlq_tables import print_stats

    _read(url, dead_letters.stats(), print_stats, as_json=as_json)


@dlq_app.command()
def staleness(limit: LimitOption = 100, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """List how long tasks that wait or run are in their state, the stale ones first."""
    from engine.client import dead_letters
    from tasker_tui.cli.dlq_tables import print_staleness

    _read(url, dead_letters.staleness(limit=limit), print_staleness, as_json=as_json)


@dlq_app.command()
def show(task: TaskArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Show the open dead letter of a task, else its latest one."""
    from engine.client import dead_letters
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.dlq_tables import print_entry
    from tasker_tui.cli.session import converse

    found = converse(url, lambda client: client.send(dead_letters.entry_of_task(task)))
    if as_json:
        print_json(found)
    else:
        print_entry(found)


dlq_app.command("get", hidden=True, help="The same as `show`.")(show)


@dlq_app.command()
def add(
    task: TaskArgument,
    reason: Annotated[str, typer.Option("--reason", "-r", help="What there is to look into.")],
    assignee: Annotated[str | None, typer.Option("--assignee", help="Who cares for it.")] = None,
    dry_run: DryRunOption = False,
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Put a task among the dead letters by hand. It is not stopped."""
    from engine.client import dead_letters

    call = dead_letters.add(task, reason=reason, actor=by, assignee=assignee, dry_run=dry_run)
    _change(url, task, lambda _: call, as_json=as_json, done="is a dead letter", already="was one already")


@dlq_app.command()
def assign(
    entry: EntryArgument,
    assignee: Annotated[str | None, typer.Argument(metavar="[WHO]", help="Nobody, if left out.")] = None,
    dry_run: DryRunOption = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Give a dead letter to somebody, or back."""
    from engine.client import dead_letters

    _change(
        url,
        entry,
        lambda found: dead_letters.update(found, assignee=assignee, dry_run=dry_run),
        as_json=as_json,
        done=f"is with {assignee}" if assignee else "is with nobody",
        already="was already",
    )


@dlq_app.command()
def update(
    entry: EntryArgument,
    status: StatusOption = None,
    notes: NotesOption = None,
    action: Annotated[
        str | None,
        typer.Option("--action", "-a", help="What its task does: retry, resolve, fail, cancel or none."),
    ] = None,
    by: ResolvedByOption = "cli",
    dry_run: DryRunOption = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Note what was found, or close a dead letter: then its task goes on or ends."""
    given = {"resolution_status": status, "resolution_notes": notes, "action": action}
    _update(url, entry, by, dry_run=dry_run, as_json=as_json, **given)


@dlq_app.command()
def resolve(
    entry: EntryArgument,
    action: Annotated[
        str, typer.Option("--action", "-a", help="What its task does: retry, resolve, fail or cancel.")
    ] = "retry",
    notes: NotesOption = None,
    by: ResolvedByOption = "cli",
    dry_run: DryRunOption = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Close a dead letter; unless told otherwise its failed steps are retried, and its task goes on."""
    _update(url, entry, by, dry_run=dry_run, as_json=as_json, action=action, resolution_notes=notes)


def _update(url: str, entry: str, by: str, *, dry_run: bool, as_json: bool, **given: Any) -> None:
    from pydantic import ValidationError

    from engine.client import dead_letters
    from engine.model.problems import field_problems
    from engine.model.wire.dead_letters import DlqInvestigationUpdate
    from tasker_tui.cli.errors import USAGE, CommandError

    fields = {name: value for name, value in given.items() if value is not None}
    if not fields:
        raise CommandError("nothing to change was given", "give --notes, --status or --action", USAGE)
    fields |= {"resolved_by": by, "dry_run": dry_run}
    try:
        DlqInvestigationUpdate.model_validate(fields)
    except ValidationError as error:
        first = field_problems(error, DlqInvestigationUpdate)[0]
        where = f"{first.path}: " if first.path else ""
        raise CommandError(f"{where}{first.message}", "tasker dlq update --help", USAGE) from None
    _change(
        url,
        entry,
        lambda found: dead_letters.update(found, **fields),
        as_json=as_json,
        done="changed",
        already="was so already",
    )


def _read(
    url: str,
    call: Call[Any],
    show: Callable[[Any], None],
    *,
    as_json: bool,
) -> None:
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.session import converse

    found: Sequence[BaseModel] = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    else:
        show(found)


def _change(
    url: str,
    what: str,
    call: Callable[[str], Call[DlqChange]],
    *,
    as_json: bool,
    done: str,
    already: str,
) -> None:
    from engine.client import ApiError, TaskerClient, dead_letters
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.dlq_tables import print_change
    from tasker_tui.cli.session import converse

    async def run(client: TaskerClient) -> DlqChange:
        try:
            return await client.send(call(what))
        except ApiError as error:
            if error.status != 404:
                raise
            of_task = await client.send(dead_letters.entry_of_task(what))
            return await client.send(call(str(of_task.dlq_entry_uuid)))

    answer = converse(url, run)
    if as_json:
        print_json(answer)
    else:
        print_change(answer, done, already)
