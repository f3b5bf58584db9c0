"""`tasker dev status`, `logs`, `start`, `stop`, `restart`, `reset`: a running stack from another terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.errors import FAILED, USAGE, CommandError
from tasker_tui.cli.task import LOCAL, JsonOption, UrlOption

if TYPE_CHECKING:
    from tasker_tui.dev.door import Verb

dev_app = typer.Typer(rich_markup_mode=None)

PartArgument = Annotated[str, typer.Argument(help="postgres, server or worker.")]
AnyPart = Annotated[str | None, typer.Argument(help="postgres, server or worker.")]


@dev_app.command()
def status(url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Show the processes, what was checked, and what came of the last edit."""
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.dev_talk import talk
    from tasker_tui.cli.dev_views import stack_tables

    report = talk(url, lambda door: door.report())
    if as_json:
        print_json(report)
    else:
        for shown in stack_tables(report):
            console().print(shown)


@dev_app.command()
def start(part: PartArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Start a part that was stopped."""
    _order("start", part, url, as_json)


@dev_app.command()
def restart(part: PartArgument, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Let a part finish what it runs, and start it again."""
    _order("restart", part, url, as_json)


@dev_app.command()
def stop(part: AnyPart = None, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """Let a part finish what it runs and stay down; without a name, end the whole stack."""
    from tasker_tui.cli.dev_talk import end_stack, talk

    if part is not None:
        _order("stop", part, url, as_json)
        return
    report = talk(url, end_stack)
    print(f'{{"stopped": {report.pid}}}' if as_json else f"the stack at {report.url} has ended")


@dev_app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Throw all tasks and templates away and start with an empty database."""
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.dev_talk import reset_stack, talk

    report = talk(url, lambda door: door.report())
    if not yes:
        _confirm(report.url)
    report = talk(url, reset_stack)
    if report.trouble:
        raise CommandError(report.trouble, "see tasker dev logs postgres", FAILED)
    if as_json:
        print_json(report)
    else:
        print(f"the database of {report.url} is empty and ready")


@dev_app.command()
def logs(
    part: Annotated[str, typer.Argument(help="postgres, server or worker.")] = "worker",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until ctrl+c.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last ones.")] = 100,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """Show what a part wrote."""
    import json

    from tasker_tui.cli.dev_talk import show_log, talk
    from tasker_tui.text import printable

    def write(line: str) -> None:
        print(json.dumps({"part": part, "line": line}) if as_json else printable(line), flush=True)

    talk(url, lambda door: show_log(door, part, lines, follow, write))


def _order(verb: Verb, part: str, url: str, as_json: bool) -> None:
    from tasker_tui.cli.console import print_json
    from tasker_tui.cli.dev_talk import order, talk

    found, seconds = talk(url, lambda door: order(door, verb, part))
    if as_json:
        print_json(found)
        return
    pid = f", pid {found.pid}" if found.pid else ""
    print(f"{found.name} is {found.state} after {seconds:.1f} s{pid}")


def _confirm(url: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("a reset has to be confirmed", "add --yes", USAGE)
    print(f"All tasks and templates of {url} will be thrown away.", file=sys.stderr)
    if input("Type reset to do it: ").strip() != "reset":
        raise CommandError("nothing was reset", "", FAILED)
