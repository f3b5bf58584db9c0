"""How much waits: what back pressure is decided by."""

from __future__ import annotations

from typing import Literal, NamedTuple

from engine.store.pool import Connection

Kind = Literal["ready", "results", "events"]


class Depth(NamedTuple):
    """What waits in one queue, counted up to a limit. `namespace` is None for the engine's own queues."""

    kind: Kind
    namespace: str | None
    depth: int


async def backlog(conn: Connection, most: int) -> list[Depth]:
    """Every queue in which something can pile up; none is counted beyond `most`."""
    return [Depth(*row) for row in await conn.fetch("SELECT * FROM tasker.backlog($1)", most)]
