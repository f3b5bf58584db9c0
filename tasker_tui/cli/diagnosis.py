"""What `tasker doctor` makes of a database: findings, each with what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import asyncpg

from engine.store import doctor
from engine.store.message_queues import is_prepared
from engine.store.pool import Connection, connect
from engine.store.schema_errors import MigrationError, connecting
from tasker_tui.text import duration

OLD_SNAPSHOT = timedelta(minutes=1)
LONG_WAIT = timedelta(seconds=1)
MANY_DEAD = 50_000
PATIENCE_SECONDS = 2
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: which check found it, on what, what it is, and what to do."""

    check: str
    subject: str
    detail: str
    advice: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, and what an operator looks at next: who holds snapshots, and where dead rows are."""

    findings: list[Finding]
    snapshots: list[doctor.SnapshotHolder]
    dead_rows: list[doctor.DeadRows]


async def examine(conn: Connection) -> Diagnosis:
    """Ask everything; reads the whole database, changes nothing."""
    snapshots = await doctor.snapshot_holders(conn)
    dead = await doctor.dead_rows(conn)
    found = [
        *_lock_waits(await doctor.lock_waits(conn)),
        *_snapshots(snapshots),
        *_dead_rows(dead),
    ]
    await conn.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'")
    try:
        found[:0] = await _of_the_data(conn)
    except asyncpg.LockNotAvailableError:
        found.append(_cannot_read())
    return Diagnosis(found, snapshots, dead)


async def examine_queues(dsn: str) -> list[Finding]:
    """Ask the database that holds the queues alone."""
    try:
        with connecting(dsn, "PGMQ_DATABASE_URL"):
            async with asyncio.timeout(CONNECT_SECONDS):
                conn = await connect(dsn)
    except MigrationError as error:
        until = f"{error.hint}; steps are found by polling until then"
        return [Finding("queue database", "connection", str(error), until)]
    try:
        if not await is_prepared(conn):
            advice = "run `tasker migrate`, or look at an engine's log: it installs it when it can"
            return [Finding("queue database", "PGMQ", "is not installed in it", advice)]
        found = _dead_rows(await doctor.dead_rows(conn))
        return [replace(one, subject=f"{one.subject} of the queue database") for one in found]
    finally:
        await conn.close()


async def _of_the_data(conn: Connection) -> list[Finding]:
    return [
        *_violations(await doctor.violations(conn)),
        *_overdue(await doctor.overdue(conn)),
        *_queues(await doctor.queues_without_worker(conn)),
        *_handlers(await doctor.missing_handlers(conn)),
        *_workers(await doctor.lost_workers(conn)),
        *_partitions(await doctor.missing_partitions(conn), await doctor.strays(conn)),
    ]


def _cannot_read() -> Finding:
    return Finding(
        "locked table",
        "the data",
        f"cannot be read, another session holds a lock on them for more than {PATIENCE_SECONDS} s",
        "find it in pg_locks (mode AccessExclusiveLock), end it, and ask again: the rest was not examined",
    )


def _violations(rows: Iterable[doctor.Violation]) -> Iterator[Finding]:
    for row in rows:
        more = f"; and {row.times - 1} more" if row.times > 1 else ""
        yield Finding(
            "broken invariant",
            row.invariant,
            f"{row.subject or 'the database'}: {row.detail}{more}",
            "this is a fault of Tasker or a change by hand: keep a copy of the database, and report it",
        )


def _overdue(rows: Iterable[doctor.Overdue]) -> Iterator[Finding]:
    for row in rows:
        yield Finding(
            "left alone",
            row.what,
            f"{row.items}, the oldest for {_seconds(row.oldest)} too long",
            "start an engine with `tasker server`, or look at the log of the one that runs"
            + (": what carries them may be away" if row.what == "messages to publish" else ""),
        )


def _queues(rows: Iterable[doctor.QueueAlone]) -> Iterator[Finding]:
    for row in rows:
        yield Finding(
            "queue without a worker",
            row.namespace,
            f"{row.ready} steps wait, the oldest for {_seconds(row.oldest)}",
            f"start one with `tasker worker --namespace {row.namespace}` and its handlers",
        )


def _handlers(rows: Iterable[doctor.MissingHandler]) -> Iterator[Finding]:
    for row in rows:
        yield Finding(
            "missing handler",
            f"{row.namespace}/{row.handler}",
            f"{row.ready} steps wait for it, and no worker of the namespace has it",
            "give the worker the module that registers it (--handlers), or correct the template",
        )


def _workers(rows: Iterable[doctor.LostWorker]) -> Iterator[Finding]:
    for row in rows:
        yield Finding(
            "lost worker",
            row.name,
            f"of {', '.join(row.namespaces)}, silent for {_seconds(row.silent)}, holds {row.leases} leases",
            "start it again if nothing replaced it; its steps come back by themselves",
        )


def _snapshots(rows: Iterable[doctor.SnapshotHolder]) -> Iterator[Finding]:
    for row in rows:
        if row.age is not None and row.age < OLD_SNAPSHOT:
            continue
        yield Finding(
            "old snapshot",
            f"{row.kind} {row.application}" if row.pid is None else f"pid {row.pid} ({row.application})",
            f"{row.state}, {'of unknown age' if row.age is None else _seconds(row.age) + ' old'}: "
            "dead rows stay, and everything gets slower",
            _how_to_end(row),
        )


def _how_to_end(row: doctor.SnapshotHolder) -> str:
    if row.kind == "prepared transaction":
        return f"end it: ROLLBACK PREPARED '{row.application}'"
    if row.kind == "replication slot":
        return f"drop it if nobody uses it: SELECT pg_drop_replication_slot('{row.application}')"
    return f"let it finish, or end it: SELECT pg_terminate_backend({row.pid})"


def _lock_waits(rows: Iterable[doctor.LockWait]) -> Iterator[Finding]:
    for row in rows:
        if row.waiting < LONG_WAIT:
            continue
        blockers = ", ".join(map(str, row.blockers))
        yield Finding(
            "lock wait",
            f"pid {row.pid} ({row.application})",
            f"waits for {_seconds(row.waiting)} for pid {blockers} ({', '.join(row.blocking_applications)})",
            f"see what pid {blockers} does; SELECT pg_terminate_backend(pid) ends it",
        )


def _dead_rows(rows: Iterable[doctor.DeadRows]) -> Iterator[Finding]:
    for row in rows:
        if row.dead < max(MANY_DEAD, row.live):
            continue
        when = "never" if row.vacuumed_ago is None else f"{_seconds(row.vacuumed_ago)} ago"
        yield Finding(
            "dead rows",
            row.table,
            f"{row.dead:,} dead rows beside {row.live:,} live ones, vacuumed {when}",
            f"end old snapshots, then VACUUM {row.table}; see that autovacuum is on",
        )


def _partitions(missing: Iterable[str], strays: Iterable[str]) -> Iterator[Finding]:
    for name in missing:
        yield Finding(
            "missing partition",
            name,
            "rows of that week go to the default partition, which cannot be dropped as a whole",
            "start an engine: it makes them ahead of time",
        )
    for table in strays:
        yield Finding(
            "stray rows",
            f"{table}_default",
            "holds rows of a week that had no partition",
            "nothing is lost, but that week's partition cannot be made before they are moved by hand",
        )


def _seconds(span: timedelta) -> str:
    return duration(span.total_seconds())
