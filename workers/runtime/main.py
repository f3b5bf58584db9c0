"""The process `tasker worker`, from its settings to its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import importlib.metadata
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import uvloop

from engine.settings import Settings, WorkerSettings
from engine.store.claims import WorkerIdentity
from engine.store.migrate import check_schema
from engine.store.pool import DATABASE_ERRORS, Pool, open_pool
from engine.store.schema_errors import MigrationError, cannot_connect
from engine.store.step_definitions import namespaces_naming
from workers.errors import HandlerNotFound
from workers.invocation import resolve
from workers.registry import HandlerRegistry
from workers.resolvers import HandlerDefinition
from workers.runtime.capture import install_capture
from workers.runtime.debugging import prepare_terminal
from workers.runtime.http import HttpServer
from workers.runtime.loading import (
    load_handlers,
    load_templates,
    missing_handlers,
    missing_publishers,
    register_all,
)
from workers.runtime.offer import Offer
from workers.runtime.worker import Worker

log = logging.getLogger("tasker.worker")

EXIT_REPLACE_ME = 75
"""Half of the slots are stuck: the supervisor should start another worker."""

POOL_SIZE = 4


class WorkerCannotStart(Exception):
    """What keeps the worker from starting; `hint` says what to do. The command line ends with code 2."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def run(settings: Settings, debugged: str | None = None) -> int:
    """Run a worker until it is told to stop. Exit codes: 0 stopped, 75 replace me.

    With `debugged` it runs the steps of that handler alone, one at a time, without time-outs and without
    taking its output from the terminal, and other workers leave them to it. Raises WorkerCannotStart.
    """
    if debugged is None:
        return uvloop.run(_run(settings))
    if settings.environment == "production":
        raise WorkerCannotStart(
            f"in production nobody else would run the steps of {debugged} while you look at one",
            "debug on a database of development, with another TASKER_ENV",
        )
    restore = prepare_terminal()
    try:
        return uvloop.run(_debug(settings, debugged, restore))
    finally:
        restore()


async def _debug(settings: Settings, handler: str, restore: Callable[[], None]) -> int:
    stop = _told_to_stop(signal.SIGHUP)
    pool = await _connect(settings)
    registry = HandlerRegistry.instance()
    for problem in load_handlers(registry, settings.worker.handlers):
        log.error("%s", problem)
    try:
        resolve(registry, HandlerDefinition(handler))
    except HandlerNotFound as error:
        if type(error) is HandlerNotFound:
            raise WorkerCannotStart(str(error), "name it as templates do") from None
    async with pool.acquire() as conn:
        namespaces = settings.worker.namespaces or await namespaces_naming(conn, handler)
    worker = await _make_worker(pool, settings, registry, namespaces, handler)
    await worker.start()
    if not worker.identity.handlers:
        log.warning("no registered template names %s", handler)
    log.info("debugging %s: its steps run here, one at a time; ctrl+c ends", handler)
    await stop.wait()
    await worker.drain(0)
    if worker.running:  # it stands at a breakpoint
        restore()
        _leave_now(0)
    return 0


def _told_to_stop(*more: signal.Signals) -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, *more):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _run(settings: Settings) -> int:
    stop = _told_to_stop()
    for warning in settings.warnings:
        log.warning("%s", warning)
    pool = await _connect(settings)
    registry = HandlerRegistry.instance()
    install_capture()
    problems = load_handlers(registry, settings.worker.handlers)
    loaded = load_templates(settings.worker.templates)
    dsn = settings.database.dsn
    with _reaching_the_database(dsn):
        async with pool.acquire() as conn:
            await register_all(
                conn,
                loaded,
                environment=settings.environment,
                replace=settings.worker.replace_templates,
                queue_here=settings.broker is None,
            )
        namespaces = settings.worker.namespaces or loaded.namespaces
        worker = await _make_worker(pool, settings, registry, namespaces)
    loaded.problems[:0] = [*problems, *missing_publishers(loaded.templates)]
    loaded.missing = missing_handlers(loaded, registry)
    for problem in loaded.problems:
        log.error("%s", problem)
    for missing in loaded.missing:  # another worker may have it
        log.warning("%s", missing)
    http = HttpServer(worker, pool, settings, loaded, registry)
    await _listen(http, settings.worker)
    # What is there by now stays: the collector need not walk it again and again.
    gc.collect()
    gc.freeze()
    with _reaching_the_database(dsn):
        await worker.start()
    log.info("worker %s runs with %d slots", worker.identity.worker_uuid, settings.worker.slots)
    await _first(stop, worker.replace_me)
    log.info("draining")
    await worker.drain(settings.worker.drain_timeout_seconds)
    await http.stop()
    code = EXIT_REPLACE_ME if worker.replace_me.is_set() else 0
    if worker.running:
        _leave_now(code)
    return code


async def _listen(http: HttpServer, settings: WorkerSettings) -> None:
    try:
        await http.start()
    except OSError as error:
        what = "is taken" if error.errno == errno.EADDRINUSE else f"can't be listened on: {error.strerror}"
        raise WorkerCannotStart(
            f"port {settings.port} of {settings.host} {what}",
            "choose another with --port or TASKER_WORKER_PORT; 0 takes any that is free",
        ) from None


def _leave_now(code: int) -> None:
    """End although handlers hang: an orderly end would wait for their threads."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _connect(settings: Settings) -> Pool:
    try:
        with _reaching_the_database(settings.database.dsn):
            pool = await open_pool(settings.database.dsn, max_size=POOL_SIZE)
            async with pool.acquire() as conn:
                await check_schema(conn)
    except MigrationError as error:
        raise WorkerCannotStart(str(error), error.hint) from None
    return pool


@contextlib.contextmanager
def _reaching_the_database(dsn: str) -> Iterator[None]:
    """Say that a worker that starts has lost the database: only one that runs waits for it."""
    try:
        yield
    except DATABASE_ERRORS as error:
        told = cannot_connect(dsn, error)
        raise WorkerCannotStart(str(told), told.hint) from None


async def _make_worker(
    pool: Pool,
    settings: Settings,
    registry: HandlerRegistry,
    namespaces: Sequence[str],
    debugged: str | None = None,
) -> Worker:
    worker_uuid = await pool.fetchval("SELECT tasker.uuid7()")
    lease = timedelta(seconds=settings.worker.lease_seconds)
    identity = WorkerIdentity(worker_uuid, list(namespaces), [], lease)
    slots = settings.worker.slots if debugged is None else 1
    offer = Offer(identity, importlib.metadata.version("tasker"), slots, debugged)
    # Who debugs finds steps by looking: messages of others' handlers would only be passed on.
    broker = settings.broker if debugged is None else None
    return Worker(pool, settings.database.dsn, registry, offer, slots, broker)


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
