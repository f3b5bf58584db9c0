"""`tasker bulk …`: one verb on all tasks or steps that a filter selects; what it does is in `bulk`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from tasker_tui.cli.task import LOCAL, ByOption, CorrelationOption, JsonOption, ParentOption, UrlOption

bulk_app = typer.Typer(
    help="Do one thing to all tasks or steps that a filter selects.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

OperationArgument = Annotated[str, typer.Argument(metavar="ID", help="The bulk operation's id.")]
RateOption = Annotated[float | None, typer.Option("--rate", min=0.001, help="Items a second at most.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why, for the audit.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
DetachOption = Annotated[bool, typer.Option("--detach", help="Begin it, and don't wait for its end.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and keep it.")]
TIME = "TIME"
TIME_HELP = "A time, or so long ago: 2026-01-31T12:00, 30m, 6h, 2d."


def _time(name: str, help_text: str) -> Any:
    return typer.Option(name, metavar=TIME, help=help_text)


VERBS = {
    "retry": "Retry failed steps; their tasks go on.",
    "retry-downstream": "Run steps again, done ones too, with all that comes after them.",
    "retry-task": "Run whole tasks again from their first steps.",
    "skip": "Count failed steps as resolved; their children run.",
    "resolve": "Count failed steps as resolved by hand; their children run.",
    "complete": "Complete failed steps with a result; their children run.",
    "cancel": "Cancel tasks.",
    "pause-tasks": "Pause tasks.",
    "resume-tasks": "Let paused tasks go on.",
}
WITH_RESULT = {"skip", "complete"}


def _command(name: str) -> Callable[..., None]:
    """The command of a verb: all have the same options, `--result` only those whose steps get one."""

    def command(
        namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None,
        template: Annotated[str | None, typer.Option("--template", "-t", help="Its name.")] = None,
        version: Annotated[str | None, typer.Option("--version", "-v")] = None,
        state: Annotated[list[str] | None, typer.Option("--state", help="Of tasks; may be repeated.")] = None,
        step: Annotated[str | None, typer.Option("--step", help="A step's name.")] = None,
        step_state: Annotated[
            list[str] | None,
            typer.Option("--step-state", help="Of steps; may be repeated.  [default: error]"),
        ] = None,
        signature: Annotated[
            list[str] | None,
            typer.Option("--signature", "-s", help="As `tasker failures` shows it; may be repeated."),
        ] = None,
        correlation_id: CorrelationOption = None,
        parent_correlation_id: ParentOption = None,
        created_since: Annotated[str | None, _time("--created-since", TIME_HELP)] = None,
        created_until: Annotated[str | None, _time("--created-until", "Before it.")] = None,
        updated_since: Annotated[str | None, _time("--updated-since", "Of the task.")] = None,
        updated_until: Annotated[str | None, _time("--updated-until", "Before it.")] = None,
        failed_since: Annotated[str | None, _time("--failed-since", "The step's last failure.")] = None,
        failed_until: Annotated[str | None, _time("--failed-until", "Before it.")] = None,
        task: Annotated[
            list[str] | None, typer.Option("--task", metavar="TASK", help="A task's id; may be repeated.")
        ] = None,
        result: Annotated[
            str | None,
            typer.Option("--result", metavar="JSON", help="What their children get: an object, @FILE, or -."),
        ] = None,
        rate: RateOption = None,
        reason: ReasonOption = "by hand",
        by: ByOption = "cli",
        yes: YesOption = False,
        dry_run: DryRunOption = False,
        detach: DetachOption = False,
        url: UrlOption = LOCAL,
        as_json: JsonOption = False,
    ) -> None:
        from tasker_tui.cli import bulk

        wanted = {
            "namespace": namespace, "template": template, "version": version, "states": state, "step": step,
            "step_states": step_state, "signatures": signature, "correlation_id": correlation_id,
            "parent_correlation_id": parent_correlation_id, "task_uuids": task,
            "created_since": created_since, "created_until": created_until, "updated_since": updated_since,
            "updated_until": updated_until, "failed_since": failed_since, "failed_until": failed_until,
        }  # fmt: skip
        how = bulk.How(url, rate=rate, reason=reason, by=by, yes=yes, detach=detach, as_json=as_json)
        verb = name.removesuffix("-tasks").replace("-", "_")
        raise typer.Exit(bulk.act(verb, wanted, result, how, dry_run=dry_run))

    command.__doc__ = VERBS[name]
    return command


def _add_commands() -> None:
    commands = {name: _command(name) for name in VERBS}
    full = inspect.signature(commands["skip"], eval_str=True)
    # What Typer does not see keeps its default.
    plain = full.replace(parameters=[one for one in full.parameters.values() if one.name != "result"])
    for name, command in commands.items():
        command.__signature__ = full if name in WITH_RESULT else plain  # type: ignore[attr-defined]
        bulk_app.command(name)(command)


_add_commands()


@bulk_app.command()
def run(
    operation: OperationArgument,
    rate: RateOption = None,
    reason: ReasonOption = "by hand",
    by: ByOption = "cli",
    yes: YesOption = False,
    detach: DetachOption = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Run what a --dry-run has selected, within 15 minutes."""
    from tasker_tui.cli import bulk

    how = bulk.How(url, rate=rate, reason=reason, by=by, yes=yes, detach=detach, as_json=as_json)
    raise typer.Exit(bulk.run_selected(operation, how))


@bulk_app.command("list")
def list_operations(
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=1000)] = 20,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List bulk operations, the newest first."""
    from tasker_tui.cli import bulk

    bulk.list_operations(url, limit, as_json=as_json)


@bulk_app.command()
def show(operation: OperationArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Show what was selected, and how far it is."""
    from tasker_tui.cli import bulk

    bulk.show(url, operation, as_json=as_json)


@bulk_app.command()
def items(
    operation: OperationArgument,
    outcome: Annotated[
        str | None, typer.Option("--outcome", help="Only those: waiting, done, skipped or failed.")
    ] = None,
    after: Annotated[int, typer.Option("--after", min=0, help="Only items with a higher number.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-l", min=1, max=10_000)] = 100,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List the items of a bulk operation, with what became of each."""
    from tasker_tui.cli import bulk

    bulk.list_items(url, operation, outcome=outcome, after=after, limit=limit, as_json=as_json)


@bulk_app.command()
def stop(
    operation: OperationArgument,
    reason: ReasonOption = "stopped by hand",
    by: ByOption = "cli",
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Stop a bulk operation after the items that are being done."""
    from tasker_tui.cli import bulk

    bulk.stop(url, operation, reason=reason, by=by, as_json=as_json)


@bulk_app.command()
def resume(
    operation: OperationArgument,
    reason: ReasonOption = "resumed by hand",
    by: ByOption = "cli",
    detach: DetachOption = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Let a stopped bulk operation go on where it stopped."""
    from tasker_tui.cli import bulk

    how = bulk.How(url, rate=None, reason=reason, by=by, yes=True, detach=detach, as_json=as_json)
    raise typer.Exit(bulk.resume(operation, how))
