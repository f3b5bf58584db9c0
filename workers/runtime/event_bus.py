"""Fast domain events: from the steps of this worker to the subscribers in its process (reference 7.3).

Each subscriber has a thread and a bounded queue of its own: one that is slow, hangs or raises holds up
neither the worker nor the other subscribers. What finds its queue full is dropped and counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from engine.model.payload import load_json
from engine.model.wire.worker import EventBusStats, SubscriberStats
from workers.subscribers import BaseSubscriber, EventCallback

log = logging.getLogger("tasker.worker")

WAITING_EVENTS = 1_000
"""How many events may wait for one subscriber."""
WAITING_CHARACTERS = 64 * 1024 * 1024
"""How much JSON they may be together."""


class EventBus:
    """The source of events that `SubscriberRegistry.start_all` takes. Any thread may subscribe."""

    def __init__(self) -> None:
        self.dispatched = 0
        self._queues: list[EventQueue] = []

    def on_event(self, callback: EventCallback) -> Callable[[], None]:
        """Call back for every event from now on, in a thread; the returned function ends that."""
        queue = EventQueue(callback)
        self._queues = [*self._queues, queue]

        def stop() -> None:
            self._queues = [one for one in self._queues if one is not queue]
            queue.stop()

        return stop

    def dispatch(self, event: str) -> None:
        """Give an event (JSON) to whoever listens; returns at once."""
        self.dispatched += 1
        for queue in self._queues:
            queue.put(event)

    def drain(self, seconds: float) -> None:
        """Wait until the subscribers have handled what waits, at most so long."""
        deadline = time.monotonic() + seconds
        for queue in self._queues:
            queue.wait_until_idle(max(deadline - time.monotonic(), 0))

    @property
    def dropped(self) -> int:
        """Events that found a subscriber's queue full."""
        return sum(queue.dropped for queue in self._queues)

    def stats(self) -> EventBusStats:
        """The counts since the worker's start."""
        subscribers = [queue.stats() for queue in self._queues]
        return EventBusStats(
            total_events_dispatched=self.dispatched,
            handler_dispatches=sum(one.handled + one.failed for one in subscribers),
            handler_errors=sum(one.failed for one in subscribers),
            dropped=self.dropped,
            subscriber_count=len(subscribers),
            subscribers=subscribers,
        )


class EventQueue:
    """What waits for one callback, and the thread that calls it."""

    def __init__(self, callback: EventCallback) -> None:
        subscriber = getattr(callback, "__self__", None)
        self.dropped = 0
        self._callback = callback
        self._subscriber = subscriber if isinstance(subscriber, BaseSubscriber) else None
        self._name = type(subscriber or callback).__name__
        self._patterns = self._subscriber.subscribes_to() if self._subscriber else ["*"]
        self._handled = 0
        self._failed = 0
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._calling = False
        self._stopped = False
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name=f"subscriber {self._name}", daemon=True).start()

    def put(self, event: str) -> bool:
        """Add an event (JSON); False, and counted as dropped, if the queue is full."""
        with self._changed:
            if len(self._waiting) >= WAITING_EVENTS or self._characters + len(event) > WAITING_CHARACTERS:
                self.dropped += 1
                return False
            self._waiting.append(event)
            self._characters += len(event)
            self._changed.notify_all()
            return True

    def stop(self) -> None:
        """Call back no more, whatever waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until everything is handled, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._calling, seconds)

    def stats(self) -> SubscriberStats:
        """The counts since its start."""
        # A subscriber counts what it wanted; it takes care of its own errors.
        subscriber = self._subscriber
        return SubscriberStats(
            subscriber=self._name,
            patterns=self._patterns,
            waiting=len(self._waiting),
            handled=subscriber.handled if subscriber else self._handled,
            failed=self._failed + (subscriber.failed if subscriber else 0),
            dropped=self.dropped,
        )

    def _run(self) -> None:
        while (event := self._next()) is not None:
            try:
                self._callback(load_json(event))
                self._handled += 1
            except Exception:
                self._failed += 1
                log.exception("%s failed on an event", self._name)

    def _next(self) -> str | None:
        with self._changed:
            self._calling = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._stopped)
            if self._stopped:
                return None
            self._calling = True
            event = self._waiting.popleft()
            self._characters -= len(event)
            return event
