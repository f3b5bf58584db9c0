"""The last line: where one is, and the keys that do something here; those that cannot now are dimmed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget

from tasker_tui.actions import Action, Focus, key_name
from tasker_tui.keymap import keys_of
from tasker_tui.widgets.painting import palette_for

CRUMBS_STAY = 100
"""From this width on the place is always told."""


class HintsBar(Widget):
    """Crumbs at the left, hints of the given actions at the right."""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self._actions = [action for action in actions if action.hint]
        self._crumbs: tuple[str, ...] = ()
        self._focus = Focus()

    def show(self, crumbs: tuple[str, ...], focus: Focus) -> None:
        """Show another place and what can be done there."""
        if (crumbs, focus) != (self._crumbs, self._focus):
            self._crumbs, self._focus = crumbs, focus
            self.refresh()

    def render(self) -> Text:
        """One line. In a narrow one the crumbs give way, in a wide one the hints that come late."""
        palette, width = palette_for(self), self.size.width
        crumbs = Text(" " + " › ".join(self._crumbs) + " ", palette.muted)
        room = width - crumbs.cell_len - 2 if width >= CRUMBS_STAY else width
        line = Text("  ").join(self._hints_within(room))
        if crumbs.cell_len + line.cell_len + 2 <= width:
            gap = width - crumbs.cell_len - line.cell_len - 1
            return Text.assemble(crumbs, " " * gap, line, no_wrap=True)
        return Text.assemble(" ", line, no_wrap=True)

    def _hints_within(self, width: int) -> list[Text]:
        """The hints that fit; the way to the help is kept longest."""
        shown = list(self._actions)
        while len(shown) > 1 and sum(self._hint(action).cell_len + 2 for action in shown) > width:
            shown.remove(next(action for action in reversed(shown) if action.id != "app.help"))
        return [self._hint(action) for action in shown]

    def _hint(self, action: Action) -> Text:
        palette = palette_for(self)
        disabled = action.why_not(self._focus) is not None
        return Text.assemble(
            (
                key_name(keys_of(self.app, action)[0]),
                palette.faint if disabled else palette.strong + palette.accent,
            ),
            (f" {action.title}", palette.faint if disabled else palette.text),
        )
