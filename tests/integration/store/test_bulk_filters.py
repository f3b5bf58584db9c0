"""Any filter of bulk operations selects what the same conditions select one by one."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from engine.model.states import TaskState
from engine.model.wire.bulk import BulkFilter, BulkPreviewRequest, BulkVerb
from engine.store.bulk_selection import SelectionRefused, select_items
from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker, process_all
from tests.support.invariants import assert_invariants
from tests.support.postgres import PgServer
from tests.support.workflows import Workflows, step

FILTERS = 250
NOT_ENDED = {state.value for state in TaskState} - {"complete", "error", "cancelled", "resolved_manually"}

ROWS = """
    SELECT t.task_uuid, t.state::text AS state, t.created_at, t.updated_at, t.correlation_id,
           tp.namespace, tp.name AS template, tp.version,
           EXISTS (SELECT FROM tasker.pauses p WHERE p.task_uuid = t.task_uuid) AS paused,
           s.step_uuid, s.name AS step, s.state::text AS step_state, s.last_failure_at,
           CASE WHEN s.state = 'error'
                THEN tasker.failure_signature(a.details ->> 'error_type', a.details ->> 'message')
           END AS signature
    FROM tasker.tasks t JOIN tasker.templates tp USING (template_id) JOIN tasker.steps s USING (task_uuid)
    LEFT JOIN tasker.step_attempts a
        ON a.task_uuid = s.task_uuid AND a.step_uuid = s.step_uuid AND a.claim_no = s.claim_no
        AND NOT a.success
"""


@pytest.fixture(scope="module")
async def conn(pg_server: PgServer) -> AsyncIterator[Connection]:
    """Tasks of three templates in many states."""
    async with pg_server.new_database() as dsn:
        connection = await asyncpg.connect(dsn)
        await _fill(connection, random.Random(7))
        yield connection
        await connection.close()
        assert_invariants(dsn)


async def _fill(conn: Connection, dice: random.Random) -> None:
    flows, worker = Workflows(conn), HandWorker(conn)
    steps = [step("a"), step("b", "a"), step("c")]
    for name in ("one", "two", "three"):
        await flows.create(await flows.register(steps, name), count=12)
    for _ in range(3):
        for held in await worker.claim(25):
            if dice.random() < 0.5:
                await worker.succeed(held)
            elif dice.random() < 0.3:
                await worker.fail(held, retryable=True, retry_after=1000)
            else:
                await worker.fail(held, retryable=False, message=dice.choice(["odd 1", "even 2", "odd 3"]))
        await process_all(conn)
    tasks = [row[0] for row in await conn.fetch("SELECT task_uuid FROM tasker.tasks")]
    await conn.fetch("SELECT * FROM tasker.cancel_tasks($1, 'test', 'no more')", dice.sample(tasks, 4))
    await conn.fetch("SELECT tasker.pause_tasks($1, 'test', 'later')", dice.sample(tasks, 8))


def _any_filter(dice: random.Random, rows: list[asyncpg.Record]) -> dict[str, Any]:
    """One to four conditions, with values that are there."""
    row = dice.choice(rows)
    candidates: dict[str, Any] = {
        "namespace": row["namespace"],
        "template": row["template"],
        "version": row["version"],
        "states": dice.sample(sorted({one["state"] for one in rows}), 2),
        "step_states": dice.sample(sorted({one["step_state"] for one in rows}), 2),
        "step": row["step"],
        "signature": row["signature"] or "by_hand: odd #",
        "signatures": [row["signature"] or "by_hand: odd #", "by_hand: even #"],
        "correlation_id": row["correlation_id"],
        "created_since": row["created_at"],
        "created_until": row["created_at"],
        "updated_since": row["updated_at"],
        "updated_until": row["updated_at"],
        "failed_since": row["last_failure_at"] or row["created_at"],
        "failed_until": row["last_failure_at"] or row["updated_at"],
        "task_uuids": [one["task_uuid"] for one in dice.sample(rows, 20)],
    }
    names = dice.sample(sorted(candidates), dice.randint(1, 4))
    if {"signature", "signatures"} <= set(names):
        names.remove("signatures")
    if {"signature", "signatures"} & set(names) and "step_states" in names:
        names.remove("step_states")  # what waits for a retry has a signature of another kind
    return {name: candidates[name] for name in names}


def _within(at: datetime | None, given: dict[str, Any], name: str) -> bool:
    since, until = given.get(f"{name}_since"), given.get(f"{name}_until")
    if since is None and until is None:
        return True
    return at is not None and (since is None or at >= since) and (until is None or at < until)


def _task_fits(row: asyncpg.Record, given: dict[str, Any]) -> bool:
    equal = ("namespace", "template", "version", "correlation_id")
    return (
        all(given[name] == row[name] for name in equal if name in given)
        and ("states" not in given or row["state"] in given["states"])
        and ("task_uuids" not in given or row["task_uuid"] in given["task_uuids"])
        and _within(row["created_at"], given, "created")
        and _within(row["updated_at"], given, "updated")
    )


def _step_fits(row: asyncpg.Record, given: dict[str, Any], states: set[str] | None) -> bool:
    return (
        (states is None or row["step_state"] in states)
        and given.get("step", row["step"]) == row["step"]
        and given.get("signature", row["signature"]) == row["signature"]
        and row["signature"] in given.get("signatures", [row["signature"]])
        and _within(row["last_failure_at"], given, "failed")
    )


def _expected(verb: BulkVerb, given: dict[str, Any], rows: list[asyncpg.Record]) -> set[UUID]:
    fitting = [row for row in rows if row["state"] in NOT_ENDED and _task_fits(row, given)]
    if verb is BulkVerb.RETRY:
        asked = set(given.get("step_states", ["error"])) & {"error", "waiting_for_retry"}
        return {row["step_uuid"] for row in fitting if _step_fits(row, given, asked)}
    if verb is BulkVerb.SKIP:
        asked = set(given.get("step_states", ["error"])) - {"complete", "cancelled", "resolved_manually"}
        return {row["step_uuid"] for row in fitting if _step_fits(row, given, asked)}
    asked_states = set(given["step_states"]) if "step_states" in given else None
    return {
        row["task_uuid"]
        for row in fitting
        if _step_fits(row, given, asked_states)
        and (verb not in (BulkVerb.PAUSE, BulkVerb.RESUME) or row["paused"] is (verb is BulkVerb.RESUME))
    }


async def test_filters_select_what_fits(conn: Connection) -> None:
    rows = await conn.fetch(ROWS)
    verbs = [BulkVerb.RETRY, BulkVerb.SKIP, BulkVerb.CANCEL, BulkVerb.PAUSE, BulkVerb.RESUME]
    selected = 0
    for seed in range(FILTERS):
        dice = random.Random(seed)
        verb, given = dice.choice(verbs), _any_filter(dice, rows)
        wanted = BulkFilter.model_validate(given)
        try:
            operation = await select_items(conn, BulkPreviewRequest(verb=verb, filter=wanted), 1000)
        except SelectionRefused:
            assert _expected(verb, given, rows) == set(), (verb, given)
            continue
        items = await conn.fetch(
            "SELECT coalesce(step_uuid, task_uuid) AS item FROM tasker.bulk_items WHERE bulk_uuid = $1",
            operation,
        )
        assert {row["item"] for row in items} == _expected(verb, given, rows), (seed, verb, given)
        selected += len(items)
    assert selected > FILTERS
