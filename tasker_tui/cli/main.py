"""The command `tasker`. What a command needs is imported when it runs, so that `--help` answers at once."""

from __future__ import annotations

import copy
import gc
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from tasker_tui.cli import by_hand as by_hand
from tasker_tui.cli import errors
from tasker_tui.cli import history as history
from tasker_tui.cli import history_of_task as history_of_task
from tasker_tui.cli import reports as reports
from tasker_tui.cli import reruns as reruns
from tasker_tui.cli.analytics import analytics_app
from tasker_tui.cli.bench import bench
from tasker_tui.cli.chaos import chaos
from tasker_tui.cli.comparison import grid
from tasker_tui.cli.config import show_config
from tasker_tui.cli.doctor import doctor
from tasker_tui.cli.failures import failures_app
from tasker_tui.cli.lazy import lazy_group
from tasker_tui.cli.pauses import list_pauses, pause, resume
from tasker_tui.cli.queues import handlers, queues
from tasker_tui.cli.retention import retention
from tasker_tui.cli.target import LOCAL_URL, UrlOption, offer_profiles, target
from tasker_tui.cli.task import task_app
from tasker_tui.cli.workers import workers

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(task_app, name="task")
app.add_typer(analytics_app, name="analytics")
app.add_typer(
    lazy_group(
        "tasker_tui.cli.bulk_commands",
        "bulk_app",
        "Do one thing to all tasks or steps that a filter selects.",
    ),
    name="bulk",
)
app.add_typer(lazy_group("tasker_tui.cli.dlq", "dlq_app", "See and close dead letters."), name="dlq")
app.add_typer(failures_app, name="failures")
app.add_typer(
    lazy_group("tasker_tui.cli.webhooks", "webhook_app", "Have somebody called when a task fails."),
    name="webhook",
)
dev_group = lazy_group(
    "tasker_tui.cli.dev_commands",
    "dev_app",
    "Run everything on this machine, PostgreSQL included, and open the dashboard.\n\n"
    "The commands look at a stack that runs already, and steer it.",
    alone=True,
)
app.add_typer(dev_group, name="dev")
app.command()(bench)
app.command()(chaos)
app.command("config")(show_config)
app.command()(doctor)
app.command()(grid)
app.command()(handlers)
app.command()(queues)
app.command()(workers)
app.command()(retention)
app.command()(pause)
app.command()(resume)
app.command("pauses")(list_pauses)

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
TemplatesOption = Annotated[
    list[str] | None, typer.Option("--templates", metavar="DIR", help="Folder of templates; may be repeated.")
]
HandlersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--handlers", metavar="MODULE_OR_DIR", help="Module or folder of handlers; may be repeated."
    ),
]


@app.callback()
def tasker() -> None:
    """Run workflows on PostgreSQL, and see them in the terminal."""


@dev_group.callback()
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
    """Run the local stack, unless one of its commands is given."""
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
        from tasker_tui.cli.browser import serve_dashboard

        serve_dashboard(target(url), locator, host, port, unprotected=unprotected)
        return
    gc.disable()  # until the dashboard has started: nearly all that it imports and makes stays
    from tasker_tui.app import run

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


def main() -> None:
    """Entry point of the program `tasker`."""
    sys.exit(errors.exit_code_of(run_command))


def run_command() -> int:
    """Run the command that the program's arguments say; returns its exit code."""
    command: Any = typer.main.get_command(_narrowed(sys.argv[1:2]))
    offer_profiles(command)
    try:
        code: int | None = command(standalone_mode=False)
    except typer.TyperException as error:
        _show_usage(error)
        return errors.USAGE
    return code or 0


def _narrowed(names: list[str]) -> typer.Typer:
    """The program with the one command that is called: Typer builds every option of all that it has."""
    narrowed = copy.copy(app)
    narrowed.registered_commands = [one for one in app.registered_commands if _name_of(one) in names]
    narrowed.registered_groups = [one for one in app.registered_groups if one.name in names]
    return narrowed if narrowed.registered_commands or narrowed.registered_groups else app


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
