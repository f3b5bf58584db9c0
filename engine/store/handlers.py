"""Which handlers are asked for, and which workers have them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import get_close_matches

from engine.model.wire.queues import HandlerInfo, HandlerList, HandlerUser, UnusedHandler
from engine.store.pool import Connection
from engine.store.queues import Key, LiveWorker, live_workers, missing_since, status_of

MOST_NAMES = 20

_ASKED = """
    SELECT ts.namespace, ts.handler, t.name, t.version, array_agg(ts.name ORDER BY ts.position) AS steps
    FROM tasker.templates t
    JOIN tasker.template_steps ts ON ts.revision_id = t.revision_id
    WHERE $1::text IS NULL OR ts.namespace = $1
    GROUP BY 1, 2, 3, 4 ORDER BY 3, 4
"""

_READY = """
    SELECT namespace, handler, count(*)::int FROM tasker.ready_steps
    WHERE $1::text IS NULL OR namespace = $1 GROUP BY 1, 2
"""


async def read_handlers(conn: Connection, namespace: str | None, *, missing_only: bool) -> HandlerList:
    """The handlers that templates and ready steps ask for, those first that nobody has; and the unused."""
    users: dict[Key, list[HandlerUser]] = defaultdict(list)
    for row in await conn.fetch(_ASKED, namespace):
        user = HandlerUser(template=row["name"], version=row["version"], steps=row["steps"])
        users[row["namespace"], row["handler"]].append(user)
    ready: Counter[Key] = Counter()
    for row in await conn.fetch(_READY, namespace):
        ready[row[0], row[1]] = row[2]
    workers, since = await live_workers(conn), await missing_since(conn)
    found = [
        HandlerInfo.model_validate(
            {
                "ready": ready[key],
                "missing_since": since.get(key),
                "templates": len(users.get(key, ())),
                "used_by": users.get(key, [])[:MOST_NAMES],
            }
            | _served(key, workers)
        )
        for key in {*users, *ready}
    ]
    found.sort(key=lambda one: (one.status == "served", one.namespace, one.handler))
    if missing_only:
        found = [one for one in found if one.status != "served"]
    # A worker may serve other namespaces too: of one alone it is not known what nobody asks for.
    unused = [] if missing_only or namespace else _unused({*users, *ready}, workers)
    return HandlerList(handlers=found, unused=unused)


def _served(key: Key, workers: Sequence[LiveWorker]) -> dict[str, object]:
    namespace, handler = key
    status, having = status_of(key, workers)
    names = {name for worker in workers if namespace in worker.namespaces for name in worker.handlers}
    return {
        "namespace": namespace,
        "handler": handler,
        "status": status,
        "workers": len(having),
        "worker_names": [worker.name for worker in having][:MOST_NAMES],
        "slots": sum(worker.slots for worker in having),
        "near": [] if having else get_close_matches(handler, sorted(names), n=3),
    }


def _unused(asked: set[Key], workers: Sequence[LiveWorker]) -> list[UnusedHandler]:
    counts: Counter[str] = Counter()
    for worker in workers:
        used = {handler for place, handler in asked if place in worker.namespaces}
        counts.update(worker.handlers - used)
    return [UnusedHandler(handler=handler, workers=count) for handler, count in sorted(counts.items())]
