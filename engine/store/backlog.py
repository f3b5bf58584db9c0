"""How much waits: what back pressure is decided by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from engine.store.pool import Connection

Kind = Literal["ready", "results", "events"]


class Depth(NamedTuple):
    """What waits in one queue, counted up to a limit. `namespace` is None for the engine's own queues.

    Below `low_mark` those hold nothing but dead rows, and what a transaction in flight has yet to show.
    """

    kind: Kind
    namespace: str | None
    depth: int
    low_mark: int | None = None


async def backlog(conn: Connection, most: int, marks: Mapping[Kind, int]) -> list[Depth]:
    """Every queue in which something can pile up; none is counted beyond `most`.

    `marks` are those of an earlier call, from which the engine's own queues are counted.
    """
    rows = await conn.fetch(
        "SELECT * FROM tasker.backlog_above($1, $2, $3)",
        most,
        marks.get("results", 0),
        marks.get("events", 0),
    )
    return [Depth(*row) for row in rows]
