"""Fetching pages of the task list by key: what is missing around a view, and how to ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tasker_tui.client_port import TaskerPort
from tasker_tui.filters import TaskFilter, absolute
from tasker_tui.task_order import TaskOrder
from tasker_tui.task_window import TaskWindow
from tasker_tui.view_models import TaskRow

PAGE = 100
PREFETCH = 60
"""Rows that are loaded ahead of the view."""
NEAR = 4 * PAGE
"""A view farther off than this is jumped to, not paged to."""

Kind = Literal["top", "below", "above", "bottom", "middle"]


@dataclass(frozen=True, slots=True)
class Want:
    """A page that is missing. `key` is the uuid that it lies next to; `base` where a middle page is shown."""

    kind: Kind
    key: str | None = None
    base: int = 0
    share: float | None = None
    """For a middle page without a key: how far down the list it is, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a want was answered with. `request` is the number of the filter that it was made for."""

    want: Want
    request: int
    rows: tuple[TaskRow, ...]
    more: bool
    total: int


def missing(window: TaskWindow, first: int, last: int) -> Want | None:
    """The page to load next for a view on the indices `first` … `last`; None if nothing is missing."""
    low, high = window.base, window.base + len(window.rows)
    if not window.rows or first > high + NEAR or last < low - NEAR:
        return _jump(window, first, last)
    if last + PREFETCH >= high and not window.at_bottom:
        return Want("below", key=window.rows[-1].uuid)
    if first - PREFETCH < low and not window.at_top:
        return Want("above", key=window.rows[0].uuid)
    return None


def around(window: TaskWindow, first: int) -> Want:
    """The page at a view again, to see what has become of it."""
    row = window.row_at(first)
    if first < PAGE or row is None:
        return Want("top")
    order = window.order
    return Want("middle", key=order.uuid_at(order.place(row.uuid) - 1), base=first)


def newest(window: TaskWindow) -> Want | None:
    """The page with what is newer than all rows; None while it is out of reach."""
    if not window.rows:
        return None
    if window.order.newest_on_top:
        return Want("above", key=window.rows[0].uuid) if window.at_top else None
    return Want("below", key=window.rows[-1].uuid) if window.at_bottom else None


def apply(page: Page, window: TaskWindow) -> None:
    """Put a page into the window."""
    match page.want.kind:
        case "top":
            window.show_top(page.rows, page.total, complete=not page.more)
        case "below":
            window.extend_down(page.rows, page.more)
        case "above":
            window.extend_up(page.rows, page.more)
        case "bottom":
            window.show_bottom(page.rows)
        case "middle":
            window.show_middle(page.rows, page.want.base)


async def fetch(
    client: TaskerPort, task_filter: TaskFilter, order: TaskOrder, want: Want, request: int, now: datetime
) -> Page:
    """Ask the server for a page."""
    query = list_query(task_filter, now)
    key = want.key
    if want.share is not None:
        key = await _key_at(client, query, order, want.share)
    bounds = order.above_of(key) if want.kind in ("above", "bottom") else order.below(key)
    count: Literal["estimate", "none"] = "estimate" if want.kind == "top" else "none"
    answer = await client.list_tasks(**query, **bounds, limit=PAGE, count=count)
    rows = tuple(TaskRow.from_answer(task) for task in order.arranged(answer.tasks))
    return Page(want, request, rows, len(rows) >= PAGE, answer.pagination.total_count)


async def count_tasks(client: TaskerPort, task_filter: TaskFilter, now: datetime) -> int:
    """How many tasks a filter finds. Of a million it takes longer than their first page."""
    answer = await client.list_tasks(**list_query(task_filter, now), limit=1, count="exact")
    return answer.pagination.total_count


def _jump(window: TaskWindow, first: int, last: int) -> Want | None:
    if window.total == 0:
        return None
    if first < PAGE:
        return Want("top")
    if last >= window.total - PAGE:
        return Want("bottom")
    base = max(1, first - PREFETCH // 2)
    return Want("middle", base=base, share=base / window.total)


async def _key_at(client: TaskerPort, query: dict[str, Any], order: TaskOrder, share: float) -> str | None:
    """A uuid about that far down the list, taking it that tasks are created at an even rate."""
    first = await client.list_tasks(**query, **order.below(None), limit=1)
    last = await client.list_tasks(**query, **order.above_of(None), limit=1)
    if not first.tasks or not last.tasks:
        return None
    top, bottom = (order.place(str(answer.tasks[0].task_uuid)) for answer in (first, last))
    return order.uuid_at(top + int((bottom - top) * share))


def list_query(task_filter: TaskFilter, now: datetime) -> dict[str, Any]:
    """What the list of tasks is asked with."""
    return {
        "namespace": task_filter.namespace,
        "template": task_filter.template,
        "state": [state.value for state in task_filter.states] or None,
        "why": list(task_filter.why) or None,
        "signature": task_filter.sig,
        "tag": task_filter.tag,
        "initiator": task_filter.initiator,
        "since": absolute(task_filter.since, now),
        "until": absolute(task_filter.until, now),
        "q": task_filter.text or None,
    }
