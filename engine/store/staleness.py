"""What the engine asks of the database to find tasks that are past the limits of their template."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from engine.store.pool import Connection, Pool


class StaleTask(NamedTuple):
    """A task past a limit: `passed` is `duration`, or the state that it is in for too long."""

    task_uuid: UUID
    namespace: str
    name: str
    state: str
    passed: str
    minutes: int
    threshold: int


class FoundStale(NamedTuple):
    """The stale tasks of one look, and how many tasks it looked at."""

    tasks: list[StaleTask]
    looked_at: int


class EndedStale(NamedTuple):
    """What was done to a stale task; both None if it was no longer stale."""

    moved: bool | None
    letter: bool | None


class StalenessTotals(NamedTuple):
    """What all searches of all engines did: how often, what they found, ended in error, and took in ms."""

    runs: int
    detected: int
    failed: int
    milliseconds: int


async def find_stale(pool: Pool, limit: int, *, dry_run: bool) -> FoundStale:
    """Look at the tasks whose limits are due, at most `limit`."""
    rows = await pool.fetch(
        """
        SELECT task_uuid, namespace, name, state::text, passed, minutes, threshold, looked_at
        FROM tasker.find_stale_tasks($1, $2)
        """,
        limit,
        dry_run,
    )
    found = [StaleTask(*row[:7]) for row in rows if row["task_uuid"] is not None]
    return FoundStale(found, rows[0]["looked_at"] if rows else 0)


async def end_stale(pool: Pool, task_uuid: UUID, actor: str) -> EndedStale:
    """Do what its template says to a stale task, in a transaction of its own."""
    row = await pool.fetchrow("SELECT moved, letter FROM tasker.end_stale_task($1, $2)", task_uuid, actor)
    assert row is not None
    return EndedStale(*row)


async def count_search(pool: Pool, *, detected: int, failed: int, milliseconds: int) -> None:
    """Count one search for the metrics."""
    await pool.execute(
        """
        UPDATE tasker.staleness_totals
        SET runs = runs + 1, detected = detected + $1, failed = failed + $2, milliseconds = milliseconds + $3
        """,
        detected,
        failed,
        milliseconds,
    )


async def staleness_totals(conn: Connection) -> StalenessTotals:
    """What all searches ever did."""
    row = await conn.fetchrow("SELECT runs, detected, failed, milliseconds FROM tasker.staleness_totals")
    assert row is not None
    return StalenessTotals(*row)
