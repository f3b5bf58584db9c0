"""The graph of a task by its keys: folds, focus, paths."""

from __future__ import annotations

from tests.tui.keyboard import last_line, notices, press
from tests.tui.scenes import order_task
from tests.tui.scenes_graph import fan_out
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text


async def test_a_large_fan_out_is_folded_counts_its_failures_and_can_be_opened():
    client = FakeTasker(FakeClock(), [fan_out(110, failed=(17, 60), running=3)])
    async with dashboard(client) as pilot:
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert "✗ pack[×110] 2✗ " in shown
        assert "112 steps folded into 3" in shown
        assert "› pack_0017" in last_line(pilot), "it stands on the first that failed"
        await press(pilot, "exclamation_mark")
        assert "› pack_0060" in last_line(pilot)
        assert "✗ pack[×110] 2✗ " in screen_text(pilot)
        await press(pilot, "l")
        merging = screen_text(pilot)
        assert "after     ✗ pack_0017  ✗ pack_0060  ● pack_0107" in merging, "what matters most comes first"
        assert "and 86 more" in merging
        await press(pilot, "h")
        assert "› pack_0017" in last_line(pilot)
        await press(pilot, "plus")
        assert "✗ pack_0017" in screen_text(pilot)
        await press(pilot, "j", "plus")
        assert "› pack_0018" in last_line(pilot)
        assert any("stands for itself" in notice for notice in notices(pilot))
        await press(pilot, "minus")
        assert "✗ pack[×110] 2✗ " in screen_text(pilot)
        assert "› pack_0018" in last_line(pilot)


async def test_the_focus_shows_the_neighbourhood_and_goes_with_the_cursor_over_its_edge():
    async with dashboard(FakeTasker(FakeClock(), [order_task()])) as pilot:
        await press(pilot, "enter", "F")
        shown = screen_text(pilot)
        assert "focus ±1" in shown
        assert "✓ validate›" in shown
        assert "○ ‹merge_packs›" in shown
        assert "pick_carrier" not in shown
        await press(pilot, "l", "l")
        shown = screen_text(pilot)
        assert "label" in shown
        assert "validate›" in shown, "it is a parent of merge_packs as well"
        await press(pilot, "F")
        assert "focus ±2" in screen_text(pilot)
        await press(pilot, "exclamation_mark")
        assert "› charge_card" in last_line(pilot)
        await press(pilot, "F", "F")
        assert "focus" not in screen_text(pilot)
        assert "pick_carrier" in screen_text(pilot)


async def test_the_way_to_the_failure_and_the_critical_path_stand_out_without_colour():
    async with dashboard(FakeTasker(FakeClock(), [order_task()])) as pilot:
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert "━ way to the first failure, charge_card" in shown
        assert "━▸✗ charge_card" in shown
        assert "━▸● pack_c" not in shown
        await press(pilot, "x")
        shown = screen_text(pilot)
        assert "━ critical path 2m00s: validate → reserve_stock → pack_c" in shown
        assert "━▸● pack_c" in shown
        assert "━▸✗ charge_card" not in shown
        await press(pilot, "x")
        assert "━▸✗ charge_card" in screen_text(pilot)


async def test_a_fold_and_a_heavy_line_are_ascii_in_ascii():
    client = FakeTasker(FakeClock(), [fan_out(110, failed=(17, 60))])
    async with dashboard(client, ascii_only=True) as pilot:
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert "=>E pack[x110] 2E -" in shown
        assert shown.isascii()
