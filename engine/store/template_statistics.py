"""How the tasks of each template did, from rolled-up counters, never from the tasks themselves."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from engine.model.histogram import Histogram
from engine.model.wire.statistics import TemplateFigures, TemplateStatistics
from engine.store.pool import Connection
from engine.store.stats import duration_bounds

_COUNTS = """
    SELECT t.template_id, t.namespace, t.name, t.version,
           coalesce(sum(h.hops) FILTER (WHERE h.minute >= $1 AND h.from_state = ''), 0)::bigint
               AS tasks_created,
           coalesce(sum(h.hops) FILTER (WHERE h.minute >= $1 AND h.to_state = 'complete'), 0)::bigint
               AS tasks_completed,
           coalesce(sum(h.hops) FILTER (
               WHERE h.minute >= $1 AND h.to_state IN ('blocked_by_failures', 'error')), 0)::bigint
               AS tasks_failed,
           max(h.minute) FILTER (WHERE h.from_state = '' AND h.minute > '-infinity') AS last_created_at
    FROM tasker.templates t
    LEFT JOIN tasker.hops_by_minute h
        ON h.template_id = t.template_id AND h.entity = 'task'
        AND (h.from_state = '' OR h.to_state IN ('complete', 'blocked_by_failures', 'error'))
    GROUP BY t.template_id, t.namespace, t.name, t.version ORDER BY t.namespace, t.name, t.version
"""

_DURATIONS = """
    SELECT d.template_id, d.bucket - 1, sum(d.items)::bigint, sum(d.total_ms)::bigint
    FROM tasker.durations_by_minute d WHERE d.minute >= $1 AND d.entity = 'task' GROUP BY 1, 2
"""


async def read_template_statistics(conn: Connection, start: datetime, end: datetime) -> TemplateStatistics:
    """The figures of each template since `start`."""
    bounds = await duration_bounds(conn)
    durations: defaultdict[int, Histogram] = defaultdict(lambda: Histogram(bounds))
    for template, index, items, total_ms in map(tuple, await conn.fetch(_DURATIONS, start)):
        durations[template].add(index, items, total_ms)
    found = []
    for row in map(dict, await conn.fetch(_COUNTS, start)):
        took = durations[row.pop("template_id")].figures()
        found.append(TemplateFigures.model_validate(row | {"task_durations": took}))
    return TemplateStatistics(start=start, end=end, templates=found)
