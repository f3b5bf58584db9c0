"""Tabs of the app: each has its own stack of screens, with their filters, marks and cursors.

They are Textual's modes. (Reference tui 4: `ctrl+t`, `ctrl+w`, `alt+1…9`; also as commands, as browsers keep
these keys for themselves.)
"""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App
from textual.screen import Screen

from tasker_tui.keymap import with_keys
from tasker_tui.locator import Locator
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.visits import Visits

MOST = 9


class Tabs:
    """`go` shows a place in the tab that is shown; at the bottom of each is an empty screen."""

    def __init__(self, app: App[None], go: Callable[[Locator], object]) -> None:
        self._app, self._go = app, go
        self._names: list[str] = []
        self._made = 0
        self._titles: dict[str, str] = {}
        self._visits: dict[str, Visits] = {}

    @property
    def visits(self) -> Visits:
        """The places that were shown in the tab that is shown."""
        return self._visits.setdefault(self._app.current_mode, Visits())

    def titles(self) -> tuple[tuple[str, bool], ...]:
        """What each tab shows, and whether it is the one that is shown; nothing for a single one."""
        if len(self._names) < 2:
            return ()
        here = self._app.current_mode
        titles = self._titles | {here: self._title()}
        return tuple((titles[name], name == here) for name in self._names)

    def open(self, where: Locator) -> None:
        """Another tab, with a place."""
        if len(self._names) == MOST:
            self._say(f"there are {MOST} tabs already; {{app.close}} closes one")
            return
        self._made += 1
        name = f"tab-{self._made}"
        self._app.add_mode(name, Screen)
        here = self._app.current_mode
        self._names.insert(self._names.index(here) + 1 if here in self._names else 0, name)
        self._switch(name)
        self._go(where)

    def close(self) -> None:
        """Close the tab that is shown; the one before it is shown then."""
        name = self._app.current_mode
        if len(self._names) == 1:
            self._say("this is the only tab; {app.quit} leaves the dashboard")
            return
        at = self._names.index(name)
        self._names.remove(name)
        self._switch(self._names[max(0, at - 1)])
        self._remove(name)

    def close_others(self) -> None:
        """Close all tabs but the one that is shown, and forget what it showed."""
        here = self._app.current_mode
        others, self._names = [name for name in self._names if name != here], [here]
        for name in others:
            self._remove(name)
        self._visits.clear()

    def show(self, number: int) -> None:
        """The tab with this number, from 1."""
        if number > len(self._names):
            self._say(f"there is no tab {number}; {{app.tab}} opens one")
        else:
            self._switch(self._names[number - 1])

    def _switch(self, name: str) -> None:
        self._titles[self._app.current_mode] = self._title()
        self._app.switch_mode(name)
        for screen in self._app.screen_stack:
            if isinstance(screen, OperatorScreen):
                screen.show_state()

    def _remove(self, name: str) -> None:
        self._app.remove_mode(name)
        self._titles.pop(name, None)
        self._visits.pop(name, None)

    def _title(self) -> str:
        shown = (screen for screen in reversed(self._app.screen_stack) if isinstance(screen, OperatorScreen))
        top = next(shown, None)
        return top.crumbs()[-1] if top else ""

    def _say(self, text: str) -> None:
        self._app.notify(with_keys(self._app, text), severity="warning", markup=False)
