"""What the engine's loops ask of the database, one SQL function each (migrations/functions)."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from engine.store.crash_points import crash_point
from engine.store.pool import Pool

RESULTS_AT_ONCE = 500
RETRIES_AT_ONCE = 500
LEASES_AT_ONCE = 500
EVENTS_AT_ONCE = 500

WORKER_ALIVE = timedelta(seconds=30)
"""A worker whose last heartbeat is older counts as gone."""


class ProcessedResults(NamedTuple):
    """How many results were taken, whether steps became ready, and in how long the first new retry is due."""

    taken: int
    enqueued: bool
    next_in: timedelta | None


class FiredRetries(NamedTuple):
    """How many steps were sent again, and in how long the next one is due."""

    fired: int
    next_in: timedelta | None


async def process_results(pool: Pool, actor: str) -> ProcessedResults:
    """Work off what submits left to an engine, at most RESULTS_AT_ONCE."""
    crash_point("process.before")
    row = await pool.fetchrow("SELECT * FROM tasker.process_results($1, $2)", RESULTS_AT_ONCE, actor)
    crash_point("process.after")
    assert row is not None
    return ProcessedResults(*row)


async def fire_retries(pool: Pool, actor: str) -> FiredRetries:
    """Send the steps whose backoff is over, at most RETRIES_AT_ONCE."""
    crash_point("retry.before")
    row = await pool.fetchrow("SELECT * FROM tasker.fire_retries($1, $2)", RETRIES_AT_ONCE, actor)
    crash_point("retry.after")
    assert row is not None
    return FiredRetries(*row)


async def expire_leases(pool: Pool, actor: str) -> int:
    """Take back the steps whose lease ran out, at most LEASES_AT_ONCE; returns how many."""
    crash_point("expire.before")
    taken: int = await pool.fetchval("SELECT tasker.expire_leases($1, $2)", LEASES_AT_ONCE, actor)
    crash_point("expire.after")
    return taken


async def fail_missing_handlers(pool: Pool, actor: str, grace: timedelta) -> int:
    """Fail ready steps whose handler no live worker of their namespace has; returns how many."""
    failed: int = await pool.fetchval(
        "SELECT tasker.fail_missing_handlers($1, $2, $3)", grace, WORKER_ALIVE, actor
    )
    return failed


async def sweep_lanes(pool: Pool) -> None:
    """Move the lanes' low marks, so that claims don't walk dead rows."""
    await pool.execute("SELECT tasker.sweep_lanes()")


async def hold_steps(pool: Pool) -> bool:
    """Hold and release ready steps that a pause, or its end, has missed; returns whether some were let go."""
    freed: bool = await pool.fetchval("SELECT tasker.hold_steps(tasker.now() - interval '1 minute')")
    return freed


class PublishedEvents(NamedTuple):
    """How many domain events were moved, and the id of the last one."""

    published: int
    last_id: int


async def publish_domain_events(pool: Pool, after: int) -> PublishedEvents:
    """Move domain events with ids above `after` into their queues, at most EVENTS_AT_ONCE."""
    crash_point("publish.before")
    row = await pool.fetchrow("SELECT * FROM tasker.publish_domain_events($1, $2)", EVENTS_AT_ONCE, after)
    crash_point("publish.after")
    assert row is not None
    return PublishedEvents(*row)


async def forget_undecided_events(pool: Pool) -> None:
    """Drop the domain events of outcomes that nobody will carry out: the step was cancelled or reset."""
    await pool.execute(
        """
        DELETE FROM tasker.domain_events e
        WHERE NOT e.ready
          AND NOT EXISTS (SELECT FROM tasker.steps s
                          WHERE s.step_uuid = e.step_uuid AND s.claim_no = e.claim_no
                            AND s.state = 'enqueued_for_orchestration')
        """
    )


async def ensure_partitions(pool: Pool) -> None:
    """Have the history's partitions of the next weeks ready."""
    await pool.execute("SELECT tasker.ensure_partitions()")


async def forget_workers(pool: Pool) -> None:
    """Drop workers that ended, or gave no sign of life for a day."""
    await pool.execute(
        """
        DELETE FROM tasker.workers
        WHERE last_heartbeat_at < tasker.now()
              - CASE state WHEN 'stopped' THEN interval '1 hour' ELSE interval '1 day' END
        """
    )


async def compact_rollups(pool: Pool) -> None:
    """Keep the counters of the last day by minute, and those before by hour."""
    await pool.execute("SELECT tasker.compact_rollups(tasker.now() - interval '25 hours')")
