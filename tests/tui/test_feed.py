"""The live connection: what it delivers, in what order, how often, and what it does when it breaks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from engine.model.states import StepState, TaskState
from engine.model.wire.events import ResetEvent
from tasker_tui.feed import Batch, Feed, Live, Lost, Reload
from tests.tui.scenes import order_task, small_task
from tests.tui.support import FakeClock, FakeTasker


@asynccontextmanager
async def following(client: FakeTasker, scope="summary", task_uuid=None):
    news: list = []
    feed = Feed(client, client.clock, news.append, scope, task_uuid)
    running = asyncio.create_task(feed.run())
    await idle()
    yield news
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def idle():
    """Until all that can go on has gone on: the clock stands still."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_first_change_goes_out_at_once_and_the_rest_in_one_batch():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 1)
    client = FakeTasker(FakeClock(), [task])
    async with following(client) as news:
        for _ in range(50):
            client.announce(task)
            await idle()
        assert [type(item) for item in news] == [Live, Batch]
        client.clock.advance(0.05)
        await idle()
        assert [type(item) for item in news] == [Live, Batch, Batch]
        assert len(news[-1].rows) == 1


async def test_doubles_are_dropped_by_their_id():
    task = order_task()
    client = FakeTasker(FakeClock(), [task])
    async with following(client, "task", str(task.uuid)) as news:
        client.transition(task, "pack_c", StepState.COMPLETE)
        await idle()
        client._cursor -= 1
        client.transition(task, "pack_c", StepState.COMPLETE)
        await idle()
        client.clock.advance(1)
        await idle()
    assert [len(item.changes) for item in news if isinstance(item, Batch)] == [1]


async def test_the_lag_is_from_the_change_to_its_delivery():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 1)
    client = FakeTasker(FakeClock(), [task])
    async with following(client) as news:
        client.announce(task)
        client.clock.advance(0.3)
        await idle()
    assert news[-1].lag.total_seconds() == 0.3


async def test_a_broken_stream_is_resumed_from_its_cursor():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 1)
    client = FakeTasker(FakeClock(), [task])
    async with following(client) as news:
        client.announce(task)
        await idle()
        client.drop()
        await idle()
        client.offline = False
        client.clock.advance(0.5)
        await idle()
        assert news[-1] == Live(resumed=True)
    assert client.named("stream") == [("summary", None), ("summary", "1")]


async def test_what_was_collected_is_delivered_before_the_loss():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 1)
    client = FakeTasker(FakeClock(), [task])
    async with following(client) as news:
        client.announce(task)
        client.announce(task)
        client.drop()
        await idle()
    assert [type(item) for item in news] == [Live, Batch, Batch, Lost]


async def test_the_waits_grow_to_a_limit():
    client = FakeTasker(FakeClock())
    client.offline = True
    waits = []
    async with following(client) as news:
        for _ in range(8):
            waits.append((news[-1].retry_at - client.clock.now()).total_seconds())
            client.clock.advance(waits[-1])
            await idle()
    assert waits == [0.5, 1, 2, 4, 5, 5, 5, 5]
    assert {item.reason for item in news} == {"the server cannot be reached"}


async def test_a_stream_that_held_starts_the_waits_anew():
    client = FakeTasker(FakeClock())
    async with following(client) as news:
        client.clock.advance(60)
        client.drop()
        await idle()
        assert (news[-1].retry_at - client.clock.now()).total_seconds() == 0.5


async def test_a_reset_asks_for_everything_and_forgets_the_cursor():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 1)
    client = FakeTasker(FakeClock(), [task])
    async with following(client) as news:
        client.announce(task)
        await idle()
        client.emit(ResetEvent(reason="older than retention"), "summary")
        await idle()
        assert news[-1] == Reload("older than retention")
        client.drop()
        await idle()
        client.offline = False
        client.clock.advance(0.5)
        await idle()
        assert news[-1] == Live(resumed=False)
