"""What waits for workers, and who could take it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from engine.model.wire.pauses import PauseScope
from engine.model.wire.queues import HandlerQueue, HandlerStatus, HeldSteps, Queue, QueueList
from engine.store.engine_calls import WORKER_ALIVE
from engine.store.pauses import list_pauses
from engine.store.pool import Connection

Key = tuple[str, str]
"""A namespace and a handler."""

MOST_RETRIES = 100_000

_READY = """
    SELECT r.namespace, r.handler, (count(*) FILTER (WHERE NOT r.held))::int AS ready,
           (count(*) FILTER (WHERE r.holds & 1 <> 0))::int AS paused_namespace,
           (count(*) FILTER (WHERE r.holds & 3 = 2))::int AS paused_template,
           (count(*) FILTER (WHERE r.holds & 7 = 4))::int AS paused_task,
           (count(*) FILTER (WHERE r.holds & 7 = 0 AND r.holds & 16 <> 0))::int AS batch_failed,
           (count(*) FILTER (WHERE r.holds = 8))::int AS batch_limit,
           min(r.ready_at) FILTER (WHERE NOT r.held) AS oldest
    FROM tasker.ready_steps r GROUP BY 1, 2
"""

# LIMIT 1 makes each a look-up by key, whatever the statistics of a table say that is empty at times.
_BY_HANDLER = """
    SELECT ts.namespace, ts.handler, count(*)::int
    FROM ({steps}) waiting
    CROSS JOIN LATERAL (SELECT s.template_step_id FROM tasker.steps s
                        WHERE s.step_uuid = waiting.step_uuid LIMIT 1) s
    JOIN tasker.template_steps ts USING (template_step_id)
    GROUP BY 1, 2
"""
_RUNNING = _BY_HANDLER.format(steps="SELECT step_uuid FROM tasker.leases")
_RETRYING = _BY_HANDLER.format(steps=f"SELECT step_uuid FROM tasker.step_retries LIMIT {MOST_RETRIES}")

_LIVE = """
    SELECT w.name, w.namespaces, w.handlers, w.slots, w.busy FROM tasker.workers w
    WHERE w.state = 'running' AND w.last_heartbeat_at > tasker.now() - $1::interval
    ORDER BY w.name, w.worker_uuid
"""


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker that claims."""

    name: str
    namespaces: frozenset[str]
    handlers: frozenset[str]
    slots: int
    busy: int


async def live_workers(conn: Connection, alive: timedelta = WORKER_ALIVE) -> list[LiveWorker]:
    """Those that claim: heard of lately, and neither draining nor stopped."""
    rows = await conn.fetch(_LIVE, alive)
    return [
        LiveWorker(
            row["name"], frozenset(row["namespaces"]), frozenset(row["handlers"]), row["slots"], row["busy"]
        )
        for row in rows
    ]


def status_of(key: Key, workers: Iterable[LiveWorker]) -> tuple[HandlerStatus, list[LiveWorker]]:
    """How a handler of a namespace is served, and by whom."""
    namespace, handler = key
    there = [worker for worker in workers if namespace in worker.namespaces]
    having = [worker for worker in there if handler in worker.handlers]
    return "served" if having else "missing" if there else "no_worker", having


async def missing_since(conn: Connection) -> dict[Key, datetime]:
    """Since when engines miss handlers that ready steps need."""
    rows = await conn.fetch("SELECT namespace, handler, missing_since FROM tasker.missing_handlers")
    return {(row[0], row[1]): row[2] for row in rows}


@dataclass(slots=True)
class _Load:
    """What one handler has to do, or a namespace."""

    held: Counter[str]
    ready: int = 0
    in_progress: int = 0
    retrying: int = 0
    oldest: datetime | None = None

    def add(self, other: _Load) -> None:
        self.held.update(other.held)
        self.ready += other.ready
        self.in_progress += other.in_progress
        self.retrying += other.retrying
        self.oldest = min((one for one in (self.oldest, other.oldest) if one), default=None)

    def fields(self, now: datetime) -> dict[str, object]:
        waited = None if self.oldest is None else max(0.0, (now - self.oldest).total_seconds())
        return {
            "ready": self.ready,
            "oldest_seconds": waited,
            "held": HeldSteps(**{name: self.held[name] for name in HeldSteps.model_fields}),
            "in_progress": self.in_progress,
            "retrying": self.retrying,
        }


async def read_queues(conn: Connection, namespace: str | None = None) -> QueueList:
    """Every namespace, or one, with what it has to do and who does it."""
    now: datetime = await conn.fetchval("SELECT tasker.now()")
    names = await conn.fetch(
        "SELECT name FROM tasker.namespaces WHERE $1::text IS NULL OR name = $1 ORDER BY 1", namespace
    )
    loads = await _loads(conn)
    workers, missing = await live_workers(conn), await missing_since(conn)
    pauses = {
        pause.namespace: pause
        for pause in (await list_pauses(conn)).pauses
        if pause.scope is PauseScope.NAMESPACE
    }
    found = []
    for (name,) in names:
        total = _Load(Counter())
        handlers = []
        for key, load in sorted(loads.items()):
            if key[0] == name:
                total.add(load)
                handlers.append(_handler(key, load, now, workers, missing))
        there = [worker for worker in workers if name in worker.namespaces]
        found.append(
            Queue.model_validate(
                total.fields(now)
                | {"namespace": name, "paused": pauses.get(name), "handlers": handlers}
                | _people(there)
            )
        )
    return QueueList(calculated_at=now, queues=found)


async def _loads(conn: Connection) -> dict[Key, _Load]:
    loads: dict[Key, _Load] = defaultdict(lambda: _Load(Counter()))
    for row in await conn.fetch(_READY):
        load = loads[row["namespace"], row["handler"]]
        load.ready, load.oldest = row["ready"], row["oldest"]
        load.held.update({name: row[name] for name in HeldSteps.model_fields})
    for namespace, handler, count in await _tuples(conn, _RUNNING):
        loads[namespace, handler].in_progress = count
    for namespace, handler, count in await _tuples(conn, _RETRYING):
        loads[namespace, handler].retrying = count
    return loads


async def _tuples(conn: Connection, query: str) -> list[tuple[str, str, int]]:
    rows: Sequence[asyncpg.Record] = await conn.fetch(query)
    return [(row[0], row[1], row[2]) for row in rows]


def _handler(
    key: Key,
    load: _Load,
    now: datetime,
    workers: Sequence[LiveWorker],
    missing: dict[Key, datetime],
) -> HandlerQueue:
    status, having = status_of(key, workers)
    return HandlerQueue.model_validate(
        load.fields(now)
        | {
            "handler": key[1],
            "status": status,
            "workers": len(having),
            "missing_since": missing.get(key) if status == "missing" else None,
        }
    )


def _people(workers: Sequence[LiveWorker]) -> dict[str, object]:
    return {
        "workers": len(workers),
        "slots": sum(worker.slots for worker in workers),
        "busy": sum(worker.busy for worker in workers),
    }
