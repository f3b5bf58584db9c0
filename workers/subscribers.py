"""Domain events inside a worker's process: who listens to them (reference 7.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from fnmatch import fnmatchcase
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Protocol, TypeAlias

from workers.errors import ConfigurationError

EventCallback: TypeAlias = Callable[[dict[str, Any]], None]

_log = logging.getLogger("tasker.workers.events")


class InProcessDomainEventPoller(Protocol):
    """Where a subscriber gets events from."""

    def on_event(self, callback: EventCallback) -> Callable[[], None]:
        """Call back for every event from now on; the returned function ends that."""


class BaseSubscriber:
    """Handles events whose names match a pattern: `payment.failed`, `payment.*`, `*`.

    `handled` and `failed` count the events that it wanted.
    """

    handled = 0
    failed = 0

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None

    @classmethod
    def subscribes_to(cls) -> list[str]:
        """The patterns."""
        return ["*"]

    def handle(self, event: dict[str, Any]) -> None:
        """Do something with an event (`event_name`, `event_id`, `payload`, `metadata`)."""
        raise NotImplementedError(f"{type(self).__name__} has no method handle(self, event)")

    @property
    def active(self) -> bool:
        """Say whether it is listening."""
        return self._stop is not None

    @property
    def subscriptions(self) -> list[str]:
        """The patterns that it is listening to, none when it is not."""
        return self.subscribes_to() if self.active else []

    def before_handle(self, event: dict[str, Any]) -> bool:
        """See an event before it is handled; `False` drops it."""
        return True

    def after_handle(self, event: dict[str, Any]) -> None:
        """See an event after it was handled."""

    def on_handle_error(self, event: dict[str, Any], error: Exception) -> None:
        """See what went wrong; by default it is logged. No step is touched by it."""
        name = type(self).__name__
        _log.warning("%s failed on %s: %s: %s", name, event.get("event_name"), type(error).__name__, error)

    def matches(self, event_name: str) -> bool:
        """Say whether it wants events of that name."""
        return any(fnmatchcase(event_name, pattern) for pattern in self.subscribes_to())

    def start(self, poller: InProcessDomainEventPoller) -> None:
        """Listen. A second start changes nothing."""
        if self._stop is None:
            self._stop = poller.on_event(self._receive)

    def stop(self) -> None:
        """Listen no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def handle_event_safely(self, event: dict[str, Any]) -> None:
        """Handle an event with its hooks. Never raises."""
        try:
            if self.before_handle(event):
                self.handle(event)
                self.after_handle(event)
            self.handled += 1
        except Exception as error:
            self.failed += 1
            self._tell(event, error)

    def _tell(self, event: dict[str, Any], error: Exception) -> None:
        try:
            self.on_handle_error(event, error)
        except Exception as another:
            kind = type(another).__name__
            _log.warning("%s.on_handle_error failed: %s: %s", type(self).__name__, kind, another)

    def _receive(self, event: dict[str, Any]) -> None:
        if self.matches(str(event.get("event_name", ""))):
            self.handle_event_safely(event)


class SubscriberRegistry:
    """The subscribers of a worker."""

    _instance: ClassVar[SubscriberRegistry | None] = None

    def __init__(self) -> None:
        self._subscribers: dict[str, BaseSubscriber] = {}

    @classmethod
    def instance(cls) -> SubscriberRegistry:
        """The registry of the process."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    @classmethod
    def reset(cls) -> None:
        """Stop the subscribers of the process's registry and forget it."""
        if cls._instance is not None:
            cls._instance.stop_all()
        cls._instance = None

    def register(self, subscriber_class: type[BaseSubscriber]) -> None:
        """Register an instance of the class under the class's name."""
        self.register_instance(subscriber_class())

    def register_instance(self, subscriber: BaseSubscriber, name: str | None = None) -> None:
        """Register a subscriber under a name, by default its class's; one that had the name is stopped.

        Raises `ConfigurationError` for a `handle` that is `async def`: nobody would await it.
        """
        key = name or type(subscriber).__name__
        if iscoroutinefunction(subscriber.handle):
            raise ConfigurationError(f"{key}.handle is `async def`; it is called in a thread: use `def`")
        replaced = self._subscribers.get(key)
        if replaced is not None and replaced is not subscriber:
            replaced.stop()
        self._subscribers[key] = subscriber

    def start_all(self, poller: InProcessDomainEventPoller) -> int:
        """Start who is not listening yet; return how many did. One that fails does not stop the rest."""
        return sum(self._start(subscriber, poller) for subscriber in self._subscribers.values())

    def stop_all(self) -> int:
        """Stop who is listening; return how many that were."""
        active = [subscriber for subscriber in self._subscribers.values() if subscriber.active]
        for subscriber in active:
            subscriber.stop()
        return len(active)

    def list_registered(self) -> dict[str, list[str]]:
        """The patterns of each subscriber, by name."""
        return {name: subscriber.subscribes_to() for name, subscriber in self._subscribers.items()}

    @property
    def active_count(self) -> int:
        """How many are listening."""
        return sum(subscriber.active for subscriber in self._subscribers.values())

    def stats(self) -> dict[str, Any]:
        """`registered`, `active`, `inactive` (counts), and `subscriptions` by name."""
        registered = len(self._subscribers)
        return {
            "registered": registered,
            "active": self.active_count,
            "inactive": registered - self.active_count,
            "subscriptions": self.list_registered(),
        }

    def clear(self) -> None:
        """Stop and forget all subscribers."""
        self.stop_all()
        self._subscribers.clear()

    def _start(self, subscriber: BaseSubscriber, poller: InProcessDomainEventPoller) -> bool:
        if subscriber.active:
            return False
        try:
            subscriber.start(poller)
        except Exception as error:
            _log.warning("%s did not start: %s: %s", type(subscriber).__name__, type(error).__name__, error)
            return False
        return True
