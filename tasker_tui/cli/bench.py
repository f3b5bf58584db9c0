"""`tasker bench`: the options of the command, and its report as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tasker_tui.cli.errors import USAGE, CommandError

if TYPE_CHECKING:
    from tasker_tui.bench.dashboard import DashboardReport
    from tasker_tui.bench.reference import ReferenceReport
    from tasker_tui.bench.report import Report
    from tasker_tui.bench.run import BenchOptions
    from tasker_tui.bench.scaling import ScaleReport


class Shape(StrEnum):
    """Graphs that the bench has templates of."""

    LINEAR = "linear"
    DIAMOND = "diamond"
    TREE = "tree"
    WIDE = "wide"
    CONDITIONAL = "conditional"
    BATCH = "batch"


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


class BrokerChoice(StrEnum):
    """What carries the messages."""

    PGMQ = "pgmq"
    RABBITMQ = "rabbitmq"
    BOTH = "both"


OWN_STACK_ONLY = ("broker", "history", "held_snapshot", "waiting", "mean_functions", "start")
NOT_WITH_TUI = (
    *("shape", "tasks", "handlers", "broker", "runs", "held_snapshot", "waiting"),
    *("mean_functions", "start", "scale", "reference", "url", "database_url"),
)
NOT_WITH_SCALE = ("shape", "handlers", *OWN_STACK_ONLY, "reference", "url", "database_url")
DASHBOARD_TASKS = 1_000_000
THROUGHPUT_ONLY = ("shape", "tasks", "handlers", "runs", *OWN_STACK_ONLY)


BrokerOption = Annotated[
    BrokerChoice, typer.Option(help="What carries the messages; both: one beside the other.")
]
HistoryOption = Annotated[
    int, typer.Option(metavar="N", min=0, help="Compare with a database that holds N finished tasks.")
]
SnapshotOption = Annotated[
    float, typer.Option(metavar="SECONDS", min=0, help="Compare with a snapshot held so long elsewhere.")
]
WaitingOption = Annotated[
    int, typer.Option(metavar="N", min=0, help="Measure the memory with N tasks waiting.")
]
FunctionsOption = Annotated[
    bool, typer.Option("--mean-functions", help="Tell the mean times of the SQL functions.")
]
ScaleOption = Annotated[
    bool, typer.Option("--scale", help="Measure two engines beside one, and 1, 2, 4 workers instead.")
]
ReferenceOption = Annotated[
    bool, typer.Option("--reference", help="Measure the reference's scenarios instead, one by one.")
]
TuiOption = Annotated[
    bool, typer.Option("--tui", help="Measure the dashboard instead, above --history tasks.  [1,000,000]")
]
DatabaseOption = Annotated[
    str | None, typer.Option(metavar="URL", help="The database of that server.  [default: DATABASE_URL]")
]


def bench(
    context: typer.Context,
    shape: Annotated[Shape, typer.Option(help="The graph of the tasks.")] = Shape.LINEAR,
    tasks: Annotated[int, typer.Option(min=100, help="Tasks of a run.")] = 20_000,
    handlers: Annotated[Kind, typer.Option(help="How the handlers are written.")] = Kind.BOTH,
    broker: BrokerOption = BrokerChoice.PGMQ,
    runs: Annotated[int, typer.Option(min=1, max=100, help="Runs; the median counts.")] = 1,
    history: HistoryOption = 0,
    held_snapshot: SnapshotOption = 0,
    waiting: WaitingOption = 0,
    mean_functions: FunctionsOption = False,
    start: Annotated[bool, typer.Option("--start", help="Measure how long a stack takes to start.")] = False,
    scale: ScaleOption = False,
    reference: ReferenceOption = False,
    tui: TuiOption = False,
    url: Annotated[str | None, typer.Option(help="Measure this server, not a stack of its own.")] = None,
    database_url: DatabaseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Measure how fast this machine runs tasks, on a stack that is made for it and removed."""
    if tui:
        _alone(context, "--tui", NOT_WITH_TUI)
        return _show(_measure_dashboard(history or DASHBOARD_TASKS), as_json)
    if scale:
        _alone(context, "--scale", NOT_WITH_SCALE)
        return _show(_measure_scale(tasks, runs), as_json)
    database = _database_of(url, database_url, _given(context, OWN_STACK_ONLY))
    if reference:
        _alone(context, "--reference", THROUGHPUT_ONLY)
        return _show(_measure_reference(url, database), as_json)
    from tasker_tui.bench.run import BenchOptions

    options = BenchOptions(
        shape=shape.value,
        tasks=tasks,
        handlers=HANDLERS[handlers],
        runs=runs,
        url=url,
        database_url=database,
        broker=broker.value,
        history=history,
        held_snapshot=held_snapshot,
        waiting=waiting,
        functions=mean_functions,
        start=start,
    )
    return _show(_measure(options), as_json)


def _measure(options: BenchOptions) -> Report:
    import asyncio

    import uvloop

    from tasker_tui.bench.progress import Stages
    from tasker_tui.bench.run import run_bench

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run_bench(options, Stages()))


def _measure_reference(url: str | None, database_url: str | None) -> ReferenceReport:
    import asyncio

    import uvloop

    from tasker_tui.bench.progress import Stages
    from tasker_tui.bench.reference import run_reference
    from tasker_tui.bench.run import chosen_target

    async def measure() -> ReferenceReport:
        async with chosen_target(url, database_url) as target:
            return await run_reference(target, Stages())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure())


def _measure_scale(tasks: int, rounds: int) -> ScaleReport:
    import asyncio

    import uvloop

    from tasker_tui.bench.progress import Stages
    from tasker_tui.bench.scaling import run_scale
    from tasker_tui.bench.stack import own_stack

    async def measure() -> ScaleReport:
        async with own_stack() as target:
            return await run_scale(target, tasks, rounds, Stages())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measure())


def _measure_dashboard(tasks: int) -> DashboardReport:
    import asyncio

    from tasker_tui.bench.dashboard import run_dashboard
    from tasker_tui.bench.progress import Stages

    return asyncio.run(run_dashboard(tasks, Stages()))


def _show(report: Report | ReferenceReport | ScaleReport | DashboardReport, as_json: bool) -> None:
    if as_json:
        print(report.to_json())
        return
    from tasker_tui.bench import dashboard_table, tables
    from tasker_tui.bench.dashboard import DashboardReport
    from tasker_tui.bench.report import Report
    from tasker_tui.cli.console import console

    if isinstance(report, DashboardReport):
        console().print(dashboard_table.render(report))
    else:
        console().print(tables.render(report) if isinstance(report, Report) else report.render())


def _alone(context: typer.Context, option: str, others: Sequence[str]) -> None:
    """Refuse what this option does not go with; raises CommandError."""
    if other := _given(context, others):
        raise CommandError(f"{other[0]} does not go with {option}", "leave one of the two out", USAGE)


def _given(context: typer.Context, names: Sequence[str]) -> list[str]:
    """Those of these options that stand on the command line, as they are written there."""
    sources = {name: context.get_parameter_source(name) for name in names}
    given = [name for name, source in sources.items() if source and source.name == "COMMANDLINE"]
    return ["--" + name.replace("_", "-") for name in given]


def _database_of(url: str | None, database_url: str | None, own_only: Sequence[str]) -> str | None:
    """The database of the server at `url`, None for a stack of the bench's own; raises CommandError."""
    if url is None:
        if database_url is not None:
            raise CommandError("--database-url goes with --url", "give both, or neither", USAGE)
        return None
    if own_only:
        raise CommandError(
            f"{own_only[0]} needs a stack of the bench's own, not the server at {url}",
            "leave --url out for it",
            USAGE,
        )
    from engine.settings import load_settings

    return database_url or load_settings().database.dsn
