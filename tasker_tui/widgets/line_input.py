"""The input of a line at the foot of a screen."""

from __future__ import annotations

from textual.widgets import Input

from tasker_tui.actions import bindings


class LineInput(Input):
    """Tab takes what is shown dimmed and never leaves: the letters that come next would act as keys."""

    BINDINGS = bindings("line")

    async def action_do(self, action_id: str) -> None:
        """Complete; `shift+tab` stays where it is as well."""
        best = await self.suggester.get_suggestion(self.value) if self.suggester and self.value else None
        if action_id == "line.complete" and best is not None:
            self.value, self.cursor_position = best, len(best)
