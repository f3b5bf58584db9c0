"""The scope `summary`: the latest of each task that changed, at most ten times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from uuid import UUID

from engine.api.stream.subscription import Subscription
from engine.model.wire.events import SummaryEvent, SummaryRow
from engine.store.pool import Connection
from engine.store.stats import summary_rows
from engine.store.tail import Cursor
from engine.store.transitions import LoggedChange

GAP_SECONDS = 0.1
ROWS = 500
"""Tasks in one event; more wait for the next."""

Changed = dict[UUID, set[str]]
"""The tasks that changed, each with the states that it was in: who filters by one is told that it left."""


class SummaryFeed:
    """Collects which tasks changed until their rows are sent."""

    def __init__(self) -> None:
        self._changed: Changed = {}
        self._sent_at = 0.0

    def add(self, changes: Iterable[LoggedChange]) -> None:
        """Have the tasks of some changes sent."""
        _collect(self._changed, changes)

    def forget(self) -> None:
        """Send nothing of what is collected: everybody loads again."""
        self._changed.clear()

    async def flush(self, conn: Connection, clients: Sequence[Subscription], cursor: Cursor) -> None:
        """Send what is collected, if it is time; `cursor` is where clients stand that have all of it."""
        now = asyncio.get_running_loop().time()
        if not clients:
            self._changed.clear()
        if now - self._sent_at < GAP_SECONDS:
            return
        batch = {task: self._changed.pop(task) for task in list(self._changed)[:ROWS]}
        rows = await summary_rows(conn, batch) if batch else []
        if batch:
            self._sent_at = now
        for client in clients:
            if not self._changed:
                client.cursor = str(cursor)
            _send(client, rows, batch)

    async def bring_up(self, conn: Connection, client: Subscription, missed: Iterable[LoggedChange]) -> None:
        """Send a client that joins the latest of the tasks whose changes it missed; a first event anyhow."""
        changed: Changed = {}
        _collect(changed, missed)
        rows = await summary_rows(conn, changed) if changed else []
        client.put(SummaryEvent(cursor=client.cursor, tasks=_wanted(client, rows, changed)))


def _collect(changed: Changed, changes: Iterable[LoggedChange]) -> None:
    for one in changes:
        states = changed.setdefault(one.change.task_uuid, set())
        if one.change.step_uuid is None:
            states.update(one.change.path)


def _send(client: Subscription, rows: Sequence[SummaryRow], changed: Changed) -> None:
    wanted = _wanted(client, rows, changed)
    if wanted:
        client.put(SummaryEvent(cursor=client.cursor, tasks=wanted))


def _wanted(client: Subscription, rows: Iterable[SummaryRow], changed: Changed) -> list[SummaryRow]:
    wanted = client.wanted
    return [
        row
        for row in rows
        if wanted.fits(row.namespace, row.name)
        and (
            not wanted.states
            or row.status in wanted.states
            or not wanted.states.isdisjoint(changed[row.task_uuid])
        )
    ]
