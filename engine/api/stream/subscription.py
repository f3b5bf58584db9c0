"""One client of the event stream: what it wants, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from engine.model.wire.events import LogEvent, ResetEvent, SummaryEvent, TransitionsEvent
from engine.store.transitions import LoggedChange

Scope = Literal["summary", "task", "transitions", "logs"]

QUEUE_MESSAGES = 256
QUEUE_BYTES = 4 * 1024 * 1024

Event = TransitionsEvent | SummaryEvent | LogEvent | ResetEvent


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asked for; empty and None mean any. `states` are states of tasks and steps."""

    scope: Scope
    task_uuid: UUID | None = None
    step_uuid: UUID | None = None
    namespace: str | None = None
    template: str | None = None
    states: frozenset[str] = frozenset()

    def fits(self, namespace: str | None, template: str | None) -> bool:
        """Whether a template is among those asked for."""
        return self.namespace in (None, namespace) and self.template in (None, template)

    def selects(self, logged: LoggedChange) -> bool:
        """Whether a row of the log is to be sent."""
        change = logged.change
        return (
            self.task_uuid in (None, change.task_uuid)
            and self.step_uuid in (None, change.step_uuid)
            and self.fits(logged.namespace, logged.template)
            and (not self.states or not self.states.isdisjoint(change.path))
        )


def encode(event: Event, cursor: str) -> bytes:
    """An event as the stream carries it."""
    return f"event: {event.event}\nid: {cursor}\ndata: {event.model_dump_json()}\n\n".encode()


def encode_mark(cursor: str) -> bytes:
    """A sign of life that tells the client where it stands; it is no event for its readers."""
    return f": keep-alive\nid: {cursor}\n\n".encode()


class Subscription:
    """The bounded queue of a client. One that is too slow loses what waits for it and gets one `reset`."""

    def __init__(self, wanted: Wanted, last_event_id: str | None) -> None:
        self.wanted = wanted
        self.last_event_id = last_event_id
        self.cursor = last_event_id or ""
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, event: Event) -> None:
        """Have an event sent; the client stands at `self.cursor` when it has it."""
        message = encode(event, self.cursor)
        if len(self._queue) >= QUEUE_MESSAGES or self._bytes + len(message) > QUEUE_BYTES:
            self.reset("the client reads more slowly than changes happen")
            return
        self._append(message)

    def reset(self, reason: str) -> None:
        """Drop what waits and tell the client to load again; it goes on from `self.cursor`."""
        self._queue.clear()
        self._bytes = 0
        self._append(encode(ResetEvent(reason=reason), self.cursor))

    def _append(self, message: bytes) -> None:
        self._queue.append(message)
        self._bytes += len(message)
        self._changed.set()

    def close(self) -> None:
        """End the stream after what waits."""
        self._closed = True
        self._changed.set()

    async def take(self, patience: float) -> Sequence[bytes] | None:
        """What waits, or nothing after `patience` seconds; None at the end of the stream."""
        if not self._queue and not self._closed:
            try:
                async with asyncio.timeout(patience):
                    await self._changed.wait()
            except TimeoutError:
                return ()
        self._changed.clear()
        messages = tuple(self._queue)
        self._queue.clear()
        self._bytes = 0
        if not messages and self._closed:
            return None
        if self._closed:
            self._changed.set()
        return messages
