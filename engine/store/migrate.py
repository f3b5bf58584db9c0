"""Brings a database to the schema of this version of Tasker, and tells whether it is there.

Every change is one transaction under an advisory lock of that transaction, and looks again whether it is
still to be done once it holds the lock: so two processes may migrate at once, a crash leaves no lock behind,
and it works through a pooler in transaction mode.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import asyncpg

from engine.store import message_queues
from engine.store.pgmq_install import install_pgmq, pgmq_plan
from engine.store.pool import Connection
from engine.store.schema_errors import MigrationError, connecting, in_file
from migrations import SqlFile, function_files, schema_files

OLDEST_SERVER = 17
LOCK = 7_458_271_001  # of Tasker's migrations; any number that nobody else uses

BOOKS = """
CREATE SCHEMA IF NOT EXISTS tasker;
CREATE TABLE IF NOT EXISTS tasker.schema_migrations (
    number     int PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp());
-- A row for each content that a function ever had here: the latest one is in force.
CREATE TABLE IF NOT EXISTS tasker.schema_functions (
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, checksum));
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done, or with `dry_run` would be; `milliseconds` is None then. `queues` is the PGMQ
    of a database of its own."""

    kind: Literal["pgmq", "schema", "function", "queues"]
    name: str
    milliseconds: float | None = None


@dataclass(slots=True)
class MigrationReport:
    """What `migrate` found and did. `schema_version` is the number of the last schema file applied."""

    server_version: str
    schema_version: int = 0
    changes: list[Change] = field(default_factory=list)


async def migrate(dsn: str, *, dry_run: bool = False) -> MigrationReport:
    """Install PGMQ, apply the schema files that are missing and every function that changed.

    Raises MigrationError: no connection, a server older than PostgreSQL 17, a file that changed after it
    was applied, a database newer than this version, or SQL that the server refused (with file and line).
    """
    async with _connection(dsn) as connection:
        report = MigrationReport(_server_version(connection))
        applied = await _applied(connection)
        _refuse_surprises(applied)
        if dry_run:
            report.changes = await _plan(connection, applied)
        else:
            await _install_pgmq(connection, report)
            for file in schema_files():
                await _apply_schema(connection, file, report)
            await _apply_functions(connection, report)
            if not applied:
                # Rows that came before their partition would keep it from ever being made.
                await connection.execute("SELECT tasker.ensure_partitions()")
        report.schema_version = max(await _applied(connection), default=0)
        return report


async def migrate_queues(dsn: str, *, dry_run: bool = False) -> list[Change]:
    """Install PGMQ in a database that holds the queues alone; they are made when a namespace needs one.

    Raises MigrationError, as `migrate` does.
    """
    async with _connection(dsn, "PGMQ_DATABASE_URL") as connection:
        _server_version(connection)
        plan = await pgmq_plan(connection)
        if plan.method == "present":
            return []
        began = time.perf_counter()
        if not dry_run:
            await message_queues.prepare(connection)
        return [Change("queues", f"pgmq {plan.version}", None if dry_run else _milliseconds_since(began))]


async def check_schema(connection: Connection) -> int:
    """The schema's version, when this version of Tasker can work with it; for the start of a process.

    A database that is ahead is accepted: what a migration replaces stays for one release, so that processes
    of the previous one go on. Raises MigrationError when the database is behind or was never migrated.
    """
    applied = await _applied(connection)
    missing = [file.name for file in schema_files() if file.number not in applied]
    if not missing:
        known = {(row["name"], row["checksum"]) for row in await _function_history(connection)}
        missing = [file.name for file in function_files() if (file.name, file.checksum) not in known]
    if missing:
        what = f"lacks {len(missing)} changes, the first is {missing[0]}" if applied else "was never migrated"
        raise MigrationError(f"the database {what}", "run `tasker migrate`")
    return max(applied)


@asynccontextmanager
async def _connection(dsn: str, variable: str = "DATABASE_URL") -> AsyncIterator[asyncpg.Connection]:
    with connecting(dsn, variable):
        connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        yield connection
    finally:
        await connection.close()


def _server_version(connection: Connection) -> str:
    version = str(connection.get_settings().server_version)
    if connection.get_server_version().major < OLDEST_SERVER:
        raise MigrationError(
            f"the server is PostgreSQL {version}, older than {OLDEST_SERVER}",
            f"Tasker needs PostgreSQL {OLDEST_SERVER} or newer; `tasker dev` brings one",
        )
    return version


async def _applied(connection: Connection) -> dict[int, str]:
    """Checksums of the applied schema files by number; empty in a database that was never migrated."""
    if await connection.fetchval("SELECT to_regclass('tasker.schema_migrations')") is None:
        return {}
    rows = await connection.fetch("SELECT number, checksum FROM tasker.schema_migrations")
    return {row["number"]: row["checksum"] for row in rows}


def _refuse_surprises(applied: Mapping[int, str]) -> None:
    ours = {file.number: file for file in schema_files()}
    if newer := sorted(applied.keys() - ours.keys()):
        raise MigrationError(
            f"the database is at schema {newer[-1]}, and this version of Tasker knows {max(ours)}",
            "use the version of Tasker that migrated it, or a newer one",
        )
    for number, checksum in sorted(applied.items()):
        if ours[number].checksum != checksum:
            raise MigrationError(
                f"migrations/schema/{ours[number].name}.sql changed after it was applied to this database",
                "put the file back as it was and write what is new into a file with the next number; "
                "a development database can be made anew with `tasker dev --fresh`",
            )


async def _plan(connection: Connection, applied: Mapping[int, str]) -> list[Change]:
    plan = await pgmq_plan(connection)
    changes = [Change("pgmq", plan.version)] if plan.method != "present" else []
    changes += [Change("schema", file.name) for file in schema_files() if file.number not in applied]
    return changes + [Change("function", file.name) for file in await _changed_functions(connection)]


async def _install_pgmq(connection: Connection, report: MigrationReport) -> None:
    began = time.perf_counter()
    async with _locked(connection):
        installed = await install_pgmq(connection)
        await connection.execute(BOOKS)
    if installed:
        report.changes.append(Change("pgmq", installed, _milliseconds_since(began)))


async def _apply_schema(connection: Connection, file: SqlFile, report: MigrationReport) -> None:
    began = time.perf_counter()
    async with _locked(connection):
        if file.number in await _applied(connection):
            return
        with in_file(f"migrations/schema/{file.name}.sql", file.sql):
            await connection.execute(file.sql)
        await connection.execute(
            "INSERT INTO tasker.schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
            file.number,
            file.name,
            file.checksum,
        )
    report.changes.append(Change("schema", file.name, _milliseconds_since(began)))


async def _apply_functions(connection: Connection, report: MigrationReport) -> None:
    async with _locked(connection):
        # Functions call one another, so none is checked before all are there.
        await connection.execute("SET LOCAL check_function_bodies = off")
        for file in await _changed_functions(connection):
            began = time.perf_counter()
            with in_file(f"migrations/functions/{file.name}.sql", file.sql):
                await connection.execute(file.sql)
            await connection.execute(
                "INSERT INTO tasker.schema_functions AS f (name, checksum) VALUES ($1, $2) "
                "ON CONFLICT (name, checksum) DO UPDATE SET applied_at = clock_timestamp()",
                file.name,
                file.checksum,
            )
            report.changes.append(Change("function", file.name, _milliseconds_since(began)))


async def _changed_functions(connection: Connection) -> list[SqlFile]:
    history = await _function_history(connection)
    current = {row["name"]: row["checksum"] for row in history}
    return [file for file in function_files() if current.get(file.name) != file.checksum]


async def _function_history(connection: Connection) -> list[asyncpg.Record]:
    """Name and checksum of every content that was ever applied, the latest of each name last."""
    if await connection.fetchval("SELECT to_regclass('tasker.schema_functions')") is None:
        return []
    return await connection.fetch("SELECT name, checksum FROM tasker.schema_functions ORDER BY applied_at")


@asynccontextmanager
async def _locked(connection: Connection) -> AsyncIterator[None]:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        yield


def _milliseconds_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)
