"""The labels of jump mode over the screen below; typing one leads to its target."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from tasker_tui.jumping import Target, labels


class JumpOverlay(ModalScreen[Target | None]):
    """Answers where to go; any other key leaves everything as it is."""

    DEFAULT_CSS = """
    JumpOverlay Static {
        position: absolute; width: auto; height: 1; background: $accent; color: $background; text-style: bold;
    }
    """

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self._targets = dict(zip(labels(len(targets)), targets, strict=True))
        self._typed = ""

    def compose(self) -> ComposeResult:
        """A label a target."""
        for label, target in self._targets.items():
            shown = Static(label, markup=False)
            shown.styles.offset = target.at
            yield shown

    def on_key(self, event: events.Key) -> None:
        """Go there as soon as a label is complete."""
        event.stop()
        event.prevent_default()
        self._typed += event.character or event.key
        found = self._targets.get(self._typed)
        if found or not any(label.startswith(self._typed) for label in self._targets):
            self.dismiss(found)
