"""The event stream: scopes, filters, resuming without a gap, and transactions that take long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.client import ApiError, StreamEvent, TaskerClient
from engine.client.events import EventParser, read_event
from engine.model.wire.events import LogEvent, ResetEvent, SummaryEvent, TransitionsEvent
from tests.integration.api.conftest import Failure, World, step, template


class Watcher:
    """A client of the stream inside this process, which may read slowly: what it has not asked for waits."""

    def __init__(self, world: World, query: str, headers: dict[str, str]) -> None:
        self._world = world
        self._query = query
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(maxsize=1)
        self._gone = asyncio.Event()
        self._parser = EventParser()
        self._events: list[StreamEvent] = []
        self.status = 0
        self.closed = asyncio.Event()

    async def run(self) -> None:
        scope = {
            "type": "http", "method": "GET", "path": "/v1/events/stream", "raw_path": b"/v1/events/stream",
            "query_string": self._query.encode(), "headers": [(b"host", b"localhost"), *self._headers],
            "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": ("here", 1),
            "root_path": "", "asgi": {"version": "3.0"},
        }  # fmt: skip
        await self._world.app(scope, self._receive, self._send)
        self.closed.set()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["body"]:
            await self._chunks.put(message["body"])

    async def next(self) -> StreamEvent:
        """The next event."""
        async with asyncio.timeout(10):
            while not self._events:
                for raw in self._parser.feed(await self._chunks.get()):
                    event = read_event(raw)
                    assert event is not None
                    self._events.append(event)
        return self._events.pop(0)

    async def until(self, enough: Callable[[list[Any]], bool]) -> list[Any]:
        """Changes, rows or lines, until there are enough of them."""
        found: list[Any] = []
        while not enough(found):
            event = await self.next()
            assert not isinstance(event, ResetEvent), event
            found += items(event)
        return found

    @property
    def cursor(self) -> str:
        """Where the client stands."""
        assert self._parser.last_event_id is not None
        return self._parser.last_event_id


def items(event: StreamEvent) -> list[Any]:
    if isinstance(event, TransitionsEvent):
        return event.changes
    if isinstance(event, SummaryEvent):
        return event.tasks
    assert isinstance(event, LogEvent)
    return [line.message for line in event.lines]


@asynccontextmanager
async def watching(world: World, query: str, cursor: str | None = None) -> AsyncIterator[Watcher]:
    """A client that has got its first event, or is sent the events after `cursor`."""
    watcher = Watcher(world, query, {} if cursor is None else {"last-event-id": cursor})
    task = asyncio.create_task(watcher.run())
    try:
        if cursor is None and "scope=logs" not in query:
            assert items(await watcher.next()) == []
        yield watcher
    finally:
        watcher._gone.set()
        while not task.done():
            if not watcher._chunks.empty():
                watcher._chunks.get_nowait()
            await asyncio.sleep(0)
        await task


async def test_a_task_is_followed_to_its_end(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    async with watching(world, f"scope=task&task_uuid={uuid}") as watcher:
        await world.create()
        await world.worker.run()
        changes = await watcher.until(
            lambda found: any(one.to_state == "complete" and one.step_uuid is None for one in found)
        )
    assert {str(change.task_uuid) for change in changes} == {uuid}
    ids = [change.id for change in changes]
    assert len(ids) == len(set(ids))
    history = (await world.get(f"/v1/tasks/{uuid}/transitions"))["transitions"]
    assert set(ids) == {change["id"] for change in history[5:]}
    by_id = {change["id"]: change for change in history}
    assert all(change.model_dump(mode="json") == by_id[change.id] for change in changes)


async def test_the_summary_sends_the_latest_of_each_task(world: World) -> None:
    async with watching(world, "scope=summary") as watcher:
        uuid = (await world.create(priority=4))["task_uuid"]
        await world.worker.run()
        rows = await watcher.until(lambda found: any(row.status == "complete" for row in found))
    assert {str(row.task_uuid) for row in rows} == {uuid}
    last = rows[-1]
    assert (last.completed_steps, last.total_steps, last.priority, last.name) == (4, 4, 4, "linear")


async def test_many_changes_make_few_summaries(world: World) -> None:
    async with watching(world, "scope=summary") as watcher:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(15):
            await world.create()
        await world.worker.run()
        events, complete = 0, set()
        while len(complete) < 15:
            event = await watcher.next()
            assert isinstance(event, SummaryEvent)
            events += 1
            complete |= {row.task_uuid for row in event.tasks if row.status == "complete"}
        assert events <= (loop.time() - began) / 0.1 + 2


async def test_filters_by_template_and_state(world: World) -> None:
    await world.register(template("single", [step("only")]))
    async with (
        watching(world, "scope=summary&template=single") as mine,
        watching(world, "scope=summary&state=blocked_by_failures") as failing,
        watching(world, "scope=transitions&namespace=nowhere") as nothing,
        watching(world, "scope=transitions&template=single&state=error") as errors,
    ):
        await world.create()
        await world.worker.run()
        uuid = (await world.create("single"))["task_uuid"]
        await world.worker.run(only=Failure())
        assert {row.name for row in await mine.until(bool)} == {"single"}
        (blocked,) = await failing.until(bool)
        assert (str(blocked.task_uuid), blocked.status) == (uuid, "blocked_by_failures")
        (error,) = await errors.until(bool)
        assert (error.step_name, error.to_state) == ("only", "error")
        (only,) = (await world.steps(uuid)).values()
        await world.http.patch(
            f"/v1/tasks/{uuid}/workflow_steps/{only['step_uuid']}",
            json={"action_type": "reset_for_retry", "reason": "r", "reset_by": "t"},
        )
        left = await failing.until(bool)
        assert left[0].status == "steps_in_process"
        assert nothing._chunks.empty()


async def test_resuming_sends_what_was_missed_and_nothing_twice(world: World) -> None:
    await world.create()
    async with watching(world, "scope=transitions") as watcher:
        await world.create()
        seen = await watcher.until(lambda found: len(found) == 5)
        cursor = watcher.cursor
    await world.create()
    async with watching(world, "scope=transitions", cursor) as again:
        missed = items(await again.next())
        await world.create()
        seen_after = await again.until(lambda found: len(found) == 5)
    assert [len(missed), len(seen_after)] == [5, 5]
    ids = [change.id for change in [*seen, *missed, *seen_after]]
    assert len(set(ids)) == 15


async def test_resuming_a_summary_sends_the_tasks_that_changed(world: World) -> None:
    async with watching(world, "scope=summary") as watcher:
        cursor = watcher.cursor
    uuids = {(await world.create())["task_uuid"] for _ in range(3)}
    async with watching(world, "scope=summary", cursor) as again:
        assert {str(row.task_uuid) for row in items(await again.next())} == uuids


async def test_rows_of_a_slow_transaction_are_neither_lost_nor_waited_for(world: World) -> None:
    slow_uuid, quick_uuid = [(await world.create())["task_uuid"] for _ in range(2)]
    async with watching(world, "scope=transitions") as watcher:
        async with world.pool.acquire() as slow:
            transaction = slow.transaction()
            await transaction.start()
            await slow.execute("SELECT * FROM tasker.cancel_tasks($1, 'slow', NULL)", [slow_uuid])
            await world.http.delete(f"/v1/tasks/{quick_uuid}")
            quick = await watcher.until(lambda found: len(found) == 5)
            cursor = watcher.cursor
            await transaction.commit()
        late = await watcher.until(lambda found: len(found) == 5)
    assert {str(change.task_uuid) for change in quick} == {quick_uuid}
    assert {str(change.task_uuid) for change in late} == {slow_uuid}
    assert max(change.id for change in late) < min(change.id for change in quick)
    async with watching(world, "scope=transitions", cursor) as again:
        assert {change.id for change in items(await again.next())} == {change.id for change in late}


@pytest.mark.parametrize("cursor", ["nonsense", "7", "999999999-5:5:", "0-99999999:99999999:"])
async def test_a_cursor_that_leads_nowhere_gets_a_reset_and_the_stream_goes_on(
    world: World, cursor: str
) -> None:
    async with watching(world, "scope=transitions", cursor) as watcher:
        assert isinstance(await watcher.next(), ResetEvent)
        await world.create()
        assert len(await watcher.until(bool)) == 5


async def test_logs_begin_with_what_there_is_and_go_on(world: World) -> None:
    uuid = (await world.create())["task_uuid"]
    steps = await world.steps(uuid)

    async def write(name: str, *messages: str) -> None:
        async with world.pool.acquire() as conn:
            await conn.copy_records_to_table(
                "step_logs", schema_name="tasker",
                columns=("task_uuid", "step_uuid", "claim_no", "attempt", "level", "logger", "message", "at"),
                records=[
                    (uuid, steps[name]["step_uuid"], 1, 1, "INFO", None, message, steps[name]["created_at"])
                    for message in messages
                ],
            )  # fmt: skip

    async with world.pool.acquire() as conn:
        at = await conn.fetchval("SELECT now()")
    for one in steps.values():
        one["created_at"] = at
    await write("one", "a", "b")
    query = f"scope=logs&task_uuid={uuid}"
    async with watching(world, query) as watcher:
        assert await watcher.until(lambda found: len(found) == 2) == ["a", "b"]
        await write("one", "c")
        await write("two", "d")
        assert await watcher.until(lambda found: len(found) == 2) == ["c", "d"]
        cursor = watcher.cursor
    await write("two", "e")
    async with watching(world, query, cursor) as again:
        assert await again.until(bool) == ["e"]
    async with watching(world, f"{query}&step_uuid={steps['two']['step_uuid']}") as two:
        assert await two.until(lambda found: len(found) == 2) == ["d", "e"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"scope": "task"}, 400),
        ({"scope": "everything"}, 400),
        ({"scope": "task", "task_uuid": "x"}, 400),
        ({"scope": "task", "task_uuid": "00000000-0000-0000-0000-000000000001"}, 404),
        ({"state": "finished"}, 400),
    ],
)
async def test_wrong_subscriptions_are_refused(world: World, query: dict[str, str], status: int) -> None:
    assert (await world.http.get("/v1/events/stream", params=query)).status_code == status


async def test_nobody_reads_the_log_when_nobody_watches(world: World) -> None:
    hub = world.app.state.services.hub
    async with watching(world, "scope=summary"), watching(world, "scope=transitions"):
        assert hub.subscribers == 2
        reader = hub._reader
    assert hub.subscribers == 0
    async with asyncio.timeout(20):
        await reader


async def test_the_stream_ends_when_the_server_stops(world: World) -> None:
    async with watching(world, "scope=summary") as watcher:
        await world.app.state.services.hub.close()
        async with asyncio.timeout(20):
            await watcher.closed.wait()


async def test_a_lost_database_connection_costs_no_event(world: World) -> None:
    async with watching(world, "scope=transitions") as watcher:
        async with world.pool.acquire() as conn:
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        await world.create()
        assert len(await watcher.until(lambda found: len(found) >= 5)) == 5


async def test_the_client_raises_what_the_server_says(world: World) -> None:
    async with TaskerClient("http://localhost", transport=world.http._transport) as client:
        with pytest.raises(ApiError) as refused:
            async for _ in client.stream("task"):
                pass
    assert refused.value.status == 400
