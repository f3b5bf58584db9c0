"""The process `tasker server`: store, engine loops and REST API in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

from engine.api.app import create_app
from engine.api.services import ApiDeps
from engine.orchestration.loops import Loop
from engine.orchestration.orchestrator import Orchestrator
from engine.settings import ServerSettings, Settings
from engine.store.migrate import check_schema
from engine.store.pool import Pool, open_pool
from engine.store.schema_errors import connecting
from engine.store.stats import roll_up

log = logging.getLogger("tasker.server")

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
STOP_SECONDS = 10
DEAD_PEER_SECONDS = 60
"""A connection whose other end takes nothing for so long is cut; else who stopped reading stays for ever."""
COUNTERS_SECONDS = 30.0
USAGE = 2


class StartError(Exception):
    """The server cannot start: `str(error)` says why, `hint` what to do; `code` is the exit code."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = USAGE


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns 0.

    Raises StartError when the address cannot be used, MigrationError when the database cannot be reached or
    its schema is too old, SettingsError when no database is configured.
    """
    with listening(settings.server) as sock, asyncio.Runner(loop_factory=_new_loop) as runner:
        runner.run(serve(settings, sock))
    return 0


def _new_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


@contextlib.contextmanager
def listening(settings: ServerSettings) -> Iterator[socket.socket]:
    """The socket of the API. It is bound before anything else is begun: a taken port costs nothing."""
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    with sock:
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * DEAD_PEER_SECONDS)
        yield sock


def _cannot_listen(host: str, port: int, error: OSError) -> StartError:
    if error.errno == errno.EADDRINUSE:
        return StartError(
            f"port {port} of {host} is taken", "stop what listens there, or choose another port with --port"
        )
    if error.errno == errno.EACCES:
        return StartError(f"port {port} may not be used by this user", "choose one above 1023 with --port")
    return StartError(
        f"cannot listen on {host}, port {port}: {error.strerror}",
        "choose an address of this machine with --host",
    )


async def serve(settings: Settings, sock: socket.socket) -> None:
    """Run engine and API on a bound socket until a signal says to stop; then finish what runs."""
    for warning in settings.warnings:
        log.warning("%s", warning)
    async with _pool(settings) as pool:
        orchestrator = Orchestrator(pool, settings)
        counters = Loop("counters", lambda: _count(pool))
        app = create_app(
            ApiDeps(
                pool,
                settings,
                orchestrator.notifier,
                loops=[*orchestrator.loops, counters],
                breakers=orchestrator.breakers,
                publisher=orchestrator.publisher,
                background=orchestrator.background,
            )
        )
        server = _Server(app, settings.server)
        await orchestrator.start()
        for loop in (counters, app.state.services.looking):
            orchestrator.background.start(loop.name, loop.run)
        try:
            log.info("engine listens at %s", _url(sock))
            await server.serve(sockets=[sock])
        finally:
            await orchestrator.stop()


@contextlib.asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Pool]:
    dsn = settings.database.dsn
    with connecting(dsn):
        pool = await open_pool(dsn, min_size=2, max_size=settings.database.pool_size)
    try:
        with connecting(dsn):
            async with pool.acquire() as conn:
                await check_schema(conn)
        yield pool
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await pool.close()


async def _count(pool: Pool) -> float:
    async with pool.acquire() as conn:
        await roll_up(conn)
    return COUNTERS_SECONDS


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """uvicorn that ends the event streams when it is told to stop, and ends with exit code 0."""

    def __init__(self, app: FastAPI, settings: ServerSettings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._app = app
        self._closing: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        if self.should_exit:
            self.force_exit = True
            return
        self.should_exit = True
        self._closing = asyncio.create_task(self._app.state.services.hub.close())
