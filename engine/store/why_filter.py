"""Which tasks have a step that is stuck for some reason, as sets of task uuids.

Each reason is read from the small table that holds such steps alone (what is ready, leased, to be retried,
failed, submitted): the tasks that have ended cost nothing, however many they are. The reasons are those of
migrations/functions/why_steps.sql.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from engine.store.engine_calls import WORKER_ALIVE

_LIVE = "FROM tasker.workers w WHERE w.state = 'running' AND w.last_heartbeat_at > tasker.now() - {alive}"
_SERVED = f"ARRAY (SELECT unnest(w.namespaces) {_LIVE})"
_HANDLED = f"(SELECT n, h {_LIVE})".replace(
    "FROM tasker.workers w", "FROM tasker.workers w, unnest(w.namespaces) n, unnest(w.handlers) h"
)
_READY = "SELECT r.task_uuid FROM tasker.ready_steps r WHERE "

_STUCK = {
    "no_worker": f"{_READY}NOT r.held AND r.namespace <> ALL ({_SERVED})",
    "no_handler": f"{_READY}NOT r.held AND r.namespace = ANY ({_SERVED}) "
    f"AND (r.namespace, r.handler) NOT IN {_HANDLED}",
    "queued": f"{_READY}NOT r.held AND (r.namespace, r.handler) IN {_HANDLED}",
    "paused": f"{_READY}r.held AND r.holds & 7 <> 0",
    "batch_failed": f"{_READY}r.held AND r.holds & 23 = 16",
    "batch_limit": f"{_READY}r.held AND r.holds & 31 = 8",
    "retry": "SELECT s.task_uuid FROM tasker.step_retries q JOIN tasker.steps s USING (step_uuid) "
    "WHERE s.state = 'waiting_for_retry'",
    "running": "SELECT s.task_uuid FROM tasker.leases l JOIN tasker.steps s USING (step_uuid) "
    "WHERE s.state = 'in_progress'",
    "failed": "SELECT f.task_uuid FROM tasker.failed_steps f",
    "engine": "SELECT r.task_uuid FROM tasker.unprocessed_results r WHERE r.step_uuid IS NOT NULL",
}


def stuck_for(whys: Iterable[str], add: Callable[[timedelta], str]) -> tuple[str, str]:
    """Conditions on `tasker.tasks t`: not ended, and with a step that waits for one of these reasons
    (`WHY_FILTERS`). `add` gives the placeholder of a value."""
    found = " UNION ".join(_STUCK[why] for why in sorted(whys))
    if "{alive}" in found:
        found = found.replace("{alive}", f"{add(WORKER_ALIVE)}::interval")
    # The array says to look the tasks up; of a join it would be the planner's guess.
    return "t.completed_at IS NULL", f"t.task_uuid = ANY (ARRAY ({found}))"
