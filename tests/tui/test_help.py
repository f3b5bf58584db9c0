"""Help: finding a key in it."""

from __future__ import annotations

from tests.tui.flows import client_with
from tests.tui.keyboard import press, type_in
from tests.tui.scenes import order_task
from tests.tui.support import dashboard, screen_text

SIZE = (120, 120)


async def test_words_narrow_the_keys_and_escape_clears_then_closes():
    async with dashboard(client_with(), SIZE) as pilot:
        await press(pilot, "question_mark", "slash")
        await type_in(pilot, "mark all")
        shown = screen_text(pilot)
        assert "Mark all that fit the filter" in shown
        assert "Unmark all" in shown
        assert "Open the selected task" not in shown
        assert "STATES OF TASKS" not in shown
        await press(pilot, "escape")
        assert "Open the selected task" in screen_text(pilot)
        await press(pilot, "escape")
        assert "Open the selected task" not in screen_text(pilot)


async def test_one_letter_finds_the_key():
    async with dashboard(client_with(), SIZE) as pilot:
        await press(pilot, "question_mark", "slash", "C")
        shown = screen_text(pilot)
        assert "Cancel all that fit the filter" in shown
        assert "Cancel the selected task" not in shown


async def test_what_nothing_does_is_told():
    async with dashboard(client_with(), SIZE) as pilot:
        await press(pilot, "question_mark", "slash")
        await type_in(pilot, "[quux]")
        assert "No key of this screen does '[quux]'." in screen_text(pilot)


async def test_enter_keeps_what_was_found():
    async with dashboard(client_with(), SIZE) as pilot:
        await press(pilot, "question_mark", "slash")
        await type_in(pilot, "undo")
        await press(pilot, "enter", "question_mark")
        assert "Open the selected task" in screen_text(pilot)
        await press(pilot, "question_mark")
        assert len(pilot.app.screen_stack) == 2


async def test_keys_of_the_users_own_file_are_found():
    async with dashboard(client_with(), SIZE) as pilot:
        pilot.app.keymap = {"tasks.retry": ("f5",)}
        await press(pilot, "question_mark", "slash")
        await type_in(pilot, "f5")
        assert "Retry the failed steps of the selected task" in screen_text(pilot)
        assert "Cancel" not in screen_text(pilot).partition("Keys")[2].partition("╰─ /")[0]


async def test_the_lines_of_the_graph_are_told_where_there_is_one():
    async with dashboard(client_with(order_task()), SIZE) as pilot:
        await press(pilot, "question_mark")
        assert "LINES OF THE GRAPH" not in screen_text(pilot)
        await press(pilot, "escape", "enter", "question_mark")
        told = screen_text(pilot)
    for sign in "▴▾◆▸┼╋":
        assert any(f"│  {sign}  " in line for line in told.splitlines()), sign


async def test_the_lines_of_the_graph_are_told_in_ascii():
    async with dashboard(client_with(order_task()), SIZE, ascii_only=True) as pilot:
        await press(pilot, "enter", "question_mark")
        told = screen_text(pilot)
    assert "v    a branch from above joins this line" in told


async def test_a_key_that_a_widget_takes_is_told_as_the_widgets():
    async with dashboard(client_with(order_task()), SIZE) as pilot:
        await press(pilot, "question_mark")
        assert "│  [  -  " in screen_text(pilot)
        await press(pilot, "escape", "enter", "question_mark")
        told = screen_text(pilot)
    assert "│  [     " in told
    assert "│  -     " in told
