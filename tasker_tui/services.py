"""What every screen works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from textual.signal import Signal

from tasker_tui.client_port import TaskerPort
from tasker_tui.clock import Clock
from tasker_tui.command_log import CommandLog
from tasker_tui.dev.door import StackPort
from tasker_tui.feed import News
from tasker_tui.link import Link
from tasker_tui.locator import Locator
from tasker_tui.remembered import RememberedTheme, SavedFilters
from tasker_tui.sent_bulk import SentBulk

Tabs = tuple[tuple[str, bool], ...]
"""What each tab of the app shows, and whether it is the one that is shown; empty for a single one."""


@dataclass(slots=True)
class Services:
    """`news` publishes what the summary feed learns; `link` is the connection as of the last news.

    `user` is who acts, as the step audit names them. `go` shows a place over what is shown now, or goes back
    to it where it is below; `go_over` shows a list of tasks over this one, to which it leads back. What
    changes something goes through `commands`. `stack` is the `tasker dev` behind the server, if there is one.
    `sent` are the bulk operations that run because of this dashboard.
    """

    client: TaskerPort
    clock: Clock
    news: Signal[News]
    link: Link
    user: str
    go: Callable[[Locator], object]
    go_over: Callable[[Locator], object]
    commands: CommandLog
    ascii_only: bool = False
    stack: StackPort | None = None
    tabs: Callable[[], Tabs] = tuple
    sent: SentBulk = field(default_factory=SentBulk)
    saved: SavedFilters = field(default_factory=lambda: SavedFilters(None))
    theme: RememberedTheme = field(default_factory=lambda: RememberedTheme(None))
