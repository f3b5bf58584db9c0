"""Choose the server to work with, among the profiles of the user's file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tasker_tui.actions import bindings
from tasker_tui.profiles import Profile
from tasker_tui.text import fit, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

NAME_WIDTH = 18


class ProfileDialog(Dialog[Profile | None]):
    """Answers the profile, None to stay."""

    SCOPE = "profile"
    BINDINGS = bindings("profile")
    CSS = "ProfileDialog OptionList { height: auto; max-height: 16; background: $surface; border: none; }"

    def __init__(self, profiles: Sequence[Profile], current: Profile, file: Path) -> None:
        super().__init__("Work with")
        self._profiles, self._current, self._file = profiles, current, file

    def compose_body(self) -> ComposeResult:
        """The profiles, or how to write one."""
        yield OptionList(markup=False, compact=True)
        yield Static(id="profile-help", markup=False)

    def on_mount(self) -> None:
        """Begin with the one that is in use."""
        palette, options = palette_for(self), self.query_one(OptionList)
        options.add_options(Option(self._line(profile, palette)) for profile in self._profiles)
        names = [profile.name for profile in self._profiles]
        options.highlighted = names.index(self._current.name) if self._current.name in names else None
        options.focus()
        text = f"\nfrom {self._file}" if names else _HOW.format(file=self._file)
        self.query_one("#profile-help", Static).update(Text(text, palette.muted))

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Choose or close."""
        return {"profile.choose": self._choose, "profile.close": partial(self.dismiss, None)}

    def on_option_list_option_selected(self) -> None:
        """Enter, or a click."""
        self._choose()

    def _choose(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        self.dismiss(None if highlighted is None else self._profiles[highlighted])

    def _line(self, profile: Profile, palette: Palette) -> Text:
        here = "▌ " if profile == self._current else "  "
        return Text.assemble(
            (here, palette.accent),
            (fit(printable(profile.name), NAME_WIDTH), palette.strong),
            ("ro  " if profile.read_only else "rw  ", palette.text),
            (printable(profile.address), palette.muted),
            no_wrap=True,
        )


_HOW = """
There is no profile yet. Write some into {file}:

[profiles.production]
url = "https://tasker.example.com"
key = {{ env = "TASKER_PRODUCTION_KEY" }}
read_only = true
color = "red"
"""
