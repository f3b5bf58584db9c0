"""Reading server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from tests.e2e.api import PATIENCE_SECONDS, Api


class Event(NamedTuple):
    """One event: its name, the cursor after it, and its data."""

    name: str
    cursor: str
    data: dict[str, Any]


class Stream:
    """An open stream, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> Event:
        """The next event; marks between events are no events."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            fields: dict[str, str] = {}
            async for line in self._lines:
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif "data" in fields:
                    return Event(fields["event"], fields["id"], json.loads(fields["data"]))
                else:
                    fields = {}
        raise AssertionError("the stream ended")

    async def until(self, condition: Callable[[Event], bool]) -> list[Event]:
        """All events up to the first that is as wanted, which is the last one."""
        seen = [await self.next()]
        while not condition(seen[-1]):
            seen.append(await self.next())
        return seen


@asynccontextmanager
async def open_stream(api: Api, last_event_id: str | None = None, **params: Any) -> AsyncIterator[Stream]:
    """Follow the server's events for the length of a `with` block."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with api.http.stream("GET", "/v1/events/stream", params=params, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Stream(answer)
