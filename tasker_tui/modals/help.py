"""Help: the keys of the screen below, from the table of actions; `/` finds one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import Group
from rich.table import Column, Table
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Input, Static

from tasker_tui.actions import Action, Scope, bindings, key_name, of_scope
from tasker_tui.actions.together import WIDGETS
from tasker_tui.dag.glyphs import legend
from tasker_tui.keymap import keys_of
from tasker_tui.states import STEP_MARKS, TASK_MARKS, Mark
from tasker_tui.themes import Palette
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

HEADINGS: dict[Scope, str] = {
    "tasks": "TASKS",
    "task": "TASK",
    "letters": "DEAD LETTERS",
    "rows": "THIS LIST",
    "list": "IN A LIST",
    "graph": "IN THE GRAPH",
    "gantt": "IN THE GANTT CHART",
    "app": "EVERYWHERE",
}
KEYS_WIDTH = 18
MARK_WIDTH = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the help. `names` are the keys that do it; `more` is searched too."""

    left: Text
    text: str
    names: tuple[str, ...] = ()
    more: str = ""

    def fits(self, text: str) -> bool:
        """Whether all words are in it; one letter is a key."""
        if len(text) == 1:
            return text in self.names
        told = f"{self.left.plain} {' '.join(self.names)} {self.text} {self.more}".lower()
        return all(word in told for word in text.lower().split())


@dataclass(frozen=True, slots=True)
class Section:
    """Lines below a heading, whose left column has this width."""

    heading: str
    width: int
    rows: Sequence[Row]

    def drawn(self, palette: Palette) -> Table:
        """As it is shown, with air below."""
        table = Table.grid(Column(width=self.width), Column(ratio=1), expand=True)
        heading = Table.grid(Column(ratio=1), expand=True)
        heading.add_row(Text(self.heading, palette.strong + palette.accent))
        for row in self.rows:
            table.add_row(row.left, Text(row.text, palette.text))
        heading.add_row(table)
        heading.add_row()
        return heading


class HelpDialog(Dialog[None]):
    """Lists the actions of the scopes, and what the states look like."""

    SCOPE = "help"
    BINDINGS = bindings("help")

    def __init__(self, scopes: Sequence[Scope], ascii_only: bool) -> None:
        super().__init__("Keys")
        self._scopes, self._ascii_only = scopes, ascii_only
        self._sections: list[Section] = []

    def compose_body(self) -> ComposeResult:
        """A hidden line to type in, keys, then states."""
        search = Input(placeholder="a key, or words of what it does", id="help-search", compact=True)
        search.display = False
        yield search
        yield Static(id="help-keys", markup=False)

    def on_mount(self) -> None:
        """Write everything down."""
        self._sections = list(self._told(palette_for(self)))
        self._show("")
        self.query_one("#dialog").can_focus = True
        self.query_one("#dialog").focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Search, or close."""
        return {"help.search": self._open_search, "help.close": self._close}

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list while one types."""
        event.stop()
        self._show(event.value.strip())

    def on_input_submitted(self) -> None:
        """Keep what was found, and move in it."""
        self.query_one("#dialog").focus()

    def _open_search(self) -> None:
        search = self.query_one(Input)
        search.display = True
        search.focus()
        self.query_one("#dialog").scroll_home(animate=False)

    def _close(self) -> None:
        """First out of the search."""
        search = self.query_one(Input)
        if not search.display:
            self.dismiss(None)
            return
        search.value, search.display = "", False
        self.query_one("#dialog").focus()

    def _show(self, text: str) -> None:
        fitting = (
            replace(section, rows=[row for row in section.rows if row.fits(text)]) if text else section
            for section in self._sections
        )
        palette = palette_for(self)
        found = [section.drawn(palette) for section in fitting if section.rows]
        nothing = Text(f"No key of this screen does {text!r}.", palette.muted)
        self.query_one("#help-keys", Static).update(Group(*found) if found else nothing)

    def _told(self, palette: Palette) -> Iterator[Section]:
        widgets = of_scope(*WIDGETS.intersection(self._scopes))
        nearer = {key for action in widgets for key in keys_of(self.app, action)}
        for scope in self._scopes:
            taken = nearer if scope == "app" else set()
            rows = [self._action(action, palette, taken) for action in of_scope(scope)]
            yield Section(HEADINGS.get(scope, scope.upper()), KEYS_WIDTH, rows)
        if "graph" in self._scopes:
            lines = legend("ascii" if self._ascii_only else "unicode")
            drawn = [Row(Text(signs, palette.strong), meaning) for signs, meaning in lines]
            yield Section("LINES OF THE GRAPH", MARK_WIDTH, drawn)
        yield Section("STATES OF TASKS", MARK_WIDTH, _marks(TASK_MARKS.values(), palette))
        yield Section("STATES OF STEPS", MARK_WIDTH, _marks(STEP_MARKS.values(), palette))

    def _action(self, action: Action, palette: Palette, taken: set[str]) -> Row:
        names = tuple(key_name(key) for key in keys_of(self.app, action) if key not in taken)
        return Row(Text("  ".join(names), palette.strong), action.help, names, f"{action.title} {action.id}")


def _marks(marks: Iterable[Mark], palette: Palette) -> list[Row]:
    return [
        Row(Text(f"{mark.shape} {mark.letter}", palette.tone(mark.tone, bold=True)), mark.word)
        for mark in marks
    ]
