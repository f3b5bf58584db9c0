"""Fast events inside a worker, without a database."""

import json
import threading

from workers import BaseSubscriber, SubscriberRegistry
from workers.runtime.event_bus import WAITING_CHARACTERS, WAITING_EVENTS, EventBus


class Gate(BaseSubscriber):
    """Holds the first event until it is opened."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.begun = threading.Event()
        self.open = threading.Event()
        self.last = threading.Event()

    def handle(self, event):
        self.begun.set()
        assert self.open.wait(10)
        self.seen.append(event["number"])
        if event["number"] == 3:
            self.last.set()


class Spoiler(BaseSubscriber):
    """Changes what it is given, and fails on every second event."""

    def __init__(self):
        super().__init__()
        self.last = threading.Event()

    def handle(self, event):
        number = event.pop("number")
        if number % 2:
            raise RuntimeError("odd")

    def on_handle_error(self, event, error):
        if self.failed == 2:
            self.last.set()
        raise RuntimeError("odder")


def event(number, size=0):
    return json.dumps({"event_name": "a.b", "number": number, "fill": "x" * size})


def started(*subscribers):
    bus, registry = EventBus(), SubscriberRegistry()
    for number, subscriber in enumerate(subscribers):
        registry.register_instance(subscriber, str(number))
    assert registry.start_all(bus) == len(subscribers)
    return bus, registry


def test_what_finds_the_queue_full_is_dropped_and_counted():
    gate = Gate()
    bus, registry = started(gate)
    bus.dispatch(event(0))
    assert gate.begun.wait(10)
    for number in range(1, WAITING_EVENTS + 4):
        bus.dispatch(event(number))
    stats = bus.stats()
    assert (stats.total_events_dispatched, stats.dropped) == (WAITING_EVENTS + 4, 3)
    assert stats.subscribers[0].waiting == WAITING_EVENTS
    gate.open.set()
    bus.drain(10)
    assert gate.seen == list(range(WAITING_EVENTS + 1))
    assert bus.stats().handler_dispatches == WAITING_EVENTS + 1
    registry.stop_all()


def test_large_events_fill_a_queue_sooner():
    gate = Gate()
    bus, registry = started(gate)
    bus.dispatch(event(0))
    assert gate.begun.wait(10)
    for number in range(1, 5):
        bus.dispatch(event(number, WAITING_CHARACTERS // 3))
    assert bus.dropped == 2
    gate.open.set()
    bus.drain(10)
    assert gate.seen == [0, 1, 2]
    registry.stop_all()


def test_subscribers_do_not_feel_each_other():
    hanging, gate, spoiler = Gate(), Gate(), Spoiler()
    gate.open.set()
    bus, registry = started(hanging, spoiler, gate)
    for number in range(4):
        bus.dispatch(event(number))
    for subscriber in (spoiler, gate):
        assert subscriber.last.wait(10)
    assert (gate.seen, hanging.seen) == ([0, 1, 2, 3], [])
    assert (spoiler.handled, spoiler.failed) == (2, 2)
    assert bus.stats().handler_errors == 2
    hanging.open.set()
    registry.stop_all()


def test_who_stopped_is_not_called_any_more():
    gate = Gate()
    gate.open.set()
    bus, registry = started(gate)
    bus.dispatch(event(1))
    bus.drain(10)
    registry.stop_all()
    bus.dispatch(event(2))
    assert (gate.seen, bus.stats().subscriber_count) == ([1], 0)
