"""Figures for metrics that have a module of their own, since the route that serves them only collects."""

from __future__ import annotations

from engine.api.services import VERSION, Services
from engine.model.breaker import BreakerState
from engine.model.pressure import Tier
from engine.observability.metrics import Labelled
from engine.store.dead_letters import dlq_stats
from engine.store.pool import Connection
from engine.store.retention import totals as retention_totals
from engine.store.staleness import staleness_totals
from engine.store.webhooks import delivery_counts

Figures = dict[Labelled, float]


async def dead_letter_figures(conn: Connection) -> tuple[Figures, Figures]:
    """Counters and gauges of dead letters, webhooks, stale tasks and retention (reference 8.6)."""
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
    gone = await retention_totals(conn)
    counters["tasker_retention_tasks", "Old tasks that were removed", "", ""] = gone.tasks
    counters["tasker_retention_partitions", "Partitions of old history dropped", "", ""] = gone.partitions
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


STATES = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN)


def own_counters(api: Services) -> Figures:
    """What this process counted of back pressure and of its breakers (reference 8.6)."""
    rejected = "Creations answered with 503, by reason"
    found: Figures = {
        ("tasker_api_requests_rejected", rejected, "reason", reason): count
        for reason, count in api.pressure.rejected.items()
    }
    for one in api.breakers:
        failures, rejections = "Failures that a breaker saw", "Calls that a breaker did not make"
        found["tasker_circuit_breaker_failures", failures, "breaker", one.name] = one.total_failures
        found["tasker_circuit_breaker_rejections", rejections, "breaker", one.name] = one.rejections
    if api.publisher:
        lost = "Steps whose message was lost and that got a new one"
        confirmed = "Messages that a broker outside confirmed"
        found["tasker_messages_published", confirmed, "", ""] = api.publisher.published
        found["tasker_messages_lost", lost, "", ""] = api.publisher.lost
    return found


def own_gauges(api: Services) -> Figures:
    """How this process does."""
    pool, pressure, broker = api.database.detail(), api.pressure, api.broker()
    connected = "Whether this engine reaches what carries the messages"
    active = "1 while a queue is too full for new tasks"
    found: Figures = {
        ("tasker_engine_info", "The version of this engine", "version", VERSION): 1,
        ("tasker_event_subscribers", "Clients of this engine's event stream", "", ""): api.hub.subscribers,
        ("tasker_broker_connected", connected, "broker", broker.name): broker.connected,
        ("tasker_backpressure_active", active, "", ""): pressure.worst.retry_after_seconds is not None,
        (
            "tasker_channel_saturation_percent",
            "How full this engine's queue of creations is",
            "",
            "",
        ): pressure.channel_percent,
    }
    for state, number in (("active", pool.active_connections), ("idle", pool.idle_connections)):
        found["tasker_db_pool_connections", "Connections of this engine's pool", "state", state] = number
    for one in api.breakers:
        text = "0 closed, 1 half open, 2 open"
        found["tasker_circuit_breaker_state", text, "breaker", one.name] = STATES.index(one.state)
    if api.publisher:
        waiting = "Messages in a queue of the broker outside"
        for namespace, messages in api.publisher.depths.items():
            found["tasker_broker_messages", waiting, "namespace", namespace] = messages
    levels = ", ".join(f"{tier.level} {tier}" for tier in Tier)
    for depth in pressure.depths:
        queue = depth.namespace or depth.kind
        found["tasker_queue_depth_tier", f"How full a queue is: {levels}", "queue", queue] = pressure.tier(
            depth
        ).level
    return found
