"""The invariant queries find what is wrong: data is broken on purpose, in one way each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from engine.store.pool import Connection
from tests.support.hand_worker import HandWorker, process
from tests.support.invariants import violations
from tests.support.postgres import PgServer
from tests.support.workflows import Workflows, step

DAMAGE = {
    "step_belongs_to_task": "DELETE FROM tasker.tasks",
    "edges_are_mutual": "UPDATE tasker.steps SET children = '{}' WHERE name = 'running'",
    "remaining_parents_is_count": "UPDATE tasker.steps SET remaining_parents = 7 WHERE name = 'end'",
    "no_step_before_its_parents": "UPDATE tasker.steps SET state = 'enqueued' WHERE name = 'end'",
    "freed_step_is_enqueued": "UPDATE tasker.steps SET state = 'pending' WHERE name = 'ready'",
    "enqueued_means_ready": "DELETE FROM tasker.ready_steps",
    "ready_row_says_its_step": "UPDATE tasker.ready_steps SET handler = 'another'",
    "in_progress_means_leased": "UPDATE tasker.leases SET claim_no = claim_no + 1",
    "waiting_means_timer": "DELETE FROM tasker.step_retries",
    "left_over_waits_for_engine": "DELETE FROM tasker.unprocessed_results",
    "task_counts_its_steps": "UPDATE tasker.tasks SET failed_steps = 9",
    "task_state_fits_its_steps": (
        "DELETE FROM tasker.unprocessed_results; UPDATE tasker.tasks SET state = 'blocked_by_failures'"
    ),
    "task_end_is_dated": "UPDATE tasker.tasks SET completed_at = now()",
    "step_end_is_dated": "UPDATE tasker.steps SET completed_at = NULL WHERE name = 'done'",
    "log_ends_in_the_state": "DELETE FROM tasker.transitions WHERE task_path IS NOT NULL",
    "log_has_no_hole": (
        "DELETE FROM tasker.transitions WHERE step_path[1] = 'pending' AND step_uuid = "
        "(SELECT step_uuid FROM tasker.steps WHERE name = 'done')"
    ),
    "claim_no_grows": "UPDATE tasker.transitions SET claim_no = 5 WHERE step_path[2] = 'in_progress'",
    "done_step_has_its_result": "DELETE FROM tasker.step_attempts WHERE success",
    "failed_step_has_its_error": "DELETE FROM tasker.step_attempts WHERE NOT success",
    "failed_step_is_noted": (
        "INSERT INTO tasker.failed_steps SELECT step_uuid, task_uuid, 1, name, '', now() FROM tasker.steps"
    ),
    "effect_is_recorded_once": (
        "INSERT INTO tasker.step_attempts "
        "(task_uuid, step_uuid, claim_no, attempt, success, worker_uuid, recorded_at) "
        "SELECT task_uuid, step_uuid, 0, 1, true, worker_uuid, now() FROM tasker.step_attempts WHERE success"
    ),
    "superseded_step_is_gone": (
        "INSERT INTO tasker.superseded_steps "
        "SELECT step_uuid, task_uuid, template_step_id, name, state, now() FROM tasker.steps"
    ),
    "attempt_was_claimed": "UPDATE tasker.step_attempts SET claim_no = 99 WHERE success",
    "attempts_are_within_limits": "UPDATE tasker.steps SET attempts = 6 WHERE name = 'running'",
    "event_belongs_to_a_result": (
        "INSERT INTO tasker.domain_events (namespace, task_uuid, step_uuid, claim_no, event, ready) "
        "SELECT 'test', task_uuid, step_uuid, 99, '{}', true FROM tasker.steps WHERE name = 'running'"
    ),
    "identity_points_to_a_task": (
        "INSERT INTO tasker.task_identities VALUES (1, 'key', gen_random_uuid(), 'infinity')"
    ),
    "bulk_counts_its_items": (
        "INSERT INTO tasker.bulk_operations "
        "(bulk_uuid, verb, filter, step_states, preview, items, created_at, expires_at) "
        "VALUES (gen_random_uuid(), 'cancel', '{}', '{}', '{}', 1, now(), now())"
    ),
    "open_dead_letter_has_its_task": (
        "SELECT tasker.add_dead_letter_by_hand(task_uuid, 'ana', 'odd', NULL) FROM tasker.tasks; "
        "UPDATE tasker.tasks SET state = 'complete'"
    ),
    "limited_task_is_looked_at": (
        'UPDATE tasker.template_revisions SET configuration = \'{"lifecycle": {"max_duration_minutes": 1}}\''
    ),
    "message_means_ready": "DELETE FROM pgmq.q_worker_test_queue",
}


@pytest.fixture
async def conn(pg_server: PgServer) -> AsyncIterator[Connection]:
    """A database with steps in most states, which is not examined when the test is over."""
    async with pg_server.new_database() as dsn:
        connection = await asyncpg.connect(dsn)
        await in_the_middle(connection)
        assert violations(dsn) == []
        yield connection
        await connection.close()


async def in_the_middle(conn: Connection) -> None:
    names = ["done", "waiting", "failed", "running", "ready"]
    roots = [step(name, retry={"max_attempts": 5}) for name in names]
    await Workflows(conn).run([*roots, step("end", *names)])
    worker = HandWorker(conn)
    held = {one.name: one for one in await worker.claim(4)}
    # Which four of the five were claimed is the database's choice.
    by_fate = dict(zip(names, held.values(), strict=False))
    for fate, one in by_fate.items():
        await conn.execute("UPDATE tasker.steps SET name = $1 WHERE step_uuid = $2", fate, one.step_uuid)
    await conn.execute("UPDATE tasker.steps SET name = 'ready' WHERE state = 'enqueued'")
    await worker.succeed(by_fate["done"])
    await worker.fail(by_fate["waiting"], retry_after=1000)
    await process(conn)
    await worker.fail(by_fate["failed"])


@pytest.mark.parametrize("invariant", DAMAGE)
async def test_a_broken_invariant_is_found(conn: Connection, invariant: str) -> None:
    await conn.execute(DAMAGE[invariant])
    found = await conn.fetch("SELECT DISTINCT invariant FROM tasker.invariant_violations()")
    assert invariant in {row["invariant"] for row in found}


async def test_every_invariant_is_tested(conn: Connection) -> None:
    source = await conn.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'invariant_violations'")
    named = {
        word
        for word in source.split("'")
        if "_" in word and word.islower() and word.replace("_", "").isalpha()
    }
    assert set(DAMAGE) <= named
    assert source.count("RETURN QUERY") + 1 == len(DAMAGE)
