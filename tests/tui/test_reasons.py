"""Why steps wait, and what the preview of a task says of it."""

from __future__ import annotations

import pytest

from engine.model.states import StepState, TaskState
from tasker_tui.locator import to_task
from tests.tui.flows import client_with
from tests.tui.goldens import assert_golden
from tests.tui.keyboard import last_line, notices, press
from tests.tui.scenes import order_task, small_task
from tests.tui.support import dashboard, screen_text, settle


async def test_a_step_that_waits_for_its_retry_says_when():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "k", "r")
        assert any("pack_d retries by itself in 42s" in notice for notice in notices(pilot))


async def test_the_panel_says_why_a_step_waits_and_w_leads_there():
    task = order_task()
    async with dashboard(client_with(task), (140, 40)) as pilot:
        await press(pilot, "enter", "G")
        assert "why       waits for email (pending), sms (pending), audit (pending)" in screen_text(pilot)
        await press(pilot, "w")
        assert pilot.app.screen.focused.id == "step-body"


async def test_w_on_a_finished_step_says_that_it_waits_for_nothing():
    async with dashboard(client_with(order_task())) as pilot:
        await press(pilot, "enter", "g", "w")
        assert any("validate is complete: it waits for nothing" in notice for notice in notices(pilot))


async def test_a_reason_is_not_shown_any_more_once_the_step_has_moved_on():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "G")
        assert "waits for email" in screen_text(pilot)
        client.transition(task, "finish", StepState.ENQUEUED)
        await pilot.pause()
        assert "waits for email" not in screen_text(pilot)
        await settle(pilot)
        assert "why       no live worker serves the namespace example" in screen_text(pilot)


async def test_what_a_queued_step_waits_for_is_asked_again_while_it_stays_where_it_is():
    task = order_task()
    task.step("pack_c").state = StepState.ENQUEUED
    client = client_with(task)
    async with dashboard(client, locator=to_task(str(task.uuid), "pack_c")) as pilot:
        asked = len(client.named("why_task"))
        client.clock.advance(6)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert len(client.named("why_task")) == asked + 1


async def test_the_preview_tells_the_most_telling_reason_and_its_ages_go_on():
    client = client_with(order_task())
    async with dashboard(client, (160, 40)) as pilot:
        assert "why        charge_card: failed for good after 3 attempts" in screen_text(pilot)
        assert "2m ago" in screen_text(pilot)
        client.clock.advance(60)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "3m ago" in screen_text(pilot)


async def test_neighbours_that_do_not_fit_on_a_line_stand_below_each_other():
    task = order_task()
    locator = to_task(str(task.uuid), "merge_packs")
    async with dashboard(client_with(task), (120, 40), locator) as pilot:
        lines = screen_text(pilot).splitlines()
    after = next(i for i, line in enumerate(lines) if "after     ✓ validate" in line)
    assert lines[after + 1][:12].strip("│ ") == ""
    assert lines[after + 1][12] in "✓✗●↻"


async def test_a_line_of_the_preview_stays_one_line():
    async with dashboard(client_with(order_task()), (140, 40)) as pilot:
        lines = [line for line in screen_text(pilot).splitlines() if "merge_packs" in line]
        following = screen_text(pilot).splitlines()
        after = following[following.index(lines[0]) + 1]
        assert "…" in lines[0]
        assert "label" in after


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_where_there_is_no_room_beside_the_list_tab_says_why(size):
    client = client_with(order_task(), small_task(7, TaskState.COMPLETE, 4))
    async with dashboard(client, size) as pilot:
        assert "tab why" in last_line(pilot)
        assert "failed for good" not in screen_text(pilot)
        await press(pilot, "tab")
        assert "charge_card: failed for good" in screen_text(pilot)
        assert_golden(f"preview-{size[0]}x{size[1]}", screen_text(pilot))
        await press(pilot, "j")
        assert "failed for good" not in screen_text(pilot)
        await press(pilot, "w", "k")
        assert "failed for good" not in screen_text(pilot)
        await press(pilot, "w")
        assert "charge_card: failed for good" in screen_text(pilot)


async def test_a_terminal_that_becomes_wider_shows_the_task_under_the_cursor():
    client = client_with(order_task(), small_task(7, TaskState.COMPLETE, 4))
    async with dashboard(client, (120, 40)) as pilot:
        await press(pilot, "j", "k")
        await pilot.resize_terminal(150, 40)
        await settle(pilot)
        assert "charge_card: failed for good" in screen_text(pilot)
