"""The routes of the worker's port that tell of the worker itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from engine.model.wire.worker import BasicHealthResponse, DomainEventStats, ReadinessResponse
from engine.settings import Settings
from workers.events import PublisherRegistry
from workers.runtime.health import UNHEALTHY, Health, WorkerHealth
from workers.runtime.metrics import gauge, info
from workers.runtime.worker import Worker


def health_routes(health: Health) -> APIRouter:
    """Basic and live say that the process answers; ready and detailed answer 503 when it takes no steps."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health")
    @routes.get("/health/live")
    async def basic() -> BasicHealthResponse:
        return health.basic()

    @routes.get("/health/ready", responses={503: {"model": ReadinessResponse}})
    async def ready(response: Response) -> ReadinessResponse:
        answer = await health.ready()
        response.status_code = 503 if answer.status == UNHEALTHY else 200
        return answer

    @routes.get("/health/detailed", responses={503: {"model": WorkerHealth}})
    async def detailed(response: Response) -> WorkerHealth:
        answer = await health.detailed()
        response.status_code = 503 if answer.status == UNHEALTHY else 200
        return answer

    return routes


class WorkerCollector(Collector):
    """A worker as Prometheus sees it: its counts, and how it is at the moment."""

    def __init__(self, worker: Worker, health: Health) -> None:
        self._worker = worker
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Called for each scrape."""
        worker, health = self._worker, self._health
        yield from worker.metrics.collect()
        yield from worker.events.collect()
        yield gauge("tasker_steps_active_executions", "Handlers that run.", len(worker.running))
        yield gauge("tasker_worker_slots", "Steps that may run at once.", worker.capacity.slots)
        yield gauge("tasker_worker_slots_free", "Slots that are free.", max(worker.capacity.free, 0))
        yield gauge("tasker_worker_slots_stuck", "Handlers that outlive their step.", worker.stuck)
        yield gauge("tasker_worker_results_waiting", "Results not sent yet.", len(worker.exchange.outbox))
        yield gauge("tasker_worker_heartbeat_age_seconds", "Since the last heartbeat.", health.heartbeat_age)
        yield gauge("tasker_worker_uptime_seconds", "Since the start.", health.uptime)
        identity = worker.identity
        yield info(
            "tasker_worker",
            "This worker.",
            version=health.version,
            worker_id=str(identity.worker_uuid),
            namespaces=",".join(identity.namespaces),
        )


def metrics_routes(worker: Worker, health: Health) -> APIRouter:
    """The same figures for Prometheus and as JSON."""
    routes = APIRouter(tags=["metrics"])
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkerCollector(worker, health))

    @routes.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @routes.get("/metrics/events")
    async def of_events() -> DomainEventStats:
        return DomainEventStats(
            worker_id=str(worker.identity.worker_uuid),
            captured_at=datetime.now(UTC),
            router=worker.events.counts.stats(),
            in_process_bus=worker.events.bus.stats(),
            publishers=PublisherRegistry.instance().list_publishers(),
        )

    @routes.get("/metrics/worker")
    async def as_json() -> dict[str, Any]:
        return worker.metrics.as_json() | {
            "worker_id": str(worker.identity.worker_uuid),
            "uptime_seconds": round(health.uptime, 3),
            "heartbeat_age_seconds": round(health.heartbeat_age, 3),
            "slots": {
                "total": worker.capacity.slots,
                "busy": len(worker.running),
                "free": max(worker.capacity.free, 0),
                "stuck": worker.stuck,
            },
            "results_waiting": len(worker.exchange.outbox),
        }

    return routes


def config_routes(settings: Settings) -> APIRouter:
    """The settings without secrets, where `server.config_endpoint` allows it."""
    routes = APIRouter(tags=["config"])

    @routes.get("/config")
    async def config() -> dict[str, Any]:
        if not settings.server.config_endpoint:
            raise HTTPException(404, "not shown unless TASKER_SERVER_CONFIG_ENDPOINT is true")
        return settings.redacted()

    return routes
