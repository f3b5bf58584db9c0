"""Choose the colours; what is highlighted is shown at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.text import Text
from textual.theme import BUILTIN_THEMES
from textual.widgets import OptionList

from tasker_tui.actions import bindings
from tasker_tui.modals.pick_list import PickList
from tasker_tui.text import printable


class ThemeDialog(PickList[str]):
    """Answers the theme; closed without a choice, the one before is back."""

    SCOPE = "themes"
    BINDINGS = bindings("themes")

    def __init__(self, themes: list[str], now: str) -> None:
        ordered = sorted(themes, key=lambda name: (name != now, name in BUILTIN_THEMES, name))
        super().__init__("Colours", ordered)
        self._before = now

    def name_of(self, choice: str) -> str:
        """It is its name."""
        return choice

    def line_of(self, choice: str) -> Text:
        """Its name, and whether it is the one that was there before."""
        return Text(printable(choice) + ("   as it was" if choice == self._before else ""))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show it."""
        if self.highlighted is not None:
            self.app.theme = self.highlighted

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Keep what is shown, or go back."""
        return {**super().handlers(), "themes.close": self._close}

    def _close(self) -> None:
        self.app.theme = self._before
        self.dismiss(None)
