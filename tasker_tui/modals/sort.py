"""The letters after `,`, with the column that each of them sorts by."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from tasker_tui.actions import BY_ID, key_name
from tasker_tui.keymap import keys_of
from tasker_tui.sorting import letters_of
from tasker_tui.widgets.painting import palette_for


class SortChooser(ModalScreen[str | None]):
    """Answers a title, "" for the server's order; any other key leaves everything as it is."""

    DEFAULT_CSS = """
    SortChooser Static { height: auto; margin-bottom: 1; padding: 0 1; background: $surface; }
    """

    def __init__(self, titles: Sequence[str], sorts: str, sign: str) -> None:
        """`sorts` is the title of the column that does, `sign` the direction."""
        super().__init__()
        self._letters, self._sorts, self._sign = letters_of(titles), sorts, sign

    def compose(self) -> ComposeResult:
        """A line a letter."""
        yield Static(id="sort-letters", markup=False)

    def on_mount(self) -> None:
        """Show what there is to choose."""
        palette = palette_for(self)
        text = Text("sort by", palette.muted)
        for letter, title in self._letters.items():
            shown = f"{title}{self._sign}" if title == self._sorts else title
            text.append(f"\n{letter} ", palette.strong + palette.accent)
            text.append(shown, palette.text)
        text.append(f"\n{key_name(self._again[0])} ", palette.strong + palette.accent)
        text.append("as the server gives them", palette.text)
        self.query_one("#sort-letters", Static).update(text)

    def on_key(self, event: events.Key) -> None:
        """One key, whatever it is."""
        event.stop()
        event.prevent_default()
        if event.key in self._again:
            self.dismiss("")
        else:
            self.dismiss(self._letters.get(event.character or ""))

    @property
    def _again(self) -> tuple[str, ...]:
        return keys_of(self.app, BY_ID["rows.sort"])
