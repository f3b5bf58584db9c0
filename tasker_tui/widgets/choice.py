"""A choice of several."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import RadioButton


class ChoiceButton(RadioButton):
    """A radio button whose mark differs in shape, not in colour alone."""

    def render(self) -> Content:
        """The mark, then the words."""
        self.BUTTON_INNER = "●" if self.value else " "
        return super().render()
