"""A step's log in parts, as the server answers it from memory."""

from __future__ import annotations

from typing import Any

from engine.client.calls import Call
from engine.model.wire.details import LogPage


def part_of(page: LogPage, call: Call[Any]) -> LogPage:
    """What follows `after`, at most `limit` lines."""
    params = dict(call.params)
    lines = [line for line in page.lines if line.id > int(str(params["after"]))]
    limit = int(str(params["limit"]))
    more = lines[limit - 1].id if len(lines) > limit else None
    return page.model_copy(update={"lines": lines[:limit], "next_after": more})
