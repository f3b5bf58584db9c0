"""The queues of a PGMQ that lives in a database of its own: messages alone, no table of Tasker's.

A message is deleted when it is taken, and nothing is archived but what is no message of ours. `pgmq.read`
is not used: it rewrites a message each time, and can't be given a lower bound (decision 0003).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID

import asyncpg

from engine.store.pgmq_install import install_pgmq
from engine.store.pool import Connection
from engine.store.registration import queue_name

LOCK = 7_458_271_002  # of this preparation; any number that nobody else uses

SETTINGS = """
    autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0
"""
"""As of other tables that empty as fast as they fill (migrations/schema/0005_work.sql)."""


COUNTED = 100_000
"""Messages of one queue are counted up to here."""


class Message(NamedTuple):
    """A message that was taken: its number in its queue, and what it says."""

    number: int
    body: str


async def prepare(conn: Connection) -> str | None:
    """Install PGMQ where it is missing; returns the version installed. Raises MigrationError."""
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        return await install_pgmq(conn)


async def is_prepared(conn: Connection) -> bool:
    """Whether PGMQ is there."""
    there: bool = await conn.fetchval("SELECT to_regclass('pgmq.meta') IS NOT NULL")
    return there


async def declare(conn: Connection, namespace: str) -> None:
    """Have a namespace's queue there; raises InsufficientPrivilegeError if it is not for us."""
    table = _table("q", namespace)
    if await _is_usable(conn, namespace):
        return
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if await _is_usable(conn, namespace):  # somebody else made it meanwhile
            return
        await conn.execute("SELECT pgmq.create($1)", queue_name(namespace))
        await conn.execute(f"ALTER TABLE {table} SET ({SETTINGS})")
        # By which a message leaves whose step was claimed without it.
        await conn.execute(f"CREATE INDEX ON {table} ((message ->> 'step_uuid'))")


async def _is_usable(conn: Connection, namespace: str) -> bool:
    """Whether the queue is there. Refused here, and not by each message, it is no matter of other queues."""
    allowed: bool | None = await conn.fetchval(
        """
        SELECT bool_and(has_table_privilege(c.oid, right_to))
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_to
        WHERE n.nspname = 'pgmq' AND c.relname = $1
        """,
        f"q_{queue_name(namespace)}",  # to_regclass may not see in a transaction what others have committed
    )
    if allowed is False:
        raise asyncpg.InsufficientPrivilegeError(f"permission denied for table {_table('q', namespace)}")
    return bool(allowed)


async def send(conn: Connection, namespace: str, bodies: Sequence[str]) -> None:
    """Put messages into a namespace's queue."""
    await conn.execute(
        "SELECT count(*) FROM pgmq.send_batch($1, $2::text[]::jsonb[])", queue_name(namespace), bodies
    )


async def take(conn: Connection, namespace: str, after: int, limit: int) -> list[Message]:
    """Take the oldest messages with numbers above `after` out of a queue; they are this caller's alone."""
    table = _table("q", namespace)
    rows = await conn.fetch(
        f"""
        DELETE FROM {table} WHERE msg_id = ANY (ARRAY (
            SELECT msg_id FROM {table} WHERE msg_id > $1 ORDER BY msg_id LIMIT $2 FOR UPDATE SKIP LOCKED))
        RETURNING msg_id, coalesce(message::text, '')
        """,
        after,
        limit,
    )
    return sorted(Message(*row) for row in rows)


async def remove(conn: Connection, namespace: str, steps: Sequence[UUID]) -> int:
    """Remove the messages of steps from a queue; returns how many there were."""
    removed: int = await conn.fetchval(
        f"""
        WITH gone AS (DELETE FROM {_table("q", namespace)}
                      WHERE message ->> 'step_uuid' = ANY ($1::uuid[]::text[]) RETURNING 1)
        SELECT count(*) FROM gone
        """,
        steps,
    )
    return removed


async def archive(conn: Connection, namespace: str, message: Message) -> None:
    """Keep a message that was taken and is of no use, where PGMQ keeps such ones."""
    await conn.execute(
        f"""
        INSERT INTO {_table("a", namespace)} (msg_id, vt, message)
        VALUES ($1, clock_timestamp(), nullif($2, '')::jsonb) ON CONFLICT DO NOTHING
        """,
        message.number,
        message.body,
    )


async def depth(conn: Connection, namespace: str) -> int | None:
    """How many messages wait in a namespace's queue; None if there is no queue."""
    table = _table("q", namespace)
    if not await conn.fetchval("SELECT to_regclass($1) IS NOT NULL", table):
        return None
    waiting: int = await conn.fetchval(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {COUNTED}) AS few")
    return waiting


def _table(kind: Literal["q", "a"], namespace: str) -> str:
    name = f"{kind}_{queue_name(namespace)}".replace('"', '""')
    return f'pgmq."{name}"'
