"""What the line widgets share: the palette of the theme in use, and bars."""

from __future__ import annotations

from rich.style import Style
from textual.content import Content
from textual.widget import Widget

from tasker_tui.text import bar
from tasker_tui.themes import Palette, make_palette

_last: tuple[dict[str, str], Palette] | None = None


def palette_for(widget: Widget) -> Palette:
    """The colours of the theme that the widget is shown in; made anew when the theme changes."""
    global _last
    variables = widget.app.theme_variables
    if _last is None or _last[0] is not variables:
        _last = (variables, make_palette(variables, widget.app.no_color))
    return _last[1]


def show_titles(widget: Widget, title: Content, subtitle: Content) -> None:
    """Write on the frame. Textual paints all that is in it anew, also for a title that is what it was."""
    if widget.border_title != title.markup:
        widget.border_title = title
    if widget.border_subtitle != subtitle.markup:
        widget.border_subtitle = subtitle


def progress(
    completed: int, running: int, failed: int, total: int, width: int, palette: Palette
) -> list[tuple[str, Style]]:
    """A bar of steps; its parts differ in shape as well as in colour."""
    done, active, broken = bar((completed, running, failed), total, width)
    return [
        ("━" * done, palette.tone("ok")),
        ("╍" * active, palette.tone("running")),
        ("×" * broken, palette.tone("failed", bold=True)),
        ("─" * (width - done - active - broken), palette.faint),
    ]
