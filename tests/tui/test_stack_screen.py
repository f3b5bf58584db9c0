"""The local stack's screen: what it looks like, and that its keys steer the stack."""

from __future__ import annotations

import pytest

from tasker_tui.locator import parse_locator
from tests.tui.fake_stack import FakeStack, reloaded
from tests.tui.goldens import assert_golden
from tests.tui.keyboard import notices, press
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle

STACK = parse_locator("stack")
SIZES = [(58, 16), (80, 24), (120, 40), (200, 50)]


async def look_again(pilot) -> None:
    for _ in range(2):
        pilot.app.services.clock.release(0.5)
        await settle(pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_stack_at_every_size(size):
    async with dashboard(FakeTasker(FakeClock()), size, STACK, stack=FakeStack()) as pilot:
        assert_golden(f"stack-{size[0]}x{size[1]}", screen_text(pilot))


async def test_checks_and_reset_have_a_place_in_a_small_terminal():
    async with dashboard(FakeTasker(FakeClock()), (80, 24), STACK, stack=FakeStack()) as pilot:
        await press(pilot, "2")
        assert_golden("stack-checks-80x24", screen_text(pilot))
        await press(pilot, "1", "R")
        assert_golden("stack-reset-80x24", screen_text(pilot))


async def test_without_a_stack_it_says_how_to_start_one():
    stack = FakeStack()
    stack.gone = True
    async with dashboard(FakeTasker(FakeClock()), (80, 24), stack=stack) as pilot:
        await press(pilot, "S")
        assert_golden("stack-absent-80x24", screen_text(pilot))
        await press(pilot, "r")
        assert "restart: no tasker dev runs here" in screen_text(pilot)
        stack.gone = False
        await look_again(pilot)
        assert "worker" in screen_text(pilot)


async def test_its_keys_stop_start_restart_and_reset():
    stack = FakeStack()
    async with dashboard(FakeTasker(FakeClock()), (120, 40), STACK, stack=stack) as pilot:
        await press(pilot, "u")
        assert "up: the worker is running" in screen_text(pilot)
        await press(pilot, "d")
        assert "the worker finishes what it runs and stops" in screen_text(pilot)
        assert "■ stopped" in screen_text(pilot)
        await press(pilot, "u", "k", "r")
        assert stack.orders == [("stop", "worker"), ("start", "worker"), ("restart", "server")]
        await press(pilot, "R")
        await press(pilot, "r", "e", "s", "enter")
        assert "type reset to confirm" in screen_text(pilot)
        await press(pilot, "e", "t", "enter")
        assert stack.orders[-1] == ("reset",)
        assert "resetting the database" in screen_text(pilot)
        await press(pilot, "r")
        assert "restart: the stack is resetting the database" in screen_text(pilot)


async def test_a_log_is_followed_and_searched():
    stack = FakeStack()
    stack.logs["worker"] = [f"line {i}" for i in range(300)]
    async with dashboard(FakeTasker(FakeClock()), (120, 40), STACK, stack=stack) as pilot:
        assert "line 299" in screen_text(pilot)
        stack.logs["worker"] += ["one more"]
        await look_again(pilot)
        assert "one more" in screen_text(pilot)
        await press(pilot, "slash", "7", "7", "enter")
        assert "3 lines with '77'" in screen_text(pilot)
        assert "line 277" in screen_text(pilot)
        stack.logs["worker"] += ["the last"]
        await look_again(pilot)
        assert "the last" not in screen_text(pilot)
        await press(pilot, "N")
        assert "line 177" in screen_text(pilot)
        await press(pilot, "n", "n")
        assert "line 77 " in screen_text(pilot)
        await press(pilot, "F")
        assert "the last" in screen_text(pilot)
        await press(pilot, "g")
        assert "line 0 " in screen_text(pilot)


async def test_a_long_line_is_broken_or_cut():
    stack = FakeStack()
    stack.logs["postgres"] = ["long " * 40 + "end"]
    async with dashboard(FakeTasker(FakeClock()), (120, 40), STACK, stack=stack) as pilot:
        await press(pilot, "g")
        assert "end" in screen_text(pilot)
        await press(pilot, "W")
        assert "long end" not in screen_text(pilot)


async def test_an_edit_is_told_on_every_screen():
    stack = FakeStack()
    async with dashboard(FakeTasker(FakeClock()), (120, 40), stack=stack) as pilot:
        stack.tell(reloaded())
        await settle(pilot)
        assert "handler payments.refund is new" in screen_text(pilot)
        stack.tell(reloaded("flows/pay[ment].py:3: ZeroDivisionError: division by zero"))
        await settle(pilot)
        assert "flows/pay[ment].py:3: ZeroDivisionError" in screen_text(pilot)


async def test_what_is_wrong_is_told_on_the_first_screen_and_in_the_pulse():
    async with dashboard(FakeTasker(FakeClock()), (120, 40), stack=FakeStack()) as pilot:
        shown = screen_text(pilot)
        assert "2 problems in the local stack" in shown
        assert "flows/orders.yaml:9" in shown
        assert "S shows all" in shown
        await press(pilot, "0")
        assert "2 problems in the local stack: flows/orders.yaml:9: steps[1]" in screen_text(pilot)
        await press(pilot, "enter")
        assert pilot.app.screen.locator() == STACK


async def test_nothing_is_told_where_nothing_is_wrong():
    stack = FakeStack()
    stack.checks = stack.checks[:4]
    async with dashboard(FakeTasker(FakeClock()), (120, 40), stack=stack) as pilot:
        assert notices(pilot) == []
        await press(pilot, "0")
        assert "local stack" not in screen_text(pilot)
