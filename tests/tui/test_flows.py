"""Moving about and looking, on every screen."""

from __future__ import annotations

from datetime import timedelta

from engine.model.states import TaskState
from tasker_tui.actions import ACTIONS, key_name
from tests.tui.flows import client_with
from tests.tui.keyboard import last_line, press, type_in
from tests.tui.scenes import (
    order_task,
    small_task,
)
from tests.tui.support import dashboard, screen_text, settle


async def test_the_cursor_moves_in_two_dimensions():
    async with dashboard(client_with(order_task())) as pilot:
        await press(pilot, "enter", "g")
        assert "› validate" in last_line(pilot)
        for key, name in (
            ("l", "reserve_stock"),
            ("l", "pack_a"),
            ("j", "pack_b"),
            ("k", "pack_a"),
            ("l", "merge_packs"),
            ("G", "finish"),
            ("h", "sms"),
            ("exclamation_mark", "charge_card"),
        ):
            await press(pilot, key)
            assert f"› {name}" in last_line(pilot)


async def test_a_step_chosen_in_the_list_is_the_one_in_the_graph():
    async with dashboard(client_with(order_task())) as pilot:
        await press(pilot, "enter", "2", "g", "j")
        assert "› reserve_stock" in last_line(pilot)
        await press(pilot, "1")
        assert "› reserve_stock" in last_line(pilot)


async def test_markup_and_control_characters_are_shown_as_they_are():
    task = small_task(7, TaskState.BLOCKED_BY_FAILURES, 3, "[red]x[/red]\x1b[2J")
    task.step("step_3").error = {"message": "[bold]no[/bold] \x1b]0;owned\x07 KeyError: '[a]'"}
    async with dashboard(client_with(task)) as pilot:
        assert "[red]x[/red]·[2J" in screen_text(pilot)
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert "[red]x[/red]" in shown
        assert "[bold]no[/bold] ·]0;owned· KeyError: '[a]'" in shown
        assert "\x1b" not in shown
        await press(pilot, "r")
        assert "[bold]no[/bold]" in screen_text(pilot)


async def test_the_palette_runs_an_action_by_its_name():
    client = client_with(small_task(7, TaskState.WAITING_FOR_DEPENDENCIES, 3))
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "ctrl+p")
        await type_in(pilot, "cancel this")
        await pilot.pause(0)
        await press(pilot, "enter")
        await press(pilot, "y")
    assert client.named("cancel_task")


async def test_help_names_every_key_of_the_screen():
    async with dashboard(client_with(), (120, 120)) as pilot:
        await press(pilot, "question_mark")
        shown = screen_text(pilot)
    for action in ACTIONS:
        if action.scope in ("tasks", "list", "app"):
            assert action.help in shown
            assert key_name(action.keys[0]) in shown


async def test_every_screen_survives_any_size():
    async with dashboard(client_with(order_task())) as pilot:
        for size in ((20, 6), (58, 16), (300, 100), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        await press(pilot, "enter")
        for size in ((20, 6), (300, 100), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        assert "charge_card" in screen_text(pilot)


async def test_ages_go_on_with_the_clock():
    client = client_with(small_task(7, TaskState.STEPS_IN_PROCESS, 3))
    async with dashboard(client) as pilot:
        assert "3m00s" in screen_text(pilot)
        client.clock._now += timedelta(seconds=31)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "3m31s" in screen_text(pilot)


async def test_the_lag_is_shown_while_it_is_fresh():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 3)
    client = client_with(task)
    async with dashboard(client) as pilot:
        client.announce(task)
        client.clock._now += timedelta(seconds=3)
        await settle(pilot)
        assert "live, 3.0 s behind" in screen_text(pilot).splitlines()[0]
        client.clock._now += timedelta(seconds=6)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "behind" not in screen_text(pilot)
