"""Quit where that ends what runs: asks first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from textual.app import ComposeResult
from textual.widgets import Static

from tasker_tui.actions import bindings
from tasker_tui.text import count
from tasker_tui.widgets.dialog import Dialog


class QuitDialog(Dialog[bool]):
    """Answers whether to quit although bulk operations are at `done` of `items`."""

    SCOPE = "quit"
    BINDINGS = bindings("quit")

    def __init__(self, done: int, items: int) -> None:
        super().__init__("Quit in the middle of a bulk operation?")
        self._done, self._items = done, items

    def compose_body(self) -> ComposeResult:
        """What quitting would end."""
        yield Static(
            f"{count(self._done)} of {count(self._items)} are done.\n\n"
            "Quitting ends tasker dev, and with it the engine that does the rest.\n"
            "It goes on when tasker dev is started again.",
            markup=False,
        )

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Yes or no."""
        return {"quit.send": partial(self.dismiss, True), "quit.close": partial(self.dismiss, False)}
