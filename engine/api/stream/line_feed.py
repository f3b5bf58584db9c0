"""The scope `logs`: all lines of a task or step that there are, then the new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from engine.api.stream.subscription import Subscription
from engine.model.wire.events import LogEvent
from engine.store.logs import LoggedLine, read_new_lines, read_seen_lines
from engine.store.pool import Connection
from engine.store.tail import BadCursor, Cursor, Snapshot, Tail
from engine.store.transitions import open_tail

MOST_LINES = 5_000
"""At once, and of what there is when a client joins: the last ones."""


class LineFeed:
    """Follows the steps' logs while somebody reads some."""

    def __init__(self) -> None:
        self._tail: Tail | None = None

    async def join(self, conn: Connection, client: Subscription) -> None:
        """Send a client the lines that it does not have."""
        if self._tail is None:
            self._tail = await open_tail(conn, "step_logs")
        wanted = client.wanted
        assert wanted.task_uuid is not None
        has, known = _stands_at(client)
        client.cursor = str(self._tail.cursor)
        if not known:
            client.reset("it is not known which lines the client has: all follow")
        lines = await read_seen_lines(conn, self._tail, has, wanted.task_uuid, wanted.step_uuid, MOST_LINES)
        _send(client, lines)

    async def poll(self, conn: Connection, clients: Sequence[Subscription]) -> None:
        """Send what is new."""
        readers = [client for client in clients if client.wanted.scope == "logs"]
        if not readers:
            self._tail = None
            return
        if self._tail is None:
            self._tail = await open_tail(conn, "step_logs")
        tasks = {client.wanted.task_uuid for client in readers if client.wanted.task_uuid}
        lines = await read_new_lines(conn, self._tail, tasks, MOST_LINES)
        for client in readers:
            client.cursor = str(self._tail.cursor)
            if lines is None:
                client.reset("more was logged than can be sent line by line")
            else:
                _send(client, lines)


def _stands_at(client: Subscription) -> tuple[Snapshot | None, bool]:
    """What a client has seen (None: nothing), and whether that could be told from its cursor."""
    if client.last_event_id is None:
        return None, True
    try:
        return Cursor.parse(client.last_event_id).snapshot, True
    except BadCursor:
        return None, False


def _send(client: Subscription, lines: Iterable[LoggedLine]) -> None:
    wanted = client.wanted
    mine = (
        line
        for line in lines
        if line.task_uuid == wanted.task_uuid and wanted.step_uuid in (None, line.step_uuid)
    )
    for (task_uuid, step_uuid, attempt), group in groupby(mine, key=lambda one: one[1:4]):
        client.put(
            LogEvent(
                cursor=client.cursor,
                task_uuid=task_uuid,
                step_uuid=step_uuid,
                attempt=attempt,
                lines=[one.line for one in group],
            )
        )
