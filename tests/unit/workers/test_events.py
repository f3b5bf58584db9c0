"""Publishers and subscribers as objects (reference 7.3)."""

import pytest

from tests.unit.workers.support import make_context
from workers import (
    BasePublisher,
    BaseSubscriber,
    ConfigurationError,
    EventDeclaration,
    PublisherRegistry,
    StepEventContext,
    SubscriberRegistry,
)


class Bus:
    """An event source: what is emitted reaches whoever listens at the moment."""

    def __init__(self):
        self.callbacks = []

    def on_event(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def emit(self, name, **payload):
        for callback in list(self.callbacks):
            callback({"event_name": name, "payload": payload})


class Recorder(BasePublisher):
    def __init__(self, **answers):
        self.answers = answers
        self.seen = []
        self.sink = lambda *event: self.seen.append(("sink", *event))

    def should_publish(self, ctx):
        return self.answers.get("should", True)

    def transform_payload(self, ctx):
        return {"total": ctx.result["total"]}

    def additional_metadata(self, ctx):
        return {"source": "test"}

    def before_publish(self, event_name, payload, metadata):
        return self.answers.get("before", True)

    def after_publish(self, event_name, payload, metadata):
        self.seen.append(("after", event_name))

    def on_publish_error(self, event_name, error, payload):
        self.seen.append(("error", event_name, str(error)))


def step_event(**result):
    context = make_context(step_name="pay", namespace="shop")
    return StepEventContext.from_step_context(context, result, {"attempt": 1})


def test_a_publisher_runs_its_hooks_in_order():
    publisher = Recorder()
    assert publisher.publish(step_event(total=3), "payment.done")
    (sink, name, payload, metadata), after = publisher.seen
    assert (sink, name, payload) == ("sink", "payment.done", {"total": 3})
    assert (
        metadata.items() >= {"step_name": "pay", "namespace": "shop", "attempt": 1, "source": "test"}.items()
    )
    assert after == ("after", "payment.done")


def test_the_name_without_one():
    publisher = Recorder()
    publisher.publish(step_event(total=3))
    assert publisher.seen[0][1] == "pay.completed"


@pytest.mark.parametrize("answers", [{"should": False}, {"before": False}])
def test_a_publisher_can_hold_back(answers):
    publisher = Recorder(**answers)
    assert not publisher.publish(step_event(total=3))
    assert publisher.seen == []


def test_what_raises_goes_to_the_publisher_and_no_further():
    publisher = Recorder()
    assert not publisher.publish(step_event(), "payment.done")
    assert publisher.seen == [("error", "payment.done", "'total'")]
    assert not BasePublisher().publish(step_event(total=1))  # it has no sink


def test_the_registry_of_publishers():
    registry = PublisherRegistry()
    publisher = Recorder()
    registry.register(publisher)
    registry.register(publisher, "named")
    assert registry.get("Recorder") is publisher
    assert registry.list_publishers() == ["Recorder", "named"]
    assert registry.get("other") is None
    assert registry.get_or_default("other").publisher_name == "default"
    assert registry.validate_required(["named", "a", "b"]) == ["a", "b"]
    registry.freeze()
    assert registry.is_frozen
    with pytest.raises(RuntimeError, match="'late' comes too late"):
        registry.register(publisher, "late")
    registry.unfreeze()
    registry.clear()
    assert registry.list_publishers() == []
    PublisherRegistry.reset()
    assert PublisherRegistry.instance() is PublisherRegistry.instance()
    PublisherRegistry.reset()


class Payments(BaseSubscriber):
    def __init__(self):
        super().__init__()
        self.seen = []

    @classmethod
    def subscribes_to(cls):
        return ["payment.*", "order.created"]

    def handle(self, event):
        if event["payload"].get("explode"):
            raise RuntimeError("boom")
        self.seen.append(event["event_name"])

    def before_handle(self, event):
        return not event["payload"].get("drop")

    def after_handle(self, event):
        self.seen.append("after")

    def on_handle_error(self, event, error):
        self.seen.append(str(error))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("payment.failed", True), ("payment.card.failed", True), ("order.created", True), ("order.x", False)],
)
def test_patterns(name, wanted):
    assert Payments().matches(name) is wanted
    assert BaseSubscriber().matches(name)


def test_a_subscriber_listens_until_it_is_stopped():
    bus, subscriber = Bus(), Payments()
    assert (subscriber.active, subscriber.subscriptions) == (False, [])
    subscriber.start(bus)
    subscriber.start(bus)
    assert subscriber.subscriptions == ["payment.*", "order.created"]
    bus.emit("payment.done")
    bus.emit("stock.low")
    bus.emit("payment.dropped", drop=True)
    bus.emit("payment.bad", explode=True)
    assert subscriber.seen == ["payment.done", "after", "boom"]
    subscriber.stop()
    subscriber.stop()
    bus.emit("payment.done")
    assert len(subscriber.seen) == 3
    assert not subscriber.active


def test_the_registry_of_subscribers():
    bus, registry = Bus(), SubscriberRegistry()
    registry.register(Payments)

    class Failing(BaseSubscriber):
        def start(self, poller):
            raise RuntimeError("cannot")

    registry.register_instance(Failing(), "failing")
    assert registry.start_all(bus) == 1
    assert registry.start_all(bus) == 0
    assert registry.list_registered() == {"Payments": ["payment.*", "order.created"], "failing": ["*"]}
    assert registry.active_count == 1
    assert registry.stats() == {
        "registered": 2,
        "active": 1,
        "inactive": 1,
        "subscriptions": registry.list_registered(),
    }
    registry.register(Payments)  # the one before is stopped
    assert (registry.active_count, bus.callbacks) == (0, [])
    registry.start_all(bus)
    assert registry.stop_all() == 1
    registry.start_all(bus)
    registry.clear()
    assert (bus.callbacks, registry.list_registered()) == ([], {})
    assert SubscriberRegistry.instance() is SubscriberRegistry.instance()
    SubscriberRegistry.reset()


def test_a_subscriber_whose_handle_would_never_be_awaited_is_refused():
    class Async(BaseSubscriber):
        async def handle(self, event):
            pass

    with pytest.raises(ConfigurationError, match=r"Async\.handle is `async def`.*: use `def`"):
        SubscriberRegistry().register(Async)


def test_a_declaration_shows_its_schema():
    declaration = EventDeclaration("payment.done", schema_={"type": "object"})
    assert declaration.schema == {"type": "object"}
    assert (declaration.condition, declaration.delivery_mode) == (None, None)
