"""`tasker retention`: remove old tasks now, after a look at what would go, and with an export if wanted."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.errors import USAGE, CommandError

if TYPE_CHECKING:
    from engine.store.pool import Pool
    from engine.store.retention import Age, OldTasks


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for; `days` of tasks that ended well, `failed_days` of those in error."""

    dsn: str
    days: int
    failed_days: int
    export: Path | None
    dry_run: bool
    yes: bool
    as_json: bool


def retention(
    days: Annotated[
        int | None,
        typer.Option(min=1, help="Remove tasks that ended so many days ago.  [default: retention.keep_days]"),
    ] = None,
    failed_days: Annotated[
        int | None,
        typer.Option(
            min=1, help="The same for tasks in error.  [default: retention.keep_failed_days, else --days]"
        ),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append them to a file first, one JSON a line.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and leave it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The database.  [default: DATABASE_URL]")
    ] = None,
) -> None:
    """Remove old tasks and all that belongs to them, beside whatever runs.

    Tasks that have not ended, or have an open dead letter, stay.
    """
    import asyncio

    from engine.settings import load_settings

    settings = load_settings()
    kept = days or settings.retention.keep_days
    if kept is None:
        raise CommandError(
            "nothing says how old a task must be", "give --days, or set retention.keep_days", USAGE
        )
    failed = failed_days or (None if days else settings.retention.keep_failed_days) or kept
    order = Order(database_url or settings.database.dsn, kept, failed, export, dry_run, yes, as_json)
    asyncio.run(_carry_out(order))


async def _carry_out(order: Order) -> None:
    from engine.store import retention
    from engine.store.migrate import check_schema
    from engine.store.pool import open_pool
    from engine.store.schema_errors import connecting

    with connecting(order.dsn):
        pool = await open_pool(order.dsn, max_size=2)
    async with pool:
        async with pool.acquire() as conn:
            await check_schema(conn)
            age = await retention.age(conn, timedelta(days=order.days), timedelta(days=order.failed_days))
            old = await retention.count_old(conn, age)
        if order.dry_run:
            _tell(order, old, 0, 0)
            return
        if not order.as_json:
            _show(old)
        _confirm(order, sum(one.tasks for one in old))
        tasks, partitions = await _remove(pool, order, age, sum(one.tasks for one in old))
        _tell(order, old, tasks, partitions)


async def _remove(pool: Pool, order: Order, age: Age, expected: int) -> tuple[int, int]:
    from engine.orchestration.retention import Export, ExportFailed, remove_old

    tasks = partitions = 0
    try:
        async for progress in remove_old(pool, age, Export(order.export) if order.export else None):
            tasks, partitions = tasks + progress.tasks, partitions + progress.partitions
            if sys.stderr.isatty():
                print(f"\r{tasks:,} of {expected:,} tasks removed", end="", file=sys.stderr, flush=True)
    except ExportFailed as error:
        raise CommandError(str(error), f"{tasks:,} tasks were removed before that") from error
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
    return tasks, partitions


def _confirm(order: Order, tasks: int) -> None:
    if order.yes or not tasks:
        return
    if not sys.stdin.isatty() or not typer.confirm(f"Remove {tasks:,} tasks for ever?", err=True):
        raise CommandError("not confirmed: nothing was removed", "give --yes to not be asked")


def _tell(order: Order, old: list[OldTasks], tasks: int, partitions: int) -> None:
    if order.as_json:
        print(_json(order, old, tasks, partitions))
    elif order.dry_run:
        _show(old)
    else:
        print(f"removed {tasks:,} tasks and {partitions} partitions of their history")


def _json(order: Order, old: list[OldTasks], tasks: int, partitions: int) -> str:
    import json

    found = [one._asdict() | {"first_ended_at": one.first_ended_at.isoformat()} for one in old]
    return json.dumps(
        {"dry_run": order.dry_run, "old": found, "removed": tasks, "partitions_dropped": partitions}, indent=2
    )


def _show(old: list[OldTasks]) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console, plain

    if not old:
        print("no task is old enough to go")
        return
    table = Table("template", "ended as", "tasks", "the first on", box=None, pad_edge=False)
    for one in old:
        first = f"{one.first_ended_at:%Y-%m-%d}"
        table.add_row(plain(f"{one.namespace}/{one.template}"), one.state, f"{one.tasks:,}", first)
    console().print(table)
