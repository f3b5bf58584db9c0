"""The events of a step's end, from their making to the answer of the database."""

import threading
from uuid import uuid4

import pytest

from engine.store.claims import ClaimedStep, FinishedStep
from engine.store.step_definitions import StepDefinition
from workers import BasePublisher, BaseSubscriber, PublisherRegistry, StepHandlerResult
from workers.runtime.domain_events import DomainEvents
from workers.runtime.running import RunningStep

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


class Recorder(BasePublisher):
    def __init__(self):
        self.after = []

    def after_publish(self, event_name, payload, metadata):
        self.after.append(event_name)


class HangingAfter(BasePublisher):
    def __init__(self, released):
        self.released = released

    def after_publish(self, event_name, payload, metadata):
        self.released.wait()


class Listener(BaseSubscriber):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle(self, event):
        self.seen.append(event["event_name"])


@pytest.fixture
def recorder():
    made = Recorder()
    PublisherRegistry.instance().register(made)
    yield made
    PublisherRegistry.reset()


def declared(name, mode="durable", condition="success", publisher=None, schema=SCHEMA):
    return {
        "name": name, "condition": condition, "delivery_mode": mode, "publisher": publisher, "schema": schema,
    }  # fmt: skip


def running(*events):
    claimed = ClaimedStep(uuid4(), uuid4(), 3, 1, 0, 7, "pay", uuid4(), "{}", "{}", None, None)
    definition = StepDefinition(
        7, "pay", "shop", "standard", "echo", "call", None, {}, 3, 30, frozenset(), frozenset(), True,
        list(events),
    )  # fmt: skip
    return RunningStep(claimed, definition, 0.0)


def stored(step, events, success=True):
    claimed = step.claimed
    return FinishedStep(claimed.step_uuid, claimed.claim_no, success, "{}", None, 1, events)


async def prepared(events, step, **result):
    made = await events.prepare(step, StepHandlerResult.success(result))
    assert made is not None
    return made


THREE = [
    declared("a.durable", publisher="Recorder"),
    declared("a.fast", "fast"),
    declared("a.both", "broadcast"),
]


async def test_what_was_accepted_goes_out(recorder):
    events, listener, step = DomainEvents(), Listener(), running(*THREE)
    listener.start(events.bus)
    made = await prepared(events, step, n=1)
    assert made.stored.count('"event_name"') == 2
    assert (events.counts.routed.total(), recorder.after) == (0, [])
    made.settle(stored(step, made.stored), accepted=True)
    await events.drain(5)
    assert dict(events.counts.routed) == {"durable": 1, "fast": 1, "broadcast": 1}
    assert (listener.seen, recorder.after) == (["a.fast", "a.both"], ["a.durable"])
    listener.stop()


@pytest.mark.parametrize("refused", ["stale", "stored as a failure"])
async def test_of_a_result_that_is_refused_nothing_goes_out(recorder, refused):
    events, listener, step = DomainEvents(), Listener(), running(*THREE)
    listener.start(events.bus)
    made = await prepared(events, step, n=1)
    if refused == "stale":
        made.settle(stored(step, made.stored), accepted=False)
    else:
        made.settle(stored(step, None, success=False), accepted=True)
    await events.drain(5)
    assert (events.counts.withdrawn, events.counts.routed.total()) == (3, 0)
    assert (listener.seen, recorder.after) == ([], [])
    listener.stop()


async def test_after_publish_may_hang_without_holding_up_the_next_event(recorder):
    released = threading.Event()
    events = DomainEvents()
    try:
        PublisherRegistry.instance().register(HangingAfter(released), "Recorder")
        for count in (1, 2):
            step = running(*THREE)
            made = await prepared(events, step, n=count)
            made.settle(stored(step, made.stored), accepted=True)
            assert events.counts.routed["durable"] == count
    finally:
        released.set()
    assert events.counts.failed == 0


async def test_the_events_of_one_end_are_limited_together():
    many = [declared(f"a.number{n}") for n in range(20)]
    events = DomainEvents()
    made = await prepared(events, running(*many), text="x" * 500_000)
    assert made.stored.count('"event_name"') == 16
    assert events.counts.failed == 4


async def test_schemas_are_compiled_once():
    events = DomainEvents()
    await prepared(events, running(*THREE[1:]), n=1)
    (first, second), compiled = events._declared[7], [one.validator for one in events._declared[7]]
    await prepared(events, running(*THREE[1:]), n=2)
    assert [one.validator for one in events._declared[7]] == compiled
    assert (first, second) == tuple(events._declared[7])


async def test_an_end_that_no_condition_wants_makes_nothing():
    failure = StepHandlerResult.failure("no", "some_error", retryable=True)
    assert await DomainEvents().prepare(running(declared("a.done")), failure) is None
    again = declared("a.again", condition="retryable_failure", schema={})
    made = await DomainEvents().prepare(running(again), failure)
    assert '"error_message":"no"' in made.stored
