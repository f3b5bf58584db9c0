"""Jump mode: a letter over every row and pane in view leads there. (Reference tui 4, `f`.)"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.geometry import Offset
from textual.screen import Screen
from textual.widget import Widget

from tasker_tui.widgets.virtual_table import HEADER_LINES, VirtualTable

LETTERS = "asdfghjklqwertyuiopzxcvbnm"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a label stands on the screen, and what leads there."""

    at: Offset
    go: Callable[[], object]


def labels(count: int) -> list[str]:
    """So many labels, none of which begins another."""
    if count <= len(LETTERS):
        return list(LETTERS[:count])
    return [one + other for one in LETTERS for other in LETTERS][:count]


def targets(screen: Screen[Any]) -> list[Target]:
    """The rows of the lists in view, and the panes that can have the focus."""
    found: list[Target] = []
    for widget in screen.focus_chain:
        if isinstance(widget, VirtualTable):
            found += _rows(widget)
        elif isinstance(widget, Widget):
            found.append(Target(widget.region.offset, widget.focus))
    return found


def _rows(table: VirtualTable[object]) -> Iterator[Target]:
    first, corner = table.scroll_offset.y, table.scrollable_content_region.offset
    for line in range(min(table.page, table.source.total - first)):
        row = table.source.row_at(first + line)
        if row is not None:
            go = partial(_to_row, table, table.source.key_of(row))
            yield Target(Offset(corner.x, corner.y + line + HEADER_LINES), go)


def _to_row(table: VirtualTable[object], key: str) -> None:
    table.focus()
    index = table.source.index_of(key)
    if index is None:
        table.notify("jump: the row has left the list", severity="warning", markup=False)
    else:
        table.move_to(index)
