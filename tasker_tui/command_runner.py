"""From the colon to what it does: asks for a command line and does what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual.app import App

from tasker_tui.actions import BY_ID, of_scope
from tasker_tui.command_line import Call, Command, Do, Find, Go, Vocabulary
from tasker_tui.locator import Locator, to_task
from tasker_tui.modals.command import CommandPrompt
from tasker_tui.operations import Operations
from tasker_tui.remembered import History
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.screens.tasks import TasksScreen
from tasker_tui.services import Services
from tasker_tui.task_finder import NoSuchTask, find_task
from tasker_tui.text import near
from tasker_tui.trouble import CALL_FAILURES, explain


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
            case Find(where):
                self._app.run_worker(self._find(where), group="look", exclusive=True)
            case Do(action_id):
                self._act(action_id)
            case Call("theme", name):
                self._choose_theme(name)
            case Call("start", name):
                self._start(name)
            case Call("save", name):
                self._save_filter(name)
            case Call("forget", name):
                self._forget_filter(name)

    def _vocabulary(self, screen: OperatorScreen) -> Vocabulary:
        here = [action for action in of_scope("app", "tabs") if action.id != "app.command"]
        tasks = next(shown for shown in self._app.screen_stack if isinstance(shown, TasksScreen))
        words = {**tasks.known_arguments(), "theme": sorted(self._app.available_themes)}
        saved = self._services.saved.all()
        words["forget"] = list(saved)
        return Vocabulary([*screen.actions(), *here], words, tasks.known_names(), saved)

    def _act(self, action_id: str) -> None:
        if BY_ID[action_id].scope in ("app", "tabs"):
            self._do(action_id)
        elif isinstance(self._app.screen, OperatorScreen):
            self._app.screen.action_do(action_id)

    async def _find(self, where: Locator) -> None:
        asked_on, (part, *rest) = self._app.screen, where.path
        screens = [screen for screen in self._app.screen_stack if isinstance(screen, OperatorScreen)]
        known = {uuid for screen in screens for uuid in screen.task_ids()}
        try:
            uuid = await find_task(self._services.client, known, part)
        except NoSuchTask as error:
            self._warn(str(error))
        except CALL_FAILURES as error:
            self._warn(explain(error))
        else:
            found = replace(where, path=(uuid, *rest))
            self._app.call_next(lambda: self._app.screen is asked_on and self._services.go(found))

    def _choose_theme(self, name: str) -> None:
        known = sorted(self._app.available_themes)
        found = name if name in known else f"tasker-{name}"
        if found in known:
            self._app.theme = found
            self._services.theme.keep(found)
        else:
            self._warn(f"there is no theme {name} — {near(name, known)}")

    def _save_filter(self, name: str) -> None:
        screen = self._app.screen
        text = screen.locator().query if isinstance(screen, TasksScreen) else ""
        if not text:
            self._warn("there is nothing to save: filter the list of tasks first")
        elif len(name.split()) > 1 or name.startswith("@"):
            self._warn("a filter is saved under one word, such as :save night_failures")
        elif self._services.saved.keep(name, text):
            self._app.notify(f"saved; @{name} stands for {text} where a filter is typed", markup=False)
        else:
            self._warn("it is saved for this run alone: its file cannot be written")

    def _forget_filter(self, name: str) -> None:
        name, saved = name.removeprefix("@"), self._services.saved
        if name in saved.all():
            saved.keep(name, None)
            self._app.notify(f"@{name} is forgotten", markup=False)
        else:
            self._warn(f"there is no saved filter @{name}")

    def _start(self, name: str) -> None:
        screen = self._app.screen
        if isinstance(screen, OperatorScreen):
            operations = Operations(screen, self._services, lambda _: None)
            opened = self._services.go
            operations.start_of(name, lambda task: opened(to_task(str(task.task_uuid))))

    def _warn(self, text: str) -> None:
        self._app.notify(text, severity="warning", markup=False)
