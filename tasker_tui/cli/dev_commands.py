"""`tasker dev`, and `tasker dev status`, `logs`, `start`, …: a running stack from another terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tasker_tui.cli.errors import FAILED, USAGE, CommandError
from tasker_tui.cli.options import HandlersOption, JsonOption, TemplatesOption
from tasker_tui.cli.task import LOCAL, UrlOption

if TYPE_CHECKING:
    from tasker_tui.dev.door import Verb

dev_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

PartArgument = Annotated[str, typer.Argument(help="postgres, server or worker.")]
AnyPart = Annotated[str | None, typer.Argument(help="postgres, server or worker.")]


@dev_app.callback()
def dev(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Port of the REST API.  [default: 8080]")] = None,
    worker_port: Annotated[int | None, typer.Option(help="Port of the worker.  [default: 8081]")] = None,
    templates: TemplatesOption = None,
    handlers: HandlersOption = None,
    data_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the data is kept.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the old data away first.")] = False,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Use this PostgreSQL 17+ instead of the embedded one.")
    ] = None,
    broker: Annotated[
        Literal["pgmq", "rabbitmq"] | None,
        typer.Option(help="What carries the messages; rabbitmq starts a node, or uses RABBITMQ_URL."),
    ] = None,
    reload: Annotated[
        bool, typer.Option(help="Restart the worker when templates or handlers change.")
    ] = True,
    headless: Annotated[bool, typer.Option("--headless", help="Without the dashboard.")] = False,
) -> None:
    """Run everything on this machine, PostgreSQL included, and open the dashboard.

    The commands look at a stack that runs already, and steer it.
    """
    if context.invoked_subcommand:
        return
    from tasker_tui.cli.dev import run_dev

    run_dev(
        headless=headless,
        port=port,
        worker_port=worker_port,
        templates=templates or [],
        handlers=handlers or [],
        data_dir=data_dir,
        fresh=fresh,
        database_url=database_url,
        broker=broker,
        reload=reload,
    )


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
