"""The workers that exist, and what they offer."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from engine.store.pool import Connection


async def register_worker(
    conn: Connection,
    worker_uuid: UUID,
    *,
    name: str,
    hostname: str,
    pid: int,
    version: str,
    namespaces: Sequence[str],
    handlers: Sequence[str],
    slots: int,
) -> None:
    """Make a worker known, or what it offers after that changed."""
    await conn.execute(
        """
        INSERT INTO tasker.workers (worker_uuid, name, hostname, pid, version, namespaces, handlers, slots)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (worker_uuid) DO UPDATE
        SET namespaces = excluded.namespaces, handlers = excluded.handlers, slots = excluded.slots,
            last_heartbeat_at = tasker.now()
        """,
        worker_uuid, name, hostname, pid, version, list(namespaces), list(handlers), slots,
    )  # fmt: skip


async def retire_worker(conn: Connection, worker_uuid: UUID) -> None:
    """Say that a worker has ended."""
    await conn.execute(
        "UPDATE tasker.workers SET state = 'stopped', busy = 0, last_heartbeat_at = tasker.now() "
        "WHERE worker_uuid = $1",
        worker_uuid,
    )
