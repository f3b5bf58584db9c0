"""Figures for metrics that have a module of their own, since the route that serves them only collects."""

from __future__ import annotations

from engine.observability.metrics import Labelled
from engine.store.dead_letters import dlq_stats
from engine.store.pool import Connection
from engine.store.staleness import staleness_totals
from engine.store.webhooks import delivery_counts

Figures = dict[Labelled, float]


async def dead_letter_figures(conn: Connection) -> tuple[Figures, Figures]:
    """Counters and gauges of dead letters, of webhooks and of the search for stale tasks (reference 8.6)."""
    totals = await staleness_totals(conn)
    counters: Figures = {
        ("tasker_staleness_detection_runs", "Searches for stale tasks", "", ""): totals.runs,
        ("tasker_staleness_tasks_detected", "Tasks found past a limit of theirs", "", ""): totals.detected,
        (
            "tasker_staleness_tasks_transitioned_to_error",
            "Stale tasks that were ended in error",
            "",
            "",
        ): totals.failed,
        (
            "tasker_staleness_detection_seconds",
            "Time that the searches for stale tasks took",
            "",
            "",
        ): totals.milliseconds / 1000,
    }
    gauges: Figures = {}
    for one in await dlq_stats(conn):
        closed = one.total_entries - one.pending
        minutes = (one.avg_resolution_time_minutes or 0.0) * closed
        for figures, name, text, number in (
            (counters, "entries_created", "Dead letters ever made", one.total_entries),
            (counters, "entries_closed", "Dead letters closed", closed),
            (counters, "time_in_queue_seconds", "Time that closed dead letters were open", 60 * minutes),
            (gauges, "pending_investigations", "Dead letters that are open", one.pending),
        ):
            figures[f"tasker_dlq_{name}", text, "reason", one.dlq_reason] = number
    for state, kept in (await delivery_counts(conn)).items():
        gauges["tasker_webhook_deliveries", "Calls to webhooks that are kept", "state", state] = kept
    return counters, gauges
