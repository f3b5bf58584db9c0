"""The data of a step as JSON that can be folded: what it is given, what it returned, all that is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from rich.style import Style
from textual.app import ComposeResult

from tasker_tui.actions import bindings
from tasker_tui.json_tree import JsonLine, JsonTree
from tasker_tui.services import Services
from tasker_tui.step_report import StepFacts, edited_by, inputs_of
from tasker_tui.step_tabs.base import StepTab
from tasker_tui.text import plural
from tasker_tui.themes import Palette
from tasker_tui.widgets.virtual_table import Column, Runs, VirtualTable


class JsonTable(VirtualTable[JsonLine]):
    """The lines of a value. Parts are folded and opened by key or by two clicks."""

    BINDINGS = bindings("json")

    def __init__(self, empty: Callable[[], Sequence[str]]) -> None:
        self.tree_lines = JsonTree()
        super().__init__(self.tree_lines, lambda width: [Column("", 0, _cell)], empty)

    def show(self, value: Any) -> None:
        """Another value."""
        self.tree_lines.show(value)
        self.rows_moved()

    def clear(self) -> None:
        """Nothing to show."""
        self.tree_lines.lines = []
        self.rows_moved()

    def action_do(self, action: str) -> None:
        """Fold, open, or move."""
        match action:
            case "json.toggle":
                self._toggle()
            case "json.fold" | "json.unfold":
                self.tree_lines.fold_all(action == "json.fold")
                self.rows_moved()
            case _:
                super().action_do(action)

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """Two clicks fold and open."""
        event.stop()
        self._toggle()

    def _toggle(self) -> None:
        line = self.cursor_row
        if line is not None:
            index = self.tree_lines.index_of(self.tree_lines.key_of(line)) or 0
            self.tree_lines.toggle(line)
            self.rows_moved()
            self.move_to(index)


class DataTab(StepTab):
    """Shows one JSON value of the step, `nothing` if there is none."""

    nothing: tuple[str, ...]

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._table = JsonTable(lambda: self.nothing if self.facts else ["Loading…"])

    def value(self, facts: StepFacts) -> Any:
        """What is shown, None for nothing."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The lines alone."""
        yield self._table

    def enter(self) -> None:
        """The keys go to the lines."""
        self._table.focus()

    def whole(self) -> str:
        """The value as JSON."""
        value = self.value(self.facts) if self.facts else None
        return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False, default=str)

    def show(self, facts: StepFacts) -> None:
        """The value may be another one."""
        super().show(facts)
        value = self.value(facts)
        self._table.clear() if value is None else self._table.show(value)

    @property
    def note(self) -> str:
        """How much there is, and how to fold it."""
        lines = self._table.tree_lines.total
        return f"{plural(lines, 'line')}   enter folds   - + all" if lines else ""


class InputTab(DataTab):
    """What the handler is given: the task's context, the results of other steps, its settings."""

    NAME = "input"
    nothing = ("The handler is given nothing.",)

    def value(self, facts: StepFacts) -> Any:
        """By where it comes from."""
        return inputs_of(facts)

    @property
    def note(self) -> str:
        """That an operator edited it, before the rest."""
        edited = edited_by(self.facts.step) if self.facts else ""
        return "   ".join(part for part in (edited, super().note) if part)


class ResultTab(DataTab):
    """What the handler returned."""

    NAME = "result"
    nothing = ("The step has no result yet.",)

    def value(self, facts: StepFacts) -> Any:
        """The handler's own data."""
        return facts.step.result


def _cell(line: JsonLine, width: int, palette: Palette) -> Runs:
    runs: list[tuple[str, Style]] = [("  " * line.depth, palette.faint)]
    if line.folds:
        runs.append(("▸ " if line.folded else "▾ ", palette.accent))
    else:
        runs.append(("  ", palette.faint))
    if line.name:
        runs += [(line.name, palette.accent), (": ", palette.muted)]
    tones = {"text": palette.tone("ok"), "value": palette.tone("manual"), "brackets": palette.text}
    runs.append((line.text, tones.get(line.kind, palette.muted)))
    return runs
