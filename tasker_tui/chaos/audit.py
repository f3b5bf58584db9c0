"""What is asked after a run: whether anything was lost, doubled, broken or left behind."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import asyncpg
import psutil

from engine.store import doctor
from tasker_tui.chaos.load import Load, key_of
from tasker_tui.chaos.marks import Attempt, doubled_effects, doubled_results, lost_effects, read_marks
from tasker_tui.chaos.plan import Plan
from tasker_tui.chaos.system import APPLICATION, System
from workers.chaos.handlers import LEAK

REST_SECONDS = 90.0
COUNTED_SECONDS = 15.0
POLL = 0.1
MOST_FILES = 80
MOST_CONNECTIONS = 20
"""Of one process: far above what it needs, below what it would have after a run that leaks."""

UNFINISHED = """
SELECT count(*) FROM tasker.tasks
WHERE state NOT IN ('complete', 'error', 'cancelled', 'resolved_manually', 'blocked_by_failures')
"""
IDLE = """
SELECT NOT EXISTS (SELECT FROM tasker.leases) AND NOT EXISTS (SELECT FROM tasker.step_retries)
       AND NOT EXISTS (SELECT FROM tasker.ready_steps) AND NOT EXISTS (SELECT FROM tasker.unprocessed_results)
"""
NOT_COMPLETE = """
SELECT t.task_uuid::text, t.state::text, t.context ->> 'how' AS how,
       string_agg(DISTINCT w.kind, ', ') AS kinds, min(w.sentence) AS sentence
FROM tasker.tasks t LEFT JOIN LATERAL tasker.why_steps(t.task_uuid, interval '1 minute') w ON true
WHERE t.state <> 'complete' GROUP BY 1, 2, 3 ORDER BY 1
"""
ATTEMPTS = """
SELECT step_uuid::text, claim_no, success, result ->> 'token'
FROM tasker.step_attempts WHERE worker_uuid IS NOT NULL
"""
COUNTED = """
SELECT entity, to_state, sum(hops)::bigint FROM tasker.hops_by_minute WHERE minute = '-infinity' GROUP BY 1, 2
"""
RECOUNTED = """
SELECT CASE WHEN step_path IS NULL THEN 'task' ELSE 'step' END, path[i], count(*)
FROM (SELECT step_path, coalesce(task_path::text[], step_path::text[]) AS path FROM tasker.transitions) l
CROSS JOIN generate_series(CASE WHEN step_path IS NULL AND path[1] = 'pending' THEN 1 ELSE 2 END,
                           cardinality(path)) AS i
GROUP BY 1, 2
"""
WHY_FAILED = ("failed", "failed_parent", "parents")


@dataclass(slots=True)
class Findings:
    """Sentences about what was lost, what was done or stored twice, and what else is wrong."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        """Everything that is wrong."""
        return [*self.lost, *self.doubled, *self.broken]


async def until_rest(system: System, plan: Plan) -> bool:
    """Wait until every task has ended or is blocked by failures, and nothing is queued; False after 90 s."""
    deadline = time.monotonic() + REST_SECONDS
    async with system.database() as conn:
        while time.monotonic() < deadline:
            rests = not await conn.fetchval(UNFINISHED) and await conn.fetchval(IDLE)
            if rests and await system.messages() == 0:
                return True
            await asyncio.sleep(POLL)
    return False


async def examine(system: System, plan: Plan, load: Load, *, at_rest: bool) -> Findings:
    """Ask everything of a system that is at rest and still runs."""
    findings = Findings(broken=[*load.refusals])
    async with system.database() as conn:
        await _tasks(conn, plan, load, findings)
        await _effects(system, conn, findings)
        findings.broken += [text async for text in _broken_data(conn)]
        findings.broken += [text async for text in _connections(conn)]
    if not at_rest:
        findings.broken.append(f"the system did not come to rest within {REST_SECONDS:g} s")
    if dead := await system.messages("_dlq"):
        findings.broken.append(f"{dead} messages are in the dead-letter queue of RabbitMQ")
    findings.broken += _files(system)
    return findings


async def examine_end(system: System) -> Iterator[str]:
    """Ask what is left once all parts were stopped."""
    async with system.database() as conn:
        left = await conn.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'tasker'"
        )
    ends = [text for part in system.parts for text in part.strange_ends]
    traces = [
        f"{part.name} logged: {_trace(part.output)}" for part in system.parts if "Traceback" in part.output
    ]
    connections = [f"{left} connections are left of processes that have ended"] if left else []
    return iter([*ends, *traces, *connections])


def _trace(text: str) -> str:
    return text[max(0, text.index("Traceback") - 300) :][:1500]


async def _tasks(conn: asyncpg.Connection, plan: Plan, load: Load, findings: Findings) -> None:
    rows = await conn.fetch("SELECT task_uuid::text, context ->> 'key' FROM tasker.tasks")
    known = {str(uuid): str(key) for uuid, key in rows}
    keys = {uuid: key_of(plan, plan.tasks[number]) for number, uuid in load.created.items()}
    findings.lost += [f"task {uuid} was created and is not there" for uuid in keys.keys() - known.keys()]
    findings.doubled += [f"task {uuid} was created by nobody" for uuid in known.keys() - keys.keys()]
    for row in await conn.fetch(NOT_COMPLETE):
        kinds = set((row["kinds"] or "").split(", "))
        if row["state"] not in ("blocked_by_failures", "error") or not kinds <= {*WHY_FAILED}:
            findings.lost.append(
                f"task {row['task_uuid']} is {row['state']}: {row['sentence'] or 'nothing says why'}"
            )
        elif not row["how"]:
            findings.lost.append(f"task {row['task_uuid']} failed though it should not: {row['sentence']}")


async def _effects(system: System, conn: asyncpg.Connection, findings: Findings) -> None:
    attempts = [Attempt(*row) for row in await conn.fetch(ATTEMPTS)]
    marks = read_marks(system.folder)
    findings.doubled += [*doubled_effects(marks), *doubled_results(attempts)]
    findings.lost += lost_effects(marks, attempts)


async def _broken_data(conn: asyncpg.Connection) -> AsyncIterator[str]:
    for row in await doctor.violations(conn):
        yield f"broken invariant {row.invariant}, {row.times} times: {row.subject}: {row.detail}"
    for late in await doctor.overdue(conn):
        yield f"left alone: {late.items} {late.what}"
    for text in await _wrong_counters(conn):
        yield text


async def _wrong_counters(conn: asyncpg.Connection) -> list[str]:
    """Counters that are not what they count, also when whoever is counting has ended."""
    deadline = time.monotonic() + COUNTED_SECONDS
    while True:
        await conn.fetchval("SELECT tasker.roll_up()")
        counted = {(entity, state): hops for entity, state, hops in await conn.fetch(COUNTED)}
        there = {(entity, state): hops for entity, state, hops in await conn.fetch(RECOUNTED)}
        wrong = [
            f"the counter of {key[0]}s {key[1]} says {counted.get(key)}, there are {there.get(key)}"
            for key in sorted(counted.keys() | there.keys())
            if counted.get(key) != there.get(key)
        ]
        if not wrong or time.monotonic() > deadline:
            return wrong
        await asyncio.sleep(POLL)


async def _connections(conn: asyncpg.Connection) -> AsyncIterator[str]:
    rows = await conn.fetch(
        "SELECT application_name, count(*) FROM pg_stat_activity"
        f" WHERE datname = current_database() AND application_name <> '{APPLICATION}' GROUP BY 1"
    )
    for application, count in rows:
        if count > 4 * MOST_CONNECTIONS:
            yield f"{count} connections of {application} are open"


def _files(system: System) -> Iterator[str]:
    for part in system.parts:
        if part.pid is None:
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(part.pid)
            leaked = sum(LEAK in file.path for file in process.open_files())
            files = process.num_fds() - leaked
            if files > MOST_FILES:
                yield f"{part.name} has {files} files open"


async def recovery_seconds(conn: asyncpg.Connection, ended: float) -> float | None:
    """How long after a moment (seconds of `time.time()`) the next step was done; None if none was."""
    found: float | None = await conn.fetchval(
        "SELECT extract(epoch FROM min(recorded_at) - to_timestamp($1))::float8 FROM tasker.step_attempts"
        " WHERE success AND recorded_at > to_timestamp($1)",
        ended,
    )
    return None if found is None else round(found, 3)
