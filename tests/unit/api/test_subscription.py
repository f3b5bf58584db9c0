"""The queue of one client of the event stream."""

from __future__ import annotations

import asyncio

from engine.api.stream.subscription import QUEUE_BYTES, QUEUE_MESSAGES, Subscription, Wanted
from engine.client.events import EventParser, StreamEvent, read_event
from engine.model.wire.events import ResetEvent, SummaryEvent, TransitionsEvent


def subscription() -> Subscription:
    made = Subscription(Wanted("transitions"), None)
    made.cursor = "c"
    return made


async def taken(one: Subscription) -> list[StreamEvent | None]:
    messages = await one.take(1)
    assert messages is not None
    return [read_event(raw) for message in messages for raw in EventParser().feed(message)]


def changes() -> TransitionsEvent:
    return TransitionsEvent(cursor="c", changes=[])


async def test_a_client_that_is_too_slow_gets_one_reset_and_then_what_is_new() -> None:
    slow = subscription()
    for _ in range(3 * QUEUE_MESSAGES):
        slow.put(changes())
    events = await taken(slow)
    assert isinstance(events[0], ResetEvent)
    assert "slowly" in events[0].reason
    assert len(events) <= QUEUE_MESSAGES
    assert all(isinstance(event, TransitionsEvent) for event in events[1:])
    slow.put(changes())
    assert await taken(slow) == [changes()]


async def test_what_waits_is_bounded_in_bytes_too() -> None:
    slow = subscription()
    for _ in range(QUEUE_MESSAGES - 1):
        slow.put(ResetEvent(reason="x" * (QUEUE_BYTES // 10)))
    messages = await slow.take(1)
    assert messages is not None
    assert sum(map(len, messages)) <= QUEUE_BYTES


async def test_what_waits_is_sent_before_the_end() -> None:
    ending = subscription()
    ending.put(SummaryEvent(cursor="c", tasks=[]))
    ending.close()
    assert await taken(ending) == [SummaryEvent(cursor="c", tasks=[])]
    assert await ending.take(1) is None


async def test_waiting_ends_with_news_with_the_end_or_with_the_time() -> None:
    one = subscription()
    assert await one.take(0.001) == ()
    waiting = asyncio.create_task(one.take(10))
    await asyncio.sleep(0)
    one.put(changes())
    assert await waiting
    waiting = asyncio.create_task(one.take(10))
    await asyncio.sleep(0)
    one.close()
    assert await waiting is None
