"""The command palette: every action that can be called by name on the screen below, and every place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tasker_tui.actions import Action, key_name, of_scope
from tasker_tui.command_line import usage
from tasker_tui.keymap import keys_of
from tasker_tui.locator import SHAPES, Locator
from tasker_tui.screens.base import OperatorScreen


class ActionCommands(Provider):
    """Finds actions by their words."""

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for action, run in self._found():
            yield DiscoveryHit(_label(action), run, help=self._key(action))

    async def search(self, query: str) -> Hits:
        """Those that fit."""
        matcher = self.matcher(query)
        for action, run in self._found():
            score = matcher.match(_label(action))
            if score > 0:
                label = matcher.highlight(_label(action))
                yield Hit(score, label, run, help=self._key(action))

    def _key(self, action: Action) -> str:
        return f"key {key_name(keys_of(self.app, action)[0])}"

    def _found(self) -> Iterator[tuple[Action, Callable[[], object]]]:
        if isinstance(self.screen, OperatorScreen):
            for action in self.screen.actions():
                yield action, partial(self.screen.action_do, action.id)
        for action in of_scope("app"):
            if action.id != "app.palette":
                yield action, partial(self.app.run_action, f"do('{action.id}')")


class PlaceCommands(Provider):
    """Finds the places that need no more than their name."""

    async def discover(self) -> Hits:
        """All of them."""
        for name in _PLACES:
            yield DiscoveryHit(f"go to {name}", partial(self._go, name), help=f":{usage(name)}")

    async def search(self, query: str) -> Hits:
        """Those that fit."""
        matcher = self.matcher(query)
        for name in _PLACES:
            label = f"go to {name}"
            if (score := matcher.match(label)) > 0:
                yield Hit(score, matcher.highlight(label), partial(self._go, name), help=f":{usage(name)}")

    def _go(self, name: str) -> None:
        if isinstance(self.screen, OperatorScreen):
            self.screen.services.go(Locator(name))


_PLACES = [name for name, shape in SHAPES.items() if "/" not in shape]


def _label(action: Action) -> str:
    return f"{action.title}: {action.help}"
