"""`tasker doctor` names what is wrong, and nothing where nothing is."""

from __future__ import annotations

import asyncio
import json
import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from engine.store.claims import claim
from engine.store.workers import register_worker
from tasker_tui.cli import diagnosis
from tasker_tui.cli.diagnosis import examine
from tests.gates.running import a_worker, connected, create, register_bench
from tests.support.forks import FORKS


@pytest.fixture
async def dsn(pg_server):
    """A database that may end up broken, so not the one that is checked for it."""
    async with pg_server.new_database() as dsn:
        yield dsn


@pytest.fixture
async def conn(dsn):
    """A connection to it, with the history's partitions."""
    async with connected(dsn) as conn:
        await conn.execute("SELECT tasker.ensure_partitions()")
        yield conn


WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


async def found(conn):
    return [(finding.check, finding.subject) for finding in (await examine(conn)).findings]


async def served(conn, *handlers):
    """A live worker of the bench with these handlers."""
    worker = a_worker(handlers)
    await register_worker(
        conn, worker.worker_uuid, name="box:1", hostname="box", pid=1, version="0", namespaces=["bench"],
        handlers=handlers, slots=10,
    )  # fmt: skip
    return worker


async def test_a_working_system_is_healthy(conn):
    worker = await served(conn, "bench.async")
    await create(conn, await register_bench(conn, "linear_async"), 20)
    await claim(conn, worker, uuid4(), 5)
    assert await found(conn) == []


async def test_broken_invariants_are_named_with_an_example(conn):
    await served(conn, "bench.async")
    await create(conn, await register_bench(conn, "linear_async"), 2)
    await conn.execute("UPDATE tasker.steps SET remaining_parents = 3 WHERE state = 'pending'")
    [counters] = (await examine(conn)).findings
    assert (counters.check, counters.subject) == ("broken invariant", "remaining_parents_is_count")
    assert "says 3, is 1" in counters.detail
    assert "and 5 more" in counters.detail


async def test_steps_that_nobody_can_claim(conn):
    revision = await register_bench(conn, "linear_async")
    await create(conn, revision, 3)
    assert await found(conn) == [("queue without a worker", "bench")]
    await served(conn, "bench.def")
    assert await found(conn) == [("missing handler", "bench/bench.async")]


async def test_a_worker_that_went_silent_and_what_it_held(conn):
    worker = await served(conn, "bench.async")
    await create(conn, await register_bench(conn, "linear_async"))
    await claim(conn, worker, uuid4(), 1)
    await conn.execute("UPDATE tasker.workers SET last_heartbeat_at = tasker.now() - interval '3 minutes'")
    await conn.execute("UPDATE tasker.leases SET expires_at = tasker.now() - interval '2 minutes'")
    result = await examine(conn)
    assert [(one.check, one.subject) for one in result.findings] == [
        ("left alone", "leases to take back"),
        ("lost worker", "box:1"),
    ]
    assert "holds 1 leases" in result.findings[1].detail


async def test_who_holds_a_snapshot(conn, dsn, monkeypatch):
    async with connected(dsn) as holder:
        await holder.execute("SET application_name = 'a dump'")
        pid = await holder.fetchval("SELECT pg_backend_pid()")
        async with holder.transaction(isolation="repeatable_read"):
            await holder.fetchval("SELECT count(*) FROM tasker.tasks")
            young = await examine(conn)
            monkeypatch.setattr(diagnosis, "OLD_SNAPSHOT", timedelta(0))
            old = await examine(conn)
    assert (pid, "a dump", "idle in transaction") in [
        (one.pid, one.application, one.state) for one in young.snapshots
    ]
    assert young.findings == []
    finding = next(one for one in old.findings if one.subject == f"pid {pid} (a dump)")
    assert f"pg_terminate_backend({pid})" in finding.advice


async def test_who_waits_for_whose_lock(conn, dsn, monkeypatch):
    monkeypatch.setattr(diagnosis, "LONG_WAIT", timedelta(0))
    async with connected(dsn) as holder, connected(dsn) as waiter:
        holder_pid = await holder.fetchval("SELECT pg_backend_pid()")
        waiter_pid = await waiter.fetchval("SELECT pg_backend_pid()")
        async with holder.transaction():
            await holder.execute("LOCK TABLE tasker.tasks IN ACCESS EXCLUSIVE MODE")
            waiting = asyncio.create_task(waiter.execute("SELECT FROM tasker.missing_handlers, tasker.tasks"))
            async with asyncio.timeout(10):
                while not await conn.fetchval(WAITING):  # noqa: ASYNC110 - nobody tells but the server
                    await asyncio.sleep(0.01)
            waits, data = (await examine(conn)).findings
        await waiting
    assert waits.subject == f"pid {waiter_pid} (tasker)"
    assert f"for pid {holder_pid} (tasker)" in waits.detail
    assert data.check == "locked table"


async def test_dead_rows_that_outnumber_the_living(conn, monkeypatch):
    monkeypatch.setattr(diagnosis, "MANY_DEAD", 100)
    await conn.execute("ALTER TABLE tasker.missing_handlers SET (autovacuum_enabled = off)")
    await conn.execute(
        "INSERT INTO tasker.missing_handlers SELECT 'x', n::text, now() FROM generate_series(1, 500) n"
    )
    await conn.execute("DELETE FROM tasker.missing_handlers")
    await conn.execute("SELECT pg_stat_force_next_flush()")
    result = await examine(conn)
    assert ("tasker.missing_handlers", 500) in [(one.table, one.dead) for one in result.dead_rows]
    assert ("dead rows", "tasker.missing_handlers") in [(one.check, one.subject) for one in result.findings]


async def drop_partitions(conn):
    partitions = await conn.fetch(
        """
        SELECT child.oid::regclass::text AS name
        FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
        WHERE child.relkind = 'r' AND child.relname !~ '_default$'
        """
    )
    for partition in partitions:
        await conn.execute(f"DROP TABLE {partition['name']}")


async def test_history_without_partitions(pg_server):
    async with pg_server.new_database() as dsn, connected(dsn) as conn:
        await drop_partitions(conn)
        await served(conn, "bench.async")
        await create(conn, await register_bench(conn, "linear_async"))
        subjects = [subject for check, subject in await found(conn) if check == "missing partition"]
        strays = [subject for check, subject in await found(conn) if check == "stray rows"]
    assert len(subjects) == 6
    assert strays == ["transitions_default"]


async def run(dsn, *options):
    """The command as a user runs it: exit code, output, errors."""
    arguments = ["doctor", "--database-url", dsn, *options]
    done = await asyncio.to_thread(FORKS.run, arguments, cwd=Path.cwd(), env=os.environ)
    return done.returncode, done.stdout, done.stderr


async def test_the_command_says_it_in_its_exit_code(conn, dsn):
    code, output, _ = await run(dsn, "--json")
    assert (code, json.loads(output)["findings"]) == (0, [])
    await create(conn, await register_bench(conn, "linear_async"), 3)
    code, output, _ = await run(dsn, "--json")
    [finding] = json.loads(output)["findings"]
    assert (code, finding["check"], finding["subject"]) == (1, "queue without a worker", "bench")
    code, output, _ = await run(dsn)
    assert code == 1
    assert "queue without a worker: bench" in output
    assert "tasker worker --namespace bench" in output
    assert "oldest snapshot: nobody holds one" in output


async def test_a_database_that_cannot_be_asked(pg_server):
    code, _, errors = await run(pg_server.dsn("no_such_database"))
    assert code == 2
    assert errors.startswith("error: cannot connect")
    async with pg_server.new_database("template0") as empty:
        code, _, errors = await run(empty)
    assert (code, "tasker migrate" in errors) == (2, True)
