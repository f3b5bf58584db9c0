"""What is done to a system, one function for each kind of fault."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import psutil

from engine.store.pool import DATABASE_ERRORS
from tasker_tui.chaos.parts import Part
from tasker_tui.chaos.plan import OF_ENGINES, OF_RABBITMQ, OF_WORKERS, Fault, Kind
from tasker_tui.chaos.servers import Server
from tasker_tui.chaos.system import APPLICATION, System

"""Another fault took the connection that this one uses: it is over."""

OTHERS = f"datname = current_database() AND pid <> pg_backend_pid() AND application_name <> '{APPLICATION}'"
CUT = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}"
FIND_ONE = f"SELECT pid FROM pg_stat_activity WHERE {OTHERS} ORDER BY backend_start LIMIT 1"


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that came, and when its cause was there and was over, as seconds of `time.time()`."""

    kind: Kind
    began: float
    ended: float


async def inject(system: System, fault: Fault) -> Injected:
    """Do it, and return when its cause is over; faults of the same thing wait for each other."""
    async with system.locks[_what(fault)]:
        began = time.time()
        await INJECTORS[fault.kind](system, fault)
        return Injected(fault.kind, began, time.time())


def _what(fault: Fault) -> str:
    if fault.kind in OF_WORKERS:
        return f"worker {fault.target}"
    if fault.kind in OF_ENGINES:
        return f"engine {fault.target}"
    return "rabbitmq" if fault.kind in OF_RABBITMQ else "postgres"


def _worker(system: System, fault: Fault) -> Part:
    return system.workers[fault.target % len(system.workers)]


def _engine(system: System, fault: Fault) -> Part:
    return system.engines[fault.target % len(system.engines)]


async def _kill_worker(system: System, fault: Fault) -> None:
    _worker(system, fault).kill(fault.seconds)


async def _kill_engine(system: System, fault: Fault) -> None:
    _engine(system, fault).kill(fault.seconds)


async def _stop(part: Part | Server, seconds: float) -> None:
    part.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        part.signal(signal.SIGCONT)


async def _stop_worker(system: System, fault: Fault) -> None:
    await _stop(_worker(system, fault), fault.seconds)


async def _stop_engine(system: System, fault: Fault) -> None:
    await _stop(_engine(system, fault), fault.seconds)


async def _fill_disk(system: System, fault: Fault) -> None:
    """Whatever the worker, its handlers and its log write to a file fails for a while (Linux)."""
    pid = _worker(system, fault).pid
    if pid is None:
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        usual = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (0, usual[1]))
        await asyncio.sleep(fault.seconds)
        process.rlimit(psutil.RLIMIT_FSIZE, usual)


async def _has_wrong_clock(system: System, fault: Fault) -> None:
    """The worker was started with it."""


async def _restart_postgres(system: System, fault: Fault) -> None:
    await system.servers.postgres.stop()
    await asyncio.sleep(fault.seconds)
    await system.servers.postgres.start()


async def _kill_postgres(system: System, fault: Fault) -> None:
    await system.servers.postgres.kill()
    await asyncio.sleep(fault.seconds)
    await system.servers.postgres.start()


async def _kill_backend(system: System, fault: Fault) -> None:
    """SIGKILL one of the server's processes: it ends the others and recovers as after a crash."""
    async with _sql(system) as conn:
        if pid := await conn.fetchval(FIND_ONE):
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
    async with _sql(system):
        pass


async def _cut_connections(system: System, fault: Fault) -> None:
    async with _sql(system) as conn:
        await conn.execute(CUT)


async def _take_connections(system: System, fault: Fault) -> None:
    """Take all connections that the server has, those that others had among them."""
    async with _sql(system) as conn, contextlib.AsyncExitStack() as taken:
        until = time.monotonic() + fault.seconds
        while time.monotonic() < until:
            try:
                taken.callback((await asyncpg.connect(system.dsn)).terminate)
            except asyncpg.TooManyConnectionsError:
                await conn.execute(f"{CUT} AND application_name = 'tasker' AND random() < 0.2")
                await asyncio.sleep(0.05)


async def _lock_tables(system: System, fault: Fault) -> None:
    """Whoever needs the tasks waits: soon all connections of all pools do."""
    async with _sql(system) as conn, conn.transaction():
        await conn.execute("LOCK TABLE tasker.tasks IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(fault.seconds)


async def _hold_snapshot(system: System, fault: Fault) -> None:
    async with _sql(system) as conn, conn.transaction(isolation="repeatable_read"):
        await conn.fetchval("SELECT count(*) FROM tasker.tasks")
        await asyncio.sleep(fault.seconds)


@asynccontextmanager
async def _sql(system: System) -> AsyncIterator[asyncpg.Connection]:
    with contextlib.suppress(*DATABASE_ERRORS):
        async with system.database() as conn:
            yield conn


async def _restart_rabbitmq(system: System, fault: Fault) -> None:
    assert system.servers.rabbit is not None
    await system.servers.rabbit.stop()
    await asyncio.sleep(fault.seconds)
    await system.servers.rabbit.start()


async def _kill_rabbitmq(system: System, fault: Fault) -> None:
    assert system.servers.rabbit is not None
    await system.servers.rabbit.kill()
    await asyncio.sleep(fault.seconds)
    await system.servers.rabbit.start()


async def _wipe_rabbitmq(system: System, fault: Fault) -> None:
    assert system.servers.rabbit is not None
    await system.servers.rabbit.kill()
    await asyncio.sleep(fault.seconds)
    await system.servers.rabbit.start_empty()


async def _stop_rabbitmq(system: System, fault: Fault) -> None:
    """It hangs: its connections stay open, and nobody answers on them."""
    assert system.servers.rabbit is not None
    await _stop(system.servers.rabbit, fault.seconds)


INJECTORS: dict[Kind, Callable[[System, Fault], Awaitable[None]]] = {
    Kind.WORKER_KILLED: _kill_worker,
    Kind.WORKER_STOPPED: _stop_worker,
    Kind.DISK_FULL: _fill_disk,
    Kind.CLOCK_WRONG: _has_wrong_clock,
    Kind.ENGINE_KILLED: _kill_engine,
    Kind.ENGINE_STOPPED: _stop_engine,
    Kind.POSTGRES_RESTARTED: _restart_postgres,
    Kind.POSTGRES_KILLED: _kill_postgres,
    Kind.BACKEND_KILLED: _kill_backend,
    Kind.CONNECTIONS_CUT: _cut_connections,
    Kind.CONNECTIONS_TAKEN: _take_connections,
    Kind.TABLES_LOCKED: _lock_tables,
    Kind.SNAPSHOT_HELD: _hold_snapshot,
    Kind.RABBITMQ_RESTARTED: _restart_rabbitmq,
    Kind.RABBITMQ_KILLED: _kill_rabbitmq,
    Kind.RABBITMQ_WIPED: _wipe_rabbitmq,
    Kind.RABBITMQ_STOPPED: _stop_rabbitmq,
}
