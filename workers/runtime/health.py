"""What a worker says of itself over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response

from engine.settings import Settings
from engine.store.pool import RECONNECTABLE, Pool
from workers.runtime.loading import Loaded
from workers.runtime.worker import Worker


def health_routes(worker: Worker, pool: Pool, settings: Settings, loaded: Loaded) -> APIRouter:
    """The routes of one worker."""
    routes = APIRouter()
    started = time.monotonic()

    def basic(status: str) -> dict[str, Any]:
        return {
            "status": status,
            "timestamp": _now(),
            "worker_id": str(worker.identity.worker_uuid),
        }

    @routes.get("/health")
    @routes.get("/health/live")
    async def health() -> dict[str, Any]:
        return basic("healthy")

    @routes.get("/health/ready")
    @routes.get("/health/detailed")
    async def ready(response: Response) -> dict[str, Any]:
        checks = {"database": await _database(pool), "queue_processing": _beating(worker)}
        healthy = all(check["status"] == "healthy" for check in checks.values())
        response.status_code = 200 if healthy else 503
        return basic("healthy" if healthy else "unhealthy") | {
            "checks": checks,
            "system_info": {"uptime_seconds": int(time.monotonic() - started)},
        }

    return routes


async def _database(pool: Pool) -> dict[str, Any]:
    begun = time.monotonic()
    try:
        await pool.fetchval("SELECT 1", timeout=5)
    except (*RECONNECTABLE, TimeoutError) as error:
        return _check("unhealthy", f"the database can't be reached: {error}", begun)
    return _check("healthy", None, begun)


def _beating(worker: Worker) -> dict[str, Any]:
    silent = time.monotonic() - worker.heartbeat.last_beat
    if silent > worker.identity.lease.total_seconds():
        return _check("unhealthy", f"no heartbeat for {silent:.0f} s", time.monotonic())
    return _check(
        "healthy",
        f"{len(worker.running)} of {worker.capacity.slots} slots busy, {worker.stuck} stuck",
        time.monotonic(),
    )


def _check(status: str, message: str | None, begun: float) -> dict[str, Any]:
    return {
        "status": status,
        "message": message,
        "duration_ms": int((time.monotonic() - begun) * 1000),
        "last_checked": _now(),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
