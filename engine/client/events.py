"""Reading server-sent events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from engine.model.wire.events import LogEvent, ResetEvent, SummaryEvent, TransitionsEvent

StreamEvent = TransitionsEvent | SummaryEvent | ResetEvent | LogEvent

_MODELS: dict[str, type[BaseModel]] = {
    model.event: model for model in (TransitionsEvent, SummaryEvent, ResetEvent, LogEvent)
}


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event before its data is read; `event_id` is where the stream stands after it."""

    name: str
    data: str
    event_id: str | None


class EventParser:
    """Takes a stream in pieces; `last_event_id` is where to go on from after a break.

    Lines end with a line feed and nothing else: httpx' own lines also end within a text at U+2028.
    """

    def __init__(self, last_event_id: str | None = None) -> None:
        self.last_event_id = last_event_id
        self.forget()

    def forget(self) -> None:
        """Drop what is incomplete, its id too: the connection broke."""
        self._id = self.last_event_id
        self._rest = b""
        self._name = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[RawEvent]:
        """Take what was received; gives the events that are complete."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield from self._take(line.removesuffix(b"\r").decode())

    def _take(self, line: str) -> Iterator[RawEvent]:
        if not line:
            self.last_event_id = self._id
            if self._data:
                yield RawEvent(self._name or "message", "\n".join(self._data), self.last_event_id)
            self._name, self._data = "", []
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value


def read_event(raw: RawEvent) -> StreamEvent | None:
    """The event as an object; None for a kind that this client does not know."""
    model = _MODELS.get(raw.name)
    found = None if model is None else model.model_validate_json(raw.data)
    return found if isinstance(found, TransitionsEvent | SummaryEvent | ResetEvent | LogEvent) else None
