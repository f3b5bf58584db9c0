"""`tasker chaos`: the options of the command, its progress, and the table of all runs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.errors import USAGE, CommandError

if TYPE_CHECKING:
    from tasker_tui.chaos.plan import Kind, Plan
    from tasker_tui.chaos.report import Result


class BrokerChoice(StrEnum):
    """What carries the messages."""

    PGMQ = "pgmq"
    RABBITMQ = "rabbitmq"


def chaos(
    runs: Annotated[int, typer.Option(min=1, max=100_000, help="How many seeds, one after another.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The first seed; a seed stands for its faults.")] = 1,
    broker: Annotated[BrokerChoice, typer.Option(help="What carries the messages.")] = BrokerChoice.PGMQ,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="How long the load of a run lasts.")] = 9,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only these faults, such as worker-killed; may be repeated."),
    ] = None,
    results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append a line each; seeds that it has are skipped.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Kill, stop and cut off the parts of a system under load, and see that nothing is lost or done twice.

    The system is made for it and removed: PostgreSQL, RabbitMQ, two engines, two workers. Exit code 1 when
    something was lost, doubled or broken.
    """
    from tasker_tui.chaos.plan import plan_of
    from tasker_tui.chaos.report import key_of, read_results

    only = _kinds(fault or [], broker)
    plans = [plan_of(number, broker.value, seconds, only) for number in range(seed, seed + runs)]
    known = {} if results is None else {one.key: one for one in read_results(results)}
    found = [known[key_of(plan)] for plan in plans if key_of(plan) in known]
    found += _run([plan for plan in plans if key_of(plan) not in known], results)
    _show(found, as_json)
    raise typer.Exit(0 if all(result.fine for result in found) else 1)


def _kinds(names: list[str], broker: BrokerChoice) -> list[Kind]:
    """The faults of these names; raises CommandError for one that there is not."""
    from tasker_tui.chaos.plan import OF_RABBITMQ, Kind, kind_named, option_of
    from tasker_tui.text import printable

    there = [kind for kind in Kind if broker is BrokerChoice.RABBITMQ or kind not in OF_RABBITMQ]
    found = [kind_named(name) for name in names]
    for name, kind in zip(names, found, strict=True):
        if kind not in there:
            with_broker = "" if kind is None else f" with --broker {broker}"
            raise CommandError(
                f"there is no fault {printable(name)}{with_broker}",
                f"the faults are {', '.join(map(option_of, there))}",
                USAGE,
            )
    return [kind for kind in found if kind is not None]


def _run(plans: list[Plan], results: Path | None) -> list[Result]:
    import asyncio
    import shutil
    import tempfile

    from tasker_tui.chaos.report import append_result
    from tasker_tui.chaos.run import run_plans

    found: list[Result] = []
    ended = False
    folder = Path(tempfile.mkdtemp(prefix="tasker-chaos-"))

    async def run() -> None:
        async for result in run_plans(plans, folder):
            found.append(result)
            if results is not None:
                append_result(results, result)
            _tell(result)

    try:
        if plans:
            asyncio.run(run())
        ended = True
    finally:
        if ended and all(result.fine for result in found):
            shutil.rmtree(folder)
        else:
            print(f"what the processes of the broken runs wrote is in {folder}", file=sys.stderr)
    return found


def _tell(result: Result) -> None:
    from tasker_tui.text import printable

    came = "nothing lost" if result.fine else f"BROKEN: {printable(result.broken[0])}"
    kinds = ", ".join(result.faults)
    print(
        f"seed {result.seed}: {result.tasks} tasks, {kinds}: {came} ({result.seconds:.0f} s)",
        file=sys.stderr,
        flush=True,
    )


def _show(results: list[Result], as_json: bool) -> None:
    import json

    from tasker_tui.chaos.report import render, summary
    from tasker_tui.cli.console import console

    if as_json:
        print(json.dumps(summary(results)))
    else:
        console().print(render(results))
