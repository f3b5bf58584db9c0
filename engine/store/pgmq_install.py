"""PGMQ in the database: the server's own extension where it has one, else the SQL that comes with Tasker."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import asyncpg

from engine.store.pool import Connection
from engine.store.schema_errors import MigrationError, in_file

OLDEST_PGMQ = (1, 5)


@dataclass(frozen=True, slots=True)
class PgmqPlan:
    """How PGMQ gets into the database, and which version that is ('' when it cannot be told)."""

    method: Literal["present", "extension", "sql"]
    version: str


async def pgmq_plan(connection: Connection) -> PgmqPlan:
    """Find out how to install PGMQ; raises MigrationError when what the server has is too old."""
    found = await connection.fetchrow(
        "SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'pgmq'"
    )
    if found and found["installed_version"]:
        _refuse_old(found["installed_version"], "run `ALTER EXTENSION pgmq UPDATE` in this database")
        return PgmqPlan("present", found["installed_version"])
    if await connection.fetchval("SELECT to_regclass('pgmq.meta')"):
        return PgmqPlan("present", "")
    if found:
        _refuse_old(found["default_version"], "install a newer PGMQ on the server")
        return PgmqPlan("extension", found["default_version"])
    return PgmqPlan("sql", _shipped("VERSION").strip())


async def install_pgmq(connection: Connection) -> str | None:
    """Install PGMQ where it is missing; returns the version installed, or None when it was there."""
    plan = await pgmq_plan(connection)
    if plan.method == "present":
        return None
    sql = "CREATE EXTENSION pgmq" if plan.method == "extension" else _shipped("pgmq.sql")
    try:
        with in_file(f"pgmq {plan.version}", sql):
            await connection.execute(sql)
    except MigrationError as error:
        if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            raise MigrationError(str(error), "have an administrator install PGMQ in this database") from error
        raise
    return plan.version


def _refuse_old(version: str, hint: str) -> None:
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if parts < OLDEST_PGMQ:
        oldest = ".".join(map(str, OLDEST_PGMQ))
        raise MigrationError(f"the server's PGMQ is {version}, and Tasker needs {oldest} or newer", hint)


def _shipped(name: str) -> str:
    # Read without importing the package, which would load a second PostgreSQL driver.
    spec = importlib.util.find_spec("pgmq")
    if spec is None or not spec.submodule_search_locations:
        raise MigrationError("the package pgmq is not installed", "install it again: pip install tasker")
    return (Path(spec.submodule_search_locations[0]) / "sql" / name).read_text(encoding="utf-8")
