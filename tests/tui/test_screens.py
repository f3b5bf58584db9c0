"""What the screens look like, at the sizes that terminals have."""

from __future__ import annotations

import pytest

from tasker_tui.locator import to_task
from tests.tui.goldens import assert_golden
from tests.tui.scenes import order_task
from tests.tui.scenes_graph import fan_out
from tests.tui.showcase import showcase
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle

SIZES = [(58, 16), (80, 24), (120, 40), (200, 50)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("tasks", ""),
        ("task", "enter"),
        ("steps", "enter 2"),
        ("gantt", "enter 3"),
        ("retry", "r"),
        ("step", "enter enter"),
        ("start", "s enter"),
        ("help", "question_mark"),
        ("failures", "e"),
        ("bulk", "e r"),
        ("queues", "Q"),
        ("letters", "D"),
        ("operations", "B"),
        ("pulse", "0"),
        ("workers", "Q 2"),
        ("context", "enter 5"),
        ("events", "enter 4"),
        ("compare", "v d"),
        ("rerun", "enter R"),
        ("letter", "D m"),
        ("note", "D n"),
        ("resolve", "enter m"),
        ("cancel", "c"),
    ],
)
async def test_screen(name, keys, size):
    async with dashboard(showcase(), size) as pilot:
        for key in keys.split():
            await pilot.press(key)
            await settle(pilot)
        assert_golden(f"{name}-{size[0]}x{size[1]}", screen_text(pilot))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("failures", "e"),
        ("runs", "v"),
        ("pause", "p"),
        ("triage", "e n"),
        ("copy", "y"),
        ("themes", "T"),
        ("sort", "e greater_than_sign comma"),
        ("filter", "slash s t a t e : e r o r"),
    ],
)
async def test_other_screens(name, keys):
    async with dashboard(showcase(), (100, 30)) as pilot:
        for key in keys.split():
            await pilot.press("colon" if key == ":" else key)
            await settle(pilot)
        assert_golden(f"{name}-100x30", screen_text(pilot))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_folded_graph(size):
    client = FakeTasker(FakeClock(), [fan_out(110, failed=(17, 60), running=3)])
    async with dashboard(client, size) as pilot:
        await pilot.press("enter")
        await settle(pilot)
        assert_golden(f"folded-{size[0]}x{size[1]}", screen_text(pilot))


async def test_an_empty_list_says_how_to_start():
    async with dashboard(FakeTasker(FakeClock()), (80, 24)) as pilot:
        assert_golden("empty-80x24", screen_text(pilot))


async def test_ascii_is_ascii():
    async with dashboard(showcase(), (120, 40), ascii_only=True) as pilot:
        await pilot.press("enter")
        await settle(pilot)
        shown = screen_text(pilot)
    assert shown.isascii()
    assert_golden("task-ascii-120x40", shown)


async def test_a_locator_opens_a_step():
    client = FakeTasker(FakeClock(), [order_task()])
    locator = to_task(next(iter(client.tasks)), "pack_c")
    async with dashboard(client, (120, 40), locator) as pilot:
        assert "› pack_c" in screen_text(pilot).splitlines()[-1]


@pytest.mark.parametrize("theme", ["tasker-light", "tasker-contrast", "nord", "ansi-dark"])
async def test_every_theme_shows_the_same_text(theme):
    async with dashboard(showcase(), (120, 40)) as pilot:
        before = screen_text(pilot)
        assert theme in pilot.app.available_themes
        pilot.app.theme = theme
        await settle(pilot)
        assert screen_text(pilot) == before
