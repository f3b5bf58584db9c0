"""Colours that can be read, and screens that hold without them, in ASCII, and at any size."""

from __future__ import annotations

import pytest
from textual.color import Color

from tasker_tui.actions import ACTIONS
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.themes import CONTRAST, THEMES, make_palette
from tests.tui.showcase import showcase
from tests.tui.support import dashboard, screen_text, settle

PLACES = [action.keys[0] for action in ACTIONS if action.id.startswith("app.go_")]
WALK = ["enter", "2", "3", "4", "5", "escape", "v", "d", "escape", "escape", *PLACES]
"""Keys that lead through all screens, from one to the next."""


def luminance(color: Color) -> float:
    """As WCAG 2 defines it."""
    parts = [part / 255 for part in color.rgb]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_what_is_written_can_be_read(theme):
    values = theme.to_color_system().generate() | theme.variables
    palette = make_palette(values)
    ground, cursor = Color.parse(values["background"]), Color.parse(values["block-cursor-background"])
    wanted = 7.0 if theme is CONTRAST else 4.5
    styles = [palette.text, palette.muted, palette.strong, palette.accent, *palette.tones.values()]
    found = {style.color.name: contrast(Color.from_rich_color(style.color), ground) for style in styles}
    assert min(found.values()) >= wanted, found
    found = {style.color.name: contrast(Color.from_rich_color(style.color), cursor) for style in styles}
    assert min(found.values()) >= (4.5 if theme is CONTRAST else 3.0), found


async def test_every_screen_holds_in_ascii_and_small():
    async with dashboard(showcase(), (58, 16), ascii_only=True) as pilot:
        for key in WALK:
            await pilot.press(key)
            await settle(pilot)
            shown = screen_text(pilot)
            assert shown.isascii(), f"{key}: {[c for c in shown if not c.isascii()]}"
            assert "help" in shown.splitlines()[-1], key


async def test_every_screen_holds_without_colour_while_the_terminal_changes(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(showcase(), (120, 40)) as pilot:
        assert pilot.app.no_color
        for number, key in enumerate(WALK):
            await pilot.press(key)
            await settle(pilot)
            await pilot.resize_terminal(*[(300, 100), (58, 16), (80, 24)][number % 3])
            await settle(pilot)
            assert isinstance(pilot.app.screen, OperatorScreen)
            lines = screen_text(pilot).splitlines()
            assert len(lines) == pilot.app.size.height
            assert "tasker" in lines[0], key
            assert "help" in lines[-1], key
