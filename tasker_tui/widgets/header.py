"""The first line of every screen: where we are connected, how fresh it is, and what needs attention."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.widget import Widget

from tasker_tui.clock import Clock
from tasker_tui.link import Link
from tasker_tui.services import Tabs
from tasker_tui.text import count, fit, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.painting import palette_for

SLOW_MS = 1000


class HeaderBar(Widget):
    """Shows the app's `link`."""

    def __init__(self, link: Link, clock: Clock) -> None:
        super().__init__()
        self._link, self._clock = link, clock
        self._tabs: Tabs = ()

    def show(self, link: Link, tabs: Tabs) -> None:
        """Show another state of the connection or of the tabs."""
        if (link, tabs) != (self._link, self._tabs) or link.retry_at or link.lag_at:
            self._link, self._tabs = link, tabs
            self.refresh()

    def render(self) -> Text:
        """One line, its less important parts left out where there is no room."""
        palette = palette_for(self)
        left = self._badge(palette)
        left.append_text(self._state(palette))
        right = Text("   ").join(self._figures(palette))
        right.append(" ")
        room = self.size.width - left.cell_len - right.cell_len
        names = self._tab_names(palette)
        if names.cell_len < room:
            left.append_text(names)
            room -= names.cell_len
        if self._link.state != "lost" and room > len(self._link.host) + 4:
            left.append(f"  {self._link.host}", palette.muted)
            room = self.size.width - left.cell_len - right.cell_len
        if room < 1:
            left.truncate(self.size.width, overflow="ellipsis")
            return left
        return Text.assemble(left, " " * room, right, no_wrap=True)

    def _tab_names(self, palette: Palette) -> Text:
        text = Text("   " if self._tabs else "")
        for number, (title, here) in enumerate(self._tabs, 1):
            style = palette.strong + Style(reverse=True) if here else palette.muted
            text.append(f" {number} {fit(title, min(12, len(title)))} ", style)
        return text

    def _badge(self, palette: Palette) -> Text:
        """The profile in its own colour, and whether it can be changed; without one the program's name."""
        link = self._link
        if not link.profile:
            return Text.assemble((" ◆ tasker ", palette.strong + palette.accent))
        text = f" ◆ {printable(link.profile)}  {'ro' if link.read_only else 'rw'} "
        if self.app.no_color or not link.color:
            style = Style(reverse=True) if link.color else palette.accent
            return Text.assemble((text, palette.strong + style))
        ground = Color.parse(link.color)
        ink = ground.get_contrast_text(1.0)
        return Text.assemble((text, Style(color=ink.rich_color, bgcolor=ground.rich_color, bold=True)))

    def _state(self, palette: Palette) -> Text:
        link = self._link
        if link.state == "connecting":
            return Text(" ◌ connecting…", palette.tone("waiting"))
        if link.state == "lost":
            wait = link.seconds_to_retry(self._clock.now())
            again = f"again in {wait}s" if wait else "trying again…"
            return Text(f" ▲ offline: {link.reason}; {again}", palette.tone("failed", bold=True))
        lag = link.recent_lag_ms(self._clock.now())
        if lag is not None and lag > SLOW_MS:
            return Text(f" ● live, {lag / 1000:.1f} s behind", palette.tone("waiting"))
        return Text(" ● live" if lag is None else f" ● live {lag} ms", palette.tone("ok"))

    def _figures(self, palette: Palette) -> list[Text]:
        link, figures = self._link, []
        if link.bulk:
            done, items = link.bulk
            figures.append(Text(f"⟳ {count(done)}/{count(items)}", palette.tone("running")))
        if link.failing:
            figures.append(Text(f"✗ {count(link.failing)} failing", palette.tone("failed", bold=True)))
        if link.active is not None:
            figures.append(Text(f"● {count(link.active)} active", palette.tone("running")))
        if link.workers == 0:
            figures.append(Text("no worker", palette.tone("waiting", bold=True)))
        elif link.workers is not None:
            figures.append(Text(plural(link.workers, "worker"), palette.muted))
        return figures
