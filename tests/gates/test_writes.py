"""What one four-step task costs in transactions, WAL and updates, whatever the machine."""

from __future__ import annotations

from statistics import median

from engine.store.pool import Connection
from tests.gates.running import (
    connected,
    create,
    engine_loops,
    register_bench,
    until_complete,
    worker_process,
)

TASKS = 60
WARM_UP = 20
ON_THEIR_PAGE = 0.85
ROUNDS = 4


async def xids(conn: Connection) -> int:
    """The next transaction id of the server: it moves by one for each transaction that writes."""
    return int(await conn.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text"))


async def wal_bytes(conn: Connection) -> int:
    """How much WAL the server has ever written."""
    return int(await conn.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))


async def test_a_four_step_task_takes_few_transactions_and_little_wal(quiet_database):
    async with (
        connected(quiet_database) as conn,
        engine_loops(quiet_database),
        worker_process(quiet_database),
    ):
        revision = await register_bench(conn, "linear_async")
        costs = [await _cost_of_one(conn, revision) for _ in range(WARM_UP + TASKS)][WARM_UP:]
    # The median: what timers write now and then (a sign of life, a lane's mark) is no part of a task.
    assert median(transactions for transactions, _ in costs) <= 6
    assert median(wal for _, wal in costs) <= 20 * 1024


async def _cost_of_one(conn: Connection, revision: int) -> tuple[int, int]:
    transactions, wal = await xids(conn), await wal_bytes(conn)
    await until_complete(conn, await create(conn, revision, notify=True))
    return await xids(conn) - transactions, await wal_bytes(conn) - wal


async def test_updates_of_steps_stay_on_their_page(quiet_database):
    # A process that waits for a processor in the middle of a statement holds its snapshot, and with it dead
    # versions on their pages: a busy machine only lowers the share, so the best round counts.
    shares: list[float] = []
    async with connected(quiet_database) as conn:
        while len(shares) < ROUNDS and max(shares, default=0.0) < ON_THEIR_PAGE:
            shares.append(await _share_on_their_page(conn, quiet_database))
    assert max(shares) >= ON_THEIR_PAGE


async def _share_on_their_page(conn: Connection, dsn: str) -> float:
    await conn.execute("SELECT pg_stat_reset_single_table_counters('tasker.steps'::regclass)")
    async with engine_loops(dsn), worker_process(dsn):
        revision = await register_bench(conn, "linear_kibibyte")
        for _ in range(10):
            await until_complete(conn, await create(conn, revision, 100, notify=True))
    # The processes have ended, so they have told the server what they counted.
    updates, hot = await conn.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'tasker.steps'::regclass"
    )
    assert updates >= 8_000
    return float(hot / updates)
