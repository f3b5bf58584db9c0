"""From the colon to what it does: asks for a command line and does what it says."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from tasker_tui.actions import BY_ID, of_scope
from tasker_tui.command_line import Call, Command, Do, Go, Vocabulary
from tasker_tui.locator import to_task
from tasker_tui.modals.command import CommandPrompt
from tasker_tui.operations import Operations
from tasker_tui.remembered import History
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.screens.tasks import TasksScreen
from tasker_tui.services import Services
from tasker_tui.text import near


class CommandRunner:
    """`do` does an action that works on every screen."""

    def __init__(
        self, app: App[None], services: Services, history: History, do: Callable[[str], object]
    ) -> None:
        self._app, self._services, self._history, self._do = app, services, history, do

    def open(self) -> None:
        """Ask for a line."""
        if isinstance(self._app.screen, OperatorScreen):
            self._app.push_screen(CommandPrompt(self._vocabulary(self._app.screen), self._history), self.run)

    def run(self, command: Command | None) -> None:
        """Do what was said."""
        match command:
            case Go(where):
                self._services.go(where)
            case Do(action_id):
                self._act(action_id)
            case Call("theme", name):
                self._choose_theme(name)
            case Call("start", name):
                self._start(name)

    def _vocabulary(self, screen: OperatorScreen) -> Vocabulary:
        here = [action for action in of_scope("app") if action.id != "app.command"]
        tasks = next(shown for shown in self._app.screen_stack if isinstance(shown, TasksScreen))
        words = {**tasks.known_arguments(), "theme": sorted(self._app.available_themes)}
        return Vocabulary([*screen.actions(), *here], words, tasks.known_names())

    def _act(self, action_id: str) -> None:
        if BY_ID[action_id].scope == "app":
            self._do(action_id)
        elif isinstance(self._app.screen, OperatorScreen):
            self._app.screen.action_do(action_id)

    def _choose_theme(self, name: str) -> None:
        known = sorted(self._app.available_themes)
        found = name if name in known else f"tasker-{name}"
        if found in known:
            self._app.theme = found
        else:
            self._warn(f"there is no theme {name} — {near(name, known)}")

    def _start(self, name: str) -> None:
        screen = self._app.screen
        if isinstance(screen, OperatorScreen):
            operations = Operations(screen, self._services, lambda _: None)
            opened = self._services.go
            operations.start_of(name, lambda task: opened(to_task(str(task.task_uuid))))

    def _warn(self, text: str) -> None:
        self._app.notify(text, severity="warning", markup=False)
