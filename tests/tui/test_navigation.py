"""The ways between the screens."""

from __future__ import annotations

from tasker_tui.app import TaskerApp
from tasker_tui.counts import Counts
from tasker_tui.locator import Locator, to_task
from tests.tui.scenes import order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle


async def test_figures_that_arrive_while_a_screen_opens_are_shown_on_it():
    async with dashboard(FakeTasker(FakeClock(), [order_task()])) as pilot:
        pilot.app.services.go(Locator("queues"))
        pilot.app.on_tasker_app_counted(TaskerApp.Counted(Counts(failing=3, active=7, workers=5)))
        await settle(pilot)
        header = screen_text(pilot).splitlines()[0]
    assert "3 failing" in header
    assert "5 workers" in header


async def test_figures_that_arrive_while_a_screen_is_taken_apart_are_not_shown_on_it():
    async with dashboard(FakeTasker(FakeClock(), [order_task()])) as pilot:
        await pilot.press("enter")
        await settle(pilot)
        await pilot.app.screen.query_children().remove()
        pilot.app.on_tasker_app_counted(TaskerApp.Counted(Counts(failing=3, active=7, workers=5)))
        await pilot.app.pop_screen()
        await settle(pilot)
        assert "3 failing" in screen_text(pilot).splitlines()[0]


async def test_going_to_a_place_that_is_below_goes_back_to_it():
    task = order_task()
    async with dashboard(FakeTasker(FakeClock(), [task])) as pilot:
        go = pilot.app.services.go
        go(to_task(str(task.uuid)))
        await settle(pilot)
        go(Locator("failures"))
        await settle(pilot)
        go(to_task(str(task.uuid), "pack_c"))
        await settle(pilot)
        assert len(pilot.app.screen_stack) == 3
        assert "› pack_c" in screen_text(pilot).splitlines()[-1]
        go(Locator("tasks", query="state:error"))
        await settle(pilot)
        assert len(pilot.app.screen_stack) == 2
        assert "No task fits this filter" in screen_text(pilot)
