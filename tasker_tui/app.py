"""The dashboard; `tasker_tui.opening` opens it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.command import Provider
from textual.events import Event
from textual.filter import LineFilter
from textual.message import Message
from textual.signal import Signal

from tasker_tui.actions import bindings
from tasker_tui.actions.together import EVERYWHERE
from tasker_tui.appearance import check_colors, is_color, read_theme_name, read_themes
from tasker_tui.ascii import AsciiFilter
from tasker_tui.client_port import TaskerPort
from tasker_tui.clock import Clock
from tasker_tui.command_log import CommandLog
from tasker_tui.commands import ActionCommands, PlaceCommands
from tasker_tui.counts import Counts, count_forever
from tasker_tui.dev.door import Door, StackPort
from tasker_tui.edits import tell_edits, tell_problems
from tasker_tui.feed import Batch, Feed, Live, News, Reload
from tasker_tui.filters import TaskFilter
from tasker_tui.keymap import Keymap, read_keys
from tasker_tui.link import Link
from tasker_tui.locator import Locator
from tasker_tui.places import screen_at
from tasker_tui.profiles import KeyUnavailable, Profile
from tasker_tui.remembered import History, RememberedTheme, SavedFilters
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.screens.tasks import TasksScreen
from tasker_tui.sent_bulk import SentBulk, follow_sent
from tasker_tui.services import Services
from tasker_tui.tabs import Tabs
from tasker_tui.text import printable
from tasker_tui.themes import DARK, THEMES
from tasker_tui.typed_ahead import KeyPassed, Typed, TypedAhead
from tasker_tui.user_config import UserConfig
from tasker_tui.widgets.header import HeaderBar

if TYPE_CHECKING:
    from tasker_tui.anywhere import Anywhere

LISTEN_SECONDS = 1.0
"""How long the feed waits for the first rows."""


class TaskerApp(App[None]):
    """Holds the connection and the stack of screens; everything else is in the screens."""

    TITLE = "tasker"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionCommands, PlaceCommands}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = bindings(*EVERYWHERE)

    class Heard(Message):
        """The summary feed of a server has learned something."""

        def __init__(self, news: News, client: TaskerPort) -> None:
            super().__init__()
            self.news, self.client = news, client

    class Connected(Message):
        """Another server was chosen, and its key was found."""

        def __init__(self, profile: Profile, client: TaskerPort) -> None:
            super().__init__()
            self.profile, self.client = profile, client

    class Counted(Message):
        """The figures of the header."""

        def __init__(self, counts: Counts) -> None:
            super().__init__()
            self.counts = counts

    def __init__(
        self,
        client: TaskerPort,
        profile: Profile,
        locator: Locator,
        *,
        clock: Clock,
        user: str,
        ascii_only: bool,
        config: UserConfig,
        state: Path | None = None,
        stack: StackPort | None = None,
        ends_stack: bool = False,
    ) -> None:
        """`state` is the folder for what is remembered; None remembers for this run alone. `ends_stack`: the
        engine ends with the dashboard."""
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.animation_level = "none"
        self._locator, self._ends_stack = locator, ends_stack
        self._count_wanted = asyncio.Event()
        self._listening = self._tell_problems = False
        self._typed_ahead = TypedAhead(self, super().on_event)
        self._last_filters = [AsciiFilter()] if ascii_only else []
        self.profile, self.config = profile, config
        self.keymap: Keymap = {}
        self._styled_with: dict[str, str] = {}
        log = CommandLog(clock, state / "commands.log" if state else None, profile, user)
        news: Signal[News] = Signal(self, "news")
        self.services = Services(
            client, clock, news, _link(profile), user, self.go, self.go_over, log, ascii_only, stack
        )
        self._history = History(state / "history" if state else None)
        self.services.saved = SavedFilters(state / "filters" if state else None)
        self.services.theme = RememberedTheme(state / "theme" if state else None)
        self._tabs = Tabs(self, self._open)
        self.services.tabs = self._tabs.titles
        self._mistakes = self._choose_theme()

    def get_line_filters(self) -> list[LineFilter]:
        """The last one makes ASCII of what is left, if it is wanted."""
        return [*super().get_line_filters(), *self._last_filters]

    def get_css_variables(self) -> dict[str, str]:
        """Without colour, the cursors are reversed."""
        variables = super().get_css_variables()
        if self.no_color:
            variables |= dict.fromkeys(
                ("block-cursor-text-style", "input-cursor-text-style", "button-focus-text-style"), "reverse"
            )
            self.theme_variables = variables
        return variables

    def refresh_css(self, animate: bool = True) -> None:
        """Textual reads all style sheets again for each tab that is shown; only another theme asks for it."""
        variables = self.get_css_variables()
        if variables != self._styled_with:
            self._styled_with = variables
            super().refresh_css(animate)
            return
        for screen in self.screen_stack:
            self.stylesheet.update(screen, animate=animate)

    async def on_event(self, event: Event) -> None:
        """Keys one at a time, and what comes among them in its turn."""
        if isinstance(event, Typed):
            await self._typed_ahead.take(event)
        else:
            await super().on_event(event)

    async def on_key_passed(self, event: KeyPassed) -> None:
        """The next key may come."""
        await self._typed_ahead.passed(event.number)

    def on_mount(self) -> None:
        """Open what the locator names, and listen to the server."""
        self._take_over_keys()
        for text in self._mistakes:
            self.notify(text, title="Not as you wrote it", severity="warning", timeout=30, markup=False)
        self._tabs.open(self._locator)
        self._tell_problems = self.services.stack is not None and self._locator.place != "stack"
        self._listen_soon(self._locator)

    def _take_over_keys(self) -> None:
        """Keys of the user's file; a mistake leaves what was."""
        self.keymap, problems = self.config.read(read_keys, {})
        self.set_keymap({name: ",".join(keys) for name, keys in self.keymap.items()})
        self._mistakes += problems

    def _choose_theme(self) -> list[str]:
        """Colours of the user's file, else those chosen last, else ours; gives what is wrong in the file.

        Before anything is drawn: another theme lets Textual read all style sheets again.
        """
        themes, problems = self.config.read(read_themes, [])
        for theme in (*THEMES, *themes):
            self.register_theme(theme)
        name, no_theme = self.config.read(lambda d: read_theme_name(d, self.available_themes), None)
        last = self.services.theme.name()
        chosen = name or (last if last in self.available_themes else None)
        self.set_reactive(TaskerApp.theme, chosen or DARK.name)
        self._styled_with = self.get_css_variables()
        self.stylesheet.set_variables(self._styled_with)
        dark = self.current_theme.dark
        self.set_class(dark, "-dark-mode", update=False).set_class(not dark, "-light-mode", update=False)
        return [*problems, *no_theme, *self.config.read(check_colors, None)[1]]

    def choose_theme(self, name: str | None) -> None:
        """Show a theme, and begin with it unless the user's file names another; None changes nothing."""
        if name is not None:
            self.theme = name
            self.services.theme.keep(name)

    def _open(self, where: Locator) -> None:
        """Show a place, over the list of tasks."""
        if where.place != "tasks":
            self.push_screen(TasksScreen(self.services, TaskFilter()))
        self.go(where)

    def _listen_soon(self, shown: Locator) -> None:
        """The list of tasks comes before all else that is asked for."""
        self._listening = False
        if shown.place == "tasks":
            self.set_timer(LISTEN_SECONDS, self._listen)
        else:
            self._listen()

    def on_page_arrived(self) -> None:
        """The rest can be asked for."""
        self._listen()

    def on_page_failed(self) -> None:
        """The feed tells why, and when it tries again."""
        self._listen()

    def _listen(self) -> None:
        if self._listening:
            return
        self._listening = True
        services = self.services
        client = services.client
        feed = Feed(client, services.clock, lambda news: self.post_message(self.Heard(news, client)))
        self.run_worker(feed.run(), group="feed")
        counting = count_forever(
            services.client,
            services.clock,
            self._count_wanted,
            lambda counts: self.post_message(self.Counted(counts)),
        )
        self.run_worker(counting, group="feed")
        self.run_worker(follow_sent(self, services), group="feed")
        if services.stack is not None:
            self.run_worker(tell_edits(services.stack, self.notify), group="feed")
            if self._tell_problems:
                self._tell_problems = False
                self.run_worker(tell_problems(services.stack, self))

    def go(self, where: Locator) -> None:
        """Show a place over what is shown now, or go back to it where it is below."""
        self._record_visit()
        self._show_place(where)
        self._tabs.visits.record(where)

    def go_over(self, where: Locator) -> None:
        """Show a list of tasks over what is shown now, also where there is one below."""
        self._record_visit()
        self.push_screen(screen_at(self.services, where, over=True))
        self._tabs.visits.record(where)

    def pop_screen(self) -> AwaitComplete:
        """Leave a screen: what is below is visited again."""
        left = super().pop_screen()
        self._record_visit()
        return left

    def _record_visit(self) -> None:
        if isinstance(self.screen, OperatorScreen):
            self._tabs.visits.record(self.screen.locator())

    def _visit(self, by: int) -> None:
        self._record_visit()
        where = self._tabs.visits.go(by)
        if where is None:
            text = "this is the first place" if by < 0 else "this is the last place"
            self.notify(f"{text} that was shown", severity="warning")
        else:
            self._show_place(where)

    def _show_place(self, where: Locator) -> None:
        for above, screen in enumerate(reversed(self.screen_stack)):
            if isinstance(screen, OperatorScreen) and screen.locator().target == where.target:
                for _ in range(above):
                    super().pop_screen()
                screen.go_to(where)
                return
        self.push_screen(screen_at(self.services, where))

    def on_tasker_app_heard(self, event: Heard) -> None:
        """Bring the link up to date, then tell the screens; what another server said comes too late."""
        if event.client is not self.services.client:
            return
        self.services.link = self.services.link.after(event.news, self.services.clock.now())
        if isinstance(event.news, Batch | Live | Reload):
            self._count_wanted.set()
        self.services.news.publish(event.news)

    def on_tasker_app_counted(self, event: Counted) -> None:
        """Show the figures."""
        counts = event.counts
        self.services.link = replace(
            self.services.link, failing=counts.failing, active=counts.active, workers=counts.workers
        )
        for screen in self.screen_stack:
            # One that is being left is taken apart while it still counts as mounted.
            if isinstance(screen, OperatorScreen) and screen.is_mounted and screen.query(HeaderBar):
                screen.show_state()

    async def action_quit(self) -> None:
        """Textual's own key and command."""
        self.action_do("app.quit")

    def action_do(self, action_id: str) -> None:
        """Do what the key says anywhere."""
        _, _, place = action_id.partition(".go_")
        if place:
            self.go(Locator(place))
            return
        _, _, tab = action_id.partition(".show_tab_")
        if tab:
            self._tabs.show(int(tab))
            return
        match action_id:
            case "app.tab":
                self._tabs.open(Locator())
            case "app.close":
                self._tabs.close()
            case "app.back_in_history" | "app.forward_in_history":
                self._visit(-1 if action_id == "app.back_in_history" else 1)
            case "app.reload" if isinstance(self.screen, OperatorScreen):
                self.screen.reload()
            case _:
                self._anywhere.open(action_id)

    @cached_property
    def _anywhere(self) -> Anywhere:
        from tasker_tui.anywhere import Anywhere

        return Anywhere(self, self._history, self._ends_stack)

    def switch_to(self, profile: Profile | None) -> None:
        """Show another server; None stays."""
        if profile is not None and profile != self.profile:
            self.run_worker(self._connect(profile), group="switch", exclusive=True)

    async def _connect(self, profile: Profile) -> None:
        """Connect while the old server is still shown; its key may need a password manager."""
        try:
            client = await asyncio.to_thread(profile.connect)
        except KeyUnavailable as error:
            text = f"still on {self.profile.name or self.profile.address}: {printable(str(error))}"
            self.notify(text, severity="error", markup=False)
            return
        self.post_message(self.Connected(profile, client))

    async def on_tasker_app_connected(self, event: Connected) -> None:
        """Begin anew with another server: nothing of the old one stays on the screen."""
        services, self.profile = self.services, event.profile
        self.workers.cancel_group(self, "feed")
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        old, services.client = services.client, event.client
        services.link, services.stack = _link(event.profile), Door(event.profile.url)
        services.sent = SentBulk()
        self._tabs.close_others()
        services.commands = services.commands.of(event.profile)
        self._open(Locator())
        self._listen_soon(Locator())
        await old.close()


def _link(profile: Profile) -> Link:
    why = f"{profile.why_read_only}; P changes the profile" if profile.read_only else ""
    return Link(profile.address, profile.name, why, profile.color if is_color(profile.color) else "")
