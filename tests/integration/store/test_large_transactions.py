"""Readers of the transition log while transactions are in flight that write much of it.

Nothing else ends meanwhile: then PostgreSQL's snapshots say nothing of such a transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from engine.store.pool import Connection, connect
from engine.store.stats import hop_totals, roll_up
from engine.store.transitions import open_tail, read_new

ROWS = 3_000


@asynccontextmanager
async def writing(dsn: str) -> AsyncIterator[Connection]:
    """A transaction that has written much, and has yet to commit."""
    conn = await connect(dsn)
    try:
        async with conn.transaction():
            await conn.execute(
                """
                INSERT INTO tasker.transitions (task_uuid, step_uuid, step_path, at)
                SELECT tasker.uuid7(), tasker.uuid7(), '{pending,enqueued}', tasker.now()
                FROM generate_series(1, $1)
                """,
                ROWS,
            )
            yield conn
    finally:
        await conn.close()


async def test_a_reader_gets_every_row_of_them(database: str, conn: Connection) -> None:
    tail = await open_tail(conn, "transitions")
    seen: list[int] = []

    async def read() -> None:
        found = await read_new(conn, tail, 10 * ROWS)
        assert found is not None
        seen.extend(one.change.id for one in found)

    async with AsyncExitStack() as all_of_them:
        await all_of_them.enter_async_context(writing(database))
        await read()
        async with writing(database):
            await read()
            await read()
        await read()
    await read()
    assert sorted(seen) == list(range(1, 2 * ROWS + 1))
    assert await read_new(conn, tail, 10) == []


async def test_the_counters_count_every_row_of_them(database: str, conn: Connection) -> None:
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        await first.enter_async_context(writing(database))
        await second.enter_async_context(writing(database))
        assert await roll_up(conn)
        await first.aclose()
        assert await roll_up(conn)
        await second.aclose()
        assert await roll_up(conn)
    assert [one.hops for one in await hop_totals(conn)] == [2 * ROWS]
