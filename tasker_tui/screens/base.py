"""What the full screens share: header, hints, and the way from a key to what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.screen import Screen

from tasker_tui.actions import BY_ID, Action, Focus, Scope, of_scope
from tasker_tui.actions.together import of_screen
from tasker_tui.feed import News
from tasker_tui.locator import Locator, tasks_at
from tasker_tui.services import Services
from tasker_tui.widgets.header import HeaderBar
from tasker_tui.widgets.hints import HintsBar

Handlers = Mapping[str, Callable[[], object]]


class OperatorScreen(Screen[None]):
    """A screen with a header line, a body, and a line of crumbs and hints."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (140, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012
    SCOPES: ClassVar[tuple[Scope, ...]]

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services

    def compose(self) -> ComposeResult:
        """Header, body, hints."""
        yield HeaderBar(self.services.link, self.services.clock)
        yield from self.compose_body()
        yield HintsBar(of_scope(*of_screen(*self.SCOPES)))

    def on_mount(self) -> None:
        """Listen to the feed; what counts seconds is looked at once a second.

        Textual calls this of every class of a screen, the subclass's first.
        """
        self.services.news.subscribe(self, self.on_news)
        self.set_interval(1.0, self.on_tick)
        self.show_state()

    @property
    def in_view(self) -> bool:
        """Whether it is shown, if behind dialogs. (`is_current` is true of any screen below the top one.)"""
        stack = reversed(self.app.screen_stack)
        return next((screen for screen in stack if not screen.is_modal), None) is self

    def compose_body(self) -> ComposeResult:
        """What is between the first line and the last."""
        raise NotImplementedError

    def focus_state(self) -> Focus:
        """What an action would act on now."""
        raise NotImplementedError

    def crumbs(self) -> tuple[str, ...]:
        """Where we are, from the root."""
        raise NotImplementedError

    def locator(self) -> Locator:
        """What is shown, as a text that leads back to it."""
        raise NotImplementedError

    def task_ids(self) -> Iterable[str]:
        """The tasks that it shows."""
        return tasks_at([self.locator()])

    def go_to(self, where: Locator) -> None:
        """Show what a locator of this screen's target asks for beside it: a filter, a step."""

    def reload(self) -> None:
        """Ask the server again for all that is shown; a screen that only hears news has nothing to ask."""
        self.notify("what is shown here comes by itself, at once")

    def handlers(self) -> Handlers:
        """What the screen's actions do, by their ids."""
        raise NotImplementedError

    def all_handlers(self) -> Handlers:
        """With those that come from a base class."""
        return self.handlers()

    def on_news(self, news: News) -> None:
        """The summary feed has learned something; the link is up to date already."""
        self.show_state()

    def on_tick(self) -> None:
        """A second has passed."""
        self.query_one(HeaderBar).show(self.services.link, self.services.tabs())

    def show_state(self) -> None:
        """Bring header and hints up to date."""
        self.query_one(HeaderBar).show(self.services.link, self.services.tabs())
        self.query_one(HintsBar).show(self.crumbs(), self._focus())

    def _focus(self) -> Focus:
        return replace(self.focus_state(), read_only=self.services.link.read_only)

    def actions(self) -> list[Action]:
        """The actions that can be called by name here."""
        handled = self.all_handlers()
        return [action for action in of_scope(*of_screen(*self.SCOPES)) if action.id in handled]

    def action_do(self, action_id: str) -> None:
        """Do what the action says, or say why it cannot be done now."""
        action = BY_ID[action_id]
        reason = action.why_not(self._focus())
        if reason is not None:
            self.notify(f"{action.title}: {reason}", severity="warning", markup=False)
            return
        self.all_handlers()[action_id]()
