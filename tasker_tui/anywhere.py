"""What the keys open that work on every screen. Imported with the first: its parts would slow the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasker_tui.actions.together import of_screen
from tasker_tui.command_runner import CommandRunner
from tasker_tui.copier import Copier
from tasker_tui.jumping import targets
from tasker_tui.modals.command_log import CommandLogDialog
from tasker_tui.modals.help import HelpDialog
from tasker_tui.modals.jump import JumpOverlay
from tasker_tui.modals.profile import ProfileDialog
from tasker_tui.modals.quit import QuitDialog
from tasker_tui.modals.theme import ThemeDialog
from tasker_tui.remembered import History
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.served import is_served

if TYPE_CHECKING:
    from tasker_tui.app import TaskerApp


class Anywhere:
    """Dialogs, prompts and overlays of the app. `history` has the lines that were typed after the colon.

    `ends_stack`: the engine ends with the dashboard.
    """

    def __init__(self, app: TaskerApp, history: History, ends_stack: bool) -> None:
        self._app, self._ends_stack = app, ends_stack
        self._copier = Copier(app, app.services)
        self._commands = CommandRunner(app, app.services, history, app.action_do)

    def open(self, action_id: str) -> None:
        """Open what the action asks for."""
        app = self._app
        match action_id:
            case "app.jump":
                app.push_screen(JumpOverlay(targets(app.screen)), lambda to: to and to.go())
            case "app.copy":
                self._copier.open()
            case "app.command":
                self._commands.open()
            case "app.help" if isinstance(app.screen, OperatorScreen):
                app.push_screen(HelpDialog(of_screen(*app.screen.SCOPES), app.services.ascii_only))
            case "app.palette":
                app.action_command_palette()
            case "app.theme":
                app.push_screen(ThemeDialog(list(app.available_themes), app.theme), app.choose_theme)
            case "app.profile" if is_served():
                app.notify("a browser stays with the profile that it was opened with", severity="warning")
            case "app.profile":
                choices = list(app.config.profiles.values())
                app.push_screen(ProfileDialog(choices, app.profile, app.config.file), app.switch_to)
            case "app.log":
                app.push_screen(CommandLogDialog(app.services.commands))
            case "app.quit":
                self._quit()

    def _quit(self) -> None:
        working = self._app.services.sent.progress
        if isinstance(self._app.screen, QuitDialog):
            return
        if self._ends_stack and working:
            self._app.push_screen(QuitDialog(*working), lambda sure: self._app.exit() if sure else None)
        else:
            self._app.exit()
