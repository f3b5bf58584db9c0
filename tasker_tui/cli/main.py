"""The commands of `tasker`. What one needs is imported when it runs, so that `--help` answers at once."""

from __future__ import annotations

import copy
import gc
import sys
from typing import Annotated, Any

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from tasker_tui.cli import errors
from tasker_tui.cli.catalogue import CATALOGUE, add_from_catalogue
from tasker_tui.cli.options import HandlersOption, JsonOption, TemplatesOption
from tasker_tui.cli.target import LOCAL_URL, UrlOption, offer_profiles, target

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def tasker() -> None:
    """Run workflows on PostgreSQL, and see them in the terminal."""


@app.command()
def server(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Run an engine with its REST API."""
    from tasker_tui.cli.parts import run_server

    raise typer.Exit(run_server(**_section("server", host=host, port=port)) or 0)


@app.command()
def worker(
    templates: TemplatesOption = None,
    handlers: HandlersOption = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Claim from this namespace; may be repeated."),
    ] = None,
    slots: Annotated[int | None, typer.Option(help="How many steps run at once.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of health and metrics.")] = None,
    drain_timeout: Annotated[
        float | None, typer.Option(help="Seconds that running steps get at the end.")
    ] = None,
    debug: Annotated[
        str | None,
        typer.Option(
            metavar="HANDLER",
            help="Run only the steps of this handler, here, where breakpoint() works, without time-outs.",
        ),
    ] = None,
    url: UrlOption = "http://127.0.0.1:8080",
) -> None:
    """Run a worker that executes steps."""
    from tasker_tui.cli.parts import run_worker

    if debug is not None:
        from tasker_tui.cli.debugging import use_local_stack

        use_local_stack(url)
    given = _section(
        "worker",
        templates=templates,
        handlers=handlers,
        namespaces=namespace,
        slots=slots,
        port=port,
        drain_timeout_seconds=drain_timeout,
    )
    raise typer.Exit(run_worker(debugged=debug, **given) or 0)


@app.command()
def migrate(
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The database.  [default: DATABASE_URL]")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a database to the schema of this version."""
    from tasker_tui.cli.migrate import run_migrate

    run_migrate(database_url, dry_run=dry_run, as_json=as_json)


@app.command()
def tui(
    locator: Annotated[str | None, typer.Argument(help="What to open first, such as task/UUID.")] = None,
    url: UrlOption = LOCAL_URL,
    serve: Annotated[bool, typer.Option("--serve", help="Show it in a browser. It has no login.")] = False,
    host: Annotated[str, typer.Option(help="With --serve: the address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="With --serve: the port.")] = 8000,
    unprotected: Annotated[
        bool, typer.Option("--unprotected", help="With --serve: let other machines in, without a login.")
    ] = False,
) -> None:
    """Open the dashboard of a running server."""
    if serve:
        gc.enable()  # a server does not end its start
        from tasker_tui.cli.browser import serve_dashboard

        serve_dashboard(target(url), locator, host, port, unprotected=unprotected)
        return
    from tasker_tui.opening import run

    raise typer.Exit(run(target(url), locator=locator))


@app.command()
def version() -> None:
    """Say which version this is."""
    from importlib.metadata import version as version_of

    print(f"tasker {version_of('tasker')}")


def _section(name: str, **values: Any) -> dict[str, Any]:
    """The values that were given, as overrides of a section of the settings."""
    given = {key: value for key, value in values.items() if value is not None}
    return {name: given} if given else {}


def run_with_typer() -> int:
    """Run the command that the program's arguments say; returns its exit code."""
    command: Any = typer.main.get_command(_narrowed(*sys.argv[1:2]))
    offer_profiles(command)
    try:
        code: int | None = command(standalone_mode=False)
    except typer.TyperException as error:
        _show_usage(error)
        return errors.USAGE
    return code or 0


def _narrowed(name: str = "") -> typer.Typer:
    """The program with the one command of this name, or with all: Typer builds every option that it knows."""
    narrowed, own = copy.copy(app), {_name_of(one): one for one in app.registered_commands}
    known = name in own or name in CATALOGUE
    narrowed.registered_commands = [one for of, one in own.items() if not known or of == name]
    narrowed.registered_groups = []
    for elsewhere in CATALOGUE:
        if not known or elsewhere == name:
            add_from_catalogue(narrowed, elsewhere)
    return narrowed


def _name_of(command: CommandInfo) -> str:
    return command.name or get_command_name(command.callback.__name__ if command.callback else "")


def _show_usage(error: typer.TyperException) -> None:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    command = context.command_path if context else "tasker"
    if not message or (context and message == context.get_help()):
        print(context.get_help() if context else "", file=sys.stderr)
        return
    errors.say_error(message[0].lower() + message[1:].rstrip("."), f"{command} --help")
