"""Reading analytics, as calls for either client."""

from __future__ import annotations

from engine.client.calls import Call, given
from engine.model.wire.operations import BottleneckAnalysis, PerformanceMetrics


def performance(*, hours: int = 24) -> Call[PerformanceMetrics]:
    """How tasks did in the last hours."""
    path = "/v1/analytics/performance"
    return Call("GET", path, PerformanceMetrics.model_validate_json, given(hours=hours))


def bottlenecks(*, hours: int = 24, limit: int = 10, min_executions: int = 5) -> Call[BottleneckAnalysis]:
    """The slowest steps and templates of the last hours."""
    params = given(hours=hours, limit=limit, min_executions=min_executions)
    return Call("GET", "/v1/analytics/bottlenecks", BottleneckAnalysis.model_validate_json, params)
