"""Reading analytics, as calls for either client."""

from __future__ import annotations

from datetime import datetime

from engine.client.calls import Call, given
from engine.model.wire.operations import BottleneckAnalysis, PerformanceMetrics
from engine.model.wire.statistics import Statistics, TemplateStatistics


def performance(*, hours: int = 24) -> Call[PerformanceMetrics]:
    """How tasks did in the last hours."""
    path = "/v1/analytics/performance"
    return Call("GET", path, PerformanceMetrics.model_validate_json, given(hours=hours))


def bottlenecks(*, hours: int = 24, limit: int = 10, min_executions: int = 5) -> Call[BottleneckAnalysis]:
    """The slowest steps and templates of the last hours."""
    params = given(hours=hours, limit=limit, min_executions=min_executions)
    return Call("GET", "/v1/analytics/bottlenecks", BottleneckAnalysis.model_validate_json, params)


def statistics(
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    bucket: str | None = None,
    namespace: str | None = None,
    template: str | None = None,
) -> Call[Statistics]:
    """What happened in each bucket (`1m`, `5m`, `15m`, `1h`, `6h`, `1d`) of a time, or of the last hour."""
    params = given(**{"from": start, "to": end}, bucket=bucket, namespace=namespace, template=template)
    return Call("GET", "/v1/statistics", Statistics.model_validate_json, params)


def template_statistics(*, hours: int = 24) -> Call[TemplateStatistics]:
    """How each template did in the last hours."""
    params = given(hours=hours)
    return Call("GET", "/v1/statistics/templates", TemplateStatistics.model_validate_json, params)
