"""Questions about the health of a database, for `tasker doctor`: what is broken, in the way, left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from engine.store.engine_calls import WORKER_ALIVE
from engine.store.pool import Connection

LATE = timedelta(seconds=5)
"""After it, what an engine should have done at once counts as left alone."""

LOST_WORKER_SHOWN = timedelta(hours=1)
"""A worker that went silent longer ago was replaced, or is missed by other signs."""

HISTORY = ("transitions", "step_attempts", "step_logs")


class Violation(NamedTuple):
    """An invariant that the data break: how often, and one example."""

    invariant: str
    times: int
    subject: UUID | None
    detail: str


class SnapshotHolder(NamedTuple):
    """A session, prepared transaction or replication slot that keeps dead rows from being removed.

    `pid` is None where no process holds it.
    """

    kind: str
    pid: int | None
    application: str
    state: str
    age: timedelta | None


class DeadRows(NamedTuple):
    """Rows of a table that vacuum has not removed yet, beside those that live."""

    table: str
    dead: int
    live: int
    vacuumed_ago: timedelta | None


class LockWait(NamedTuple):
    """A session that waits for a lock, and those that hold it."""

    pid: int
    application: str
    waiting: timedelta
    blockers: list[int]
    blocking_applications: list[str]


class QueueAlone(NamedTuple):
    """A namespace with ready steps and no live worker."""

    namespace: str
    ready: int
    oldest: timedelta


class MissingHandler(NamedTuple):
    """A handler that ready steps need and no live worker of their namespace has."""

    namespace: str
    handler: str
    ready: int


class LostWorker(NamedTuple):
    """A worker that did not say goodbye and gives no sign of life."""

    name: str
    namespaces: list[str]
    silent: timedelta
    leases: int


class Overdue(NamedTuple):
    """Work that waits for an engine for longer than it should; `oldest` is by how much."""

    what: str
    items: int
    oldest: timedelta


async def violations(conn: Connection) -> list[Violation]:
    """Ask for broken invariants (migrations/functions/invariant_violations.sql); reads all tasks."""
    rows = await conn.fetch(
        """
        SELECT invariant, count(*)::int, (array_agg(subject))[1], (array_agg(detail))[1]
        FROM tasker.invariant_violations() GROUP BY 1 ORDER BY 1
        """,
        timeout=3600,
    )
    return [Violation(*row) for row in rows]


async def snapshot_holders(conn: Connection) -> list[SnapshotHolder]:
    """Who keeps dead rows alive, the oldest first; this session and vacuums do not count."""
    rows = await conn.fetch(
        """
        SELECT kind, pid, application, state, age FROM (
            SELECT 'session' AS kind, a.pid,
                   coalesce(nullif(a.application_name, ''), a.usename) AS application,
                   coalesce(a.state, a.backend_type) AS state, clock_timestamp() - a.xact_start AS age,
                   greatest(age(a.backend_xmin), age(a.backend_xid)) AS xids
            FROM pg_stat_activity a
            WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
              AND a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
            UNION ALL
            SELECT 'prepared transaction', NULL, p.gid, 'prepared', clock_timestamp() - p.prepared,
                   age(p.transaction)
            FROM pg_prepared_xacts p
            UNION ALL
            SELECT 'replication slot', s.active_pid, s.slot_name,
                   CASE WHEN s.active THEN 'active' ELSE 'inactive' END, NULL,
                   greatest(age(s.xmin), age(s.catalog_xmin))
            FROM pg_replication_slots s
            WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL) holders
        ORDER BY xids DESC, age DESC
        """
    )
    return [SnapshotHolder(*row) for row in rows]


async def dead_rows(conn: Connection) -> list[DeadRows]:
    """The tables of Tasker and of its queues that hold dead rows, most first."""
    rows = await conn.fetch(
        """
        SELECT schemaname || '.' || relname, n_dead_tup, n_live_tup,
               clock_timestamp() - greatest(last_vacuum, last_autovacuum)
        FROM pg_stat_user_tables
        WHERE schemaname IN ('tasker', 'pgmq') AND n_dead_tup > 0
        ORDER BY n_dead_tup DESC, 1
        """
    )
    return [DeadRows(*row) for row in rows]


async def lock_waits(conn: Connection) -> list[LockWait]:
    """Sessions of this database that wait for a lock, the longest wait first."""
    rows = await conn.fetch(
        """
        SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename::text),
               clock_timestamp() - min(l.waitstart), b.pids,
               ARRAY (SELECT DISTINCT coalesce(nullif(o.application_name, ''), o.usename::text)
                      FROM pg_stat_activity o WHERE o.pid = ANY (b.pids) ORDER BY 1)
        FROM pg_locks l
        JOIN pg_stat_activity a USING (pid)
        CROSS JOIN LATERAL (SELECT pg_blocking_pids(a.pid) AS pids) b
        WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.datname = current_database()
        GROUP BY a.pid, a.application_name, a.usename, b.pids
        ORDER BY 3 DESC
        """
    )
    return [LockWait(*row) for row in rows]


_LIVE = """
live AS (
    SELECT w.namespaces, w.handlers FROM tasker.workers w
    WHERE w.state <> 'stopped' AND w.last_heartbeat_at > tasker.now() - $1::interval)
"""


async def queues_without_worker(conn: Connection) -> list[QueueAlone]:
    """Namespaces whose ready steps nobody can claim."""
    rows = await conn.fetch(
        f"""
        WITH {_LIVE}
        SELECT r.namespace, count(*)::int, tasker.now() - min(r.ready_at)
        FROM tasker.ready_steps r
        WHERE NOT EXISTS (SELECT FROM live WHERE r.namespace = ANY (live.namespaces))
        GROUP BY 1 ORDER BY 1
        """,
        WORKER_ALIVE,
    )
    return [QueueAlone(*row) for row in rows]


async def missing_handlers(conn: Connection) -> list[MissingHandler]:
    """Handlers that are needed now and that no worker of a served namespace has."""
    rows = await conn.fetch(
        f"""
        WITH {_LIVE}
        SELECT r.namespace, r.handler, count(*)::int
        FROM tasker.ready_steps r
        WHERE EXISTS (SELECT FROM live WHERE r.namespace = ANY (live.namespaces))
          AND NOT EXISTS (SELECT FROM live
                          WHERE r.namespace = ANY (live.namespaces) AND r.handler = ANY (live.handlers))
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
        WORKER_ALIVE,
    )
    return [MissingHandler(*row) for row in rows]


async def lost_workers(conn: Connection) -> list[LostWorker]:
    """Workers that went silent within the last hour, or that still hold leases."""
    rows = await conn.fetch(
        """
        SELECT w.name, w.namespaces, tasker.now() - w.last_heartbeat_at, l.leases
        FROM tasker.workers w
        CROSS JOIN LATERAL (SELECT count(*)::int AS leases FROM tasker.leases l
                            WHERE l.worker_uuid = w.worker_uuid) l
        WHERE w.state <> 'stopped' AND w.last_heartbeat_at < tasker.now() - $1::interval
          AND (l.leases > 0 OR w.last_heartbeat_at > tasker.now() - $2::interval)
        ORDER BY w.last_heartbeat_at DESC
        """,
        WORKER_ALIVE,
        LOST_WORKER_SHOWN,
    )
    return [LostWorker(*row) for row in rows]


async def overdue(conn: Connection) -> list[Overdue]:
    """What no engine has taken up in time: results, retries that are due, leases that ran out."""
    rows = await conn.fetch(
        """
        SELECT what, count(*)::int, max(late) FROM (
            SELECT 'results to process' AS what, tasker.now() - coalesce(a.recorded_at, t.updated_at) AS late
            FROM tasker.unprocessed_results u
            JOIN tasker.tasks t USING (task_uuid)
            LEFT JOIN tasker.step_attempts a
              ON a.task_uuid = u.task_uuid AND a.step_uuid = u.step_uuid AND a.claim_no = u.claim_no
            UNION ALL
            SELECT 'messages to publish', tasker.now() - r.ready_at
            FROM tasker.ready_steps r JOIN tasker.namespaces n ON n.name = r.namespace
            WHERE n.queue_name IS NULL AND r.published_at IS NULL AND NOT r.held
            UNION ALL
            SELECT 'retries to fire', tasker.now() - r.retry_at FROM tasker.step_retries r
            UNION ALL
            SELECT 'leases to take back', tasker.now() - l.expires_at FROM tasker.leases l) waits
        WHERE late > $1::interval
        GROUP BY 1 ORDER BY 1
        """,
        LATE,
    )
    return [Overdue(*row) for row in rows]


async def missing_partitions(conn: Connection) -> list[str]:
    """Partitions of the history for this week and the next that do not exist."""
    rows = await conn.fetch(
        """
        SELECT wanted.name
        FROM unnest($1::text[]) AS history(name)
        CROSS JOIN generate_series(0, 1) AS weeks
        CROSS JOIN LATERAL (
            SELECT history.name || to_char(date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC')
                                           + make_interval(weeks => weeks), '_YYYYMMDD') AS name) wanted
        WHERE to_regclass('tasker.' || wanted.name) IS NULL
        ORDER BY 1
        """,
        list(HISTORY),
    )
    return [row[0] for row in rows]


async def strays(conn: Connection) -> list[str]:
    """Histories with rows in their default partition: those of a week that had no partition."""
    return [
        table
        for table in HISTORY
        if await conn.fetchval(f"SELECT EXISTS (SELECT FROM tasker.{table}_default)")
    ]
