"""The history's partitions: made ahead, and made good where rows came first."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from engine.store.claims import claim, submit
from tests.gates.running import a_worker, connected, create, register_bench, succeeded


async def test_rows_that_came_before_their_partition_are_moved_into_it(database):
    worker = a_worker()
    async with connected(database) as conn:
        [task] = await create(conn, await register_bench(conn, "linear_async"))
        held = await claim(conn, worker, uuid4(), 1)
        before = await conn.fetch("SELECT id, step_path, xid FROM tasker.transitions ORDER BY id")
        assert await conn.fetchval("SELECT count(*) FROM tasker.transitions_default") == len(before) == 6
        assert await conn.fetchval("SELECT tasker.ensure_partitions()") == 9
        assert await conn.fetchval("SELECT count(*) FROM tasker.transitions_default") == 0
        assert await conn.fetch("SELECT id, step_path, xid FROM tasker.transitions ORDER BY id") == before
        while held:
            held = (await submit(conn, worker, uuid4(), [succeeded(held[0])], keep=1, claim=0)).held
        assert await conn.fetchval("SELECT state FROM tasker.tasks WHERE task_uuid = $1", task) == "complete"
        assert await conn.fetchval("SELECT count(*) FROM tasker.step_attempts_default") == 0
        later = await conn.fetchval("SELECT count(*) FROM tasker.transitions WHERE id > $1", before[-1][0])
        assert later == 11
        assert await conn.fetchval("SELECT tasker.ensure_partitions()") == 0


async def test_a_partition_has_the_indexes_and_rules_of_its_table(database):
    async with connected(database) as conn:
        await conn.execute("SELECT tasker.ensure_partitions()")
        uneven = await conn.fetch(
            """
            WITH shape AS (
                SELECT c.oid, (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
                       (SELECT count(*) FROM pg_constraint r
                        WHERE r.conrelid = c.oid AND r.contype IN ('c', 'p')) AS rules
                FROM pg_class c WHERE c.relnamespace = 'tasker'::regnamespace AND c.relkind IN ('r', 'p'))
            SELECT i.inhrelid::regclass::text
            FROM pg_inherits i
            JOIN shape part ON part.oid = i.inhrelid
            JOIN shape whole ON whole.oid = i.inhparent
            WHERE (part.indexes, part.rules) <> (whole.indexes, whole.rules)
            """
        )
    assert uneven == []


async def test_who_reads_the_history_is_not_waited_for_with_everybody_behind(database):
    async with connected(database) as conn, connected(database) as reader:
        async with reader.transaction():
            await reader.fetchval("SELECT count(*) FROM tasker.transitions_default")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await conn.execute("SELECT tasker.ensure_partitions()")
        assert await conn.fetchval("SELECT tasker.ensure_partitions()") == 9
