"""`tasker doctor`: says what is wrong with a database and what to do; exit code 1 when something is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tasker_tui.cli.diagnosis import Diagnosis

SHOWN = 5


def doctor(
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The database.  [default: DATABASE_URL]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for programs.")] = False,
) -> None:
    """Look for broken invariants and for what is in the way of a database."""
    import asyncio

    from engine.settings import PgmqSettings, load_settings

    queues: str | None = None
    if database_url is None:
        settings = load_settings()
        database_url = settings.database.dsn
        queues = settings.broker.dsn if isinstance(settings.broker, PgmqSettings) else None
    diagnosis = asyncio.run(_examine(database_url, queues))
    if as_json:
        print(_json(diagnosis))
    else:
        _show(diagnosis)
    raise typer.Exit(1 if diagnosis.findings else 0)


async def _examine(dsn: str, queues: str | None) -> Diagnosis:
    from engine.store.migrate import check_schema
    from engine.store.pool import connect
    from engine.store.schema_errors import connecting
    from tasker_tui.cli.diagnosis import examine, examine_queues

    with connecting(dsn):
        conn = await connect(dsn)
    try:
        await check_schema(conn)
        diagnosis = await examine(conn)
    finally:
        await conn.close()
    if queues is not None:
        diagnosis.findings.extend(await examine_queues(queues))
    return diagnosis


def _json(diagnosis: Diagnosis) -> str:
    import json

    return json.dumps(
        {
            "healthy": not diagnosis.findings,
            "findings": [asdict(finding) for finding in diagnosis.findings],
            "snapshots": [_plain(holder._asdict()) for holder in diagnosis.snapshots],
            "dead_rows": [_plain(table._asdict()) for table in diagnosis.dead_rows],
        },
        indent=2,
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Spans of time as seconds, which their keys say."""
    return dict(_plain_items(row))


def _plain_items(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        is_span = key.startswith("age") or key.endswith("_ago")
        seconds = round(value.total_seconds(), 3) if isinstance(value, timedelta) else value
        yield (f"{key}_seconds", seconds) if is_span else (key, value)


def _show(diagnosis: Diagnosis) -> None:
    from tasker_tui.cli.console import console

    out = console()
    for finding in diagnosis.findings:
        out.print(f"✗ {finding.check}: {finding.subject}", style="red", markup=False)
        out.print(f"    {finding.detail}", markup=False)
        out.print(f"    → {finding.advice}", markup=False)
    count = len(diagnosis.findings)
    out.print("✓ healthy" if not count else f"{count} findings", style="red" if count else "green")
    for line in _background(diagnosis):
        out.print(line, style="dim", markup=False)


def _background(diagnosis: Diagnosis) -> Iterator[str]:
    from tasker_tui.text import duration

    if diagnosis.snapshots:
        oldest = diagnosis.snapshots[0]
        age = "" if oldest.age is None else f", {duration(oldest.age.total_seconds())} old"
        yield f"oldest snapshot: {oldest.kind} {oldest.pid or ''} {oldest.application}, {oldest.state}{age}"
    else:
        yield "oldest snapshot: nobody holds one"
    tables = [f"{table.table} {table.dead:,}" for table in diagnosis.dead_rows[:SHOWN]]
    yield f"dead rows: {', '.join(tables) or 'none'}"
