"""`tasker migrate`: what was done to the database, as a table or as JSON."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from engine.settings import PgmqSettings, load_settings
from engine.store.migrate import MigrationReport, migrate, migrate_queues


def run_migrate(database_url: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Migrate the database of the option, else those of the settings, and show the report."""
    report = asyncio.run(_migrate(database_url, dry_run=dry_run))
    if as_json:
        print(json.dumps(asdict(report) | {"dry_run": dry_run}))
    else:
        _show(report, dry_run)


async def _migrate(database_url: str | None, *, dry_run: bool) -> MigrationReport:
    if database_url:
        return await migrate(database_url, dry_run=dry_run)
    settings = load_settings()
    report = await migrate(settings.database.dsn, dry_run=dry_run)
    if isinstance(settings.broker, PgmqSettings):
        report.changes += await migrate_queues(settings.broker.dsn, dry_run=dry_run)
    return report


def _show(report: MigrationReport, dry_run: bool) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console

    if report.changes:
        table = Table("kind", "name", "to do" if dry_run else "ms", box=None, pad_edge=False)
        for change in report.changes:
            took = "yes" if change.milliseconds is None else f"{change.milliseconds:.1f}"
            table.add_row(change.kind, change.name, took)
        console().print(table)
    what = f"{len(report.changes)} changes to make" if dry_run else f"{len(report.changes)} changes made"
    console().print(f"PostgreSQL {report.server_version}, schema {report.schema_version}: {what}")
