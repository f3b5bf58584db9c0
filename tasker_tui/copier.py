"""From `y` and a letter to the terminal's clipboard."""

from __future__ import annotations

from dataclasses import replace

from textual.app import App

from tasker_tui.copying import Copyable, copyable, json_of
from tasker_tui.modals.copy import CopyChooser, What
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.services import Services
from tasker_tui.text import count
from tasker_tui.trouble import CALL_FAILURES, explain


class Copier:
    """Copies what is selected on the screen that is shown."""

    def __init__(self, app: App[None], services: Services) -> None:
        self._app, self._services = app, services

    def open(self) -> None:
        """Ask for the letter; what is copied is what was selected when it was asked."""
        screen = self._app.screen
        if not isinstance(screen, OperatorScreen):
            return
        found = copyable(screen.focus_state(), screen.locator())
        if found.command:
            found = replace(found, command=self._services.commands.here(found.command))

        def chosen(what: What | None) -> None:
            if what == "json":
                self._app.run_worker(self._copy_json(found), group="operations")
            elif what is not None:
                self._copy(getattr(found, what) or "")

        self._app.push_screen(CopyChooser(found), chosen)

    async def _copy_json(self, found: Copyable) -> None:
        try:
            text = await json_of(self._services.client, found)
        except CALL_FAILURES as error:
            self._app.notify(explain(error), severity="warning", markup=False)
        else:
            self._copy(text)

    def _copy(self, text: str) -> None:
        self._app.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self._app.notify(f"copied {text if lines == 1 else f'{count(lines)} lines'}", markup=False)
