"""`tasker bench`: the options of the command, and its report as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

import typer

from tasker_tui.cli.errors import USAGE, CommandError


class Shape(StrEnum):
    """Graphs that the bench has templates of."""

    LINEAR = "linear"
    DIAMOND = "diamond"
    TREE = "tree"
    WIDE = "wide"


class Kind(StrEnum):
    """How the handlers are written."""

    ASYNC = "async"
    DEF = "def"
    BOTH = "both"


HANDLERS: dict[Kind, Sequence[Literal["async", "def"]]] = {
    Kind.ASYNC: ("async",),
    Kind.DEF: ("def",),
    Kind.BOTH: ("async", "def"),
}


def bench(
    shape: Annotated[Shape, typer.Option(help="The graph of the tasks.")] = Shape.LINEAR,
    tasks: Annotated[int, typer.Option(min=100, help="Tasks of a run.")] = 20_000,
    handlers: Annotated[Kind, typer.Option(help="How the handlers are written.")] = Kind.BOTH,
    runs: Annotated[int, typer.Option(min=1, max=100, help="Runs; the median counts.")] = 1,
    history: Annotated[
        int, typer.Option(metavar="N", min=0, help="Compare with a database that holds N finished tasks.")
    ] = 0,
    held_snapshot: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Compare with a snapshot held so long elsewhere.")
    ] = 0,
    waiting: Annotated[
        int, typer.Option(metavar="N", min=0, help="Measure the memory with N tasks waiting.")
    ] = 0,
    mean_functions: Annotated[
        bool, typer.Option("--mean-functions", help="Tell the mean times of the SQL functions.")
    ] = False,
    start: Annotated[bool, typer.Option("--start", help="Measure how long a stack takes to start.")] = False,
    url: Annotated[
        str | None, typer.Option(help="Measure this server instead of a stack of its own.")
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The database of that server.  [default: DATABASE_URL]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Measure how fast this machine runs tasks, on a stack that is made for it and removed."""
    import asyncio

    import uvloop

    from tasker_tui.bench.progress import Stages
    from tasker_tui.bench.run import BenchOptions, run_bench

    own_only = {
        "--history": history, "--held-snapshot": held_snapshot, "--waiting": waiting,
        "--mean-functions": mean_functions, "--start": start,
    }  # fmt: skip
    options = BenchOptions(
        shape=shape.value,
        tasks=tasks,
        handlers=HANDLERS[handlers],
        runs=runs,
        url=url,
        database_url=_database_of(url, database_url, [name for name, given in own_only.items() if given]),
        history=history,
        held_snapshot=held_snapshot,
        waiting=waiting,
        functions=mean_functions,
        start=start,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(run_bench(options, Stages()))
    if as_json:
        print(report.to_json())
    else:
        from tasker_tui.bench.tables import render
        from tasker_tui.cli.console import console

        console().print(render(report))


def _database_of(url: str | None, database_url: str | None, own_only: Sequence[str]) -> str | None:
    """The database of the server at `url`, None for a stack of the bench's own; raises CommandError."""
    if url is None:
        if database_url is not None:
            raise CommandError("--database-url goes with --url", "give both, or neither", USAGE)
        return None
    if own_only:
        raise CommandError(
            f"{own_only[0]} would fill or disturb the server at {url}", "leave --url out for it", USAGE
        )
    from engine.settings import load_settings

    return database_url or load_settings().database.dsn
