"""The lines at the foot of a screen: tab completes what is typed there, and leaves none of them."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from engine.model.states import TaskState
from tasker_tui.locator import to_step
from tests.tui.fake_stack import FakeStack
from tests.tui.flows import client_with
from tests.tui.keyboard import press, type_in
from tests.tui.scenes import order_task, small_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text


async def test_tab_takes_the_dimmed_completion_of_a_filter_and_what_follows_is_typed():
    client = client_with(small_task(7, TaskState.WAITING_FOR_DEPENDENCIES, 3))
    async with dashboard(client) as pilot:
        await press(pilot, "slash")
        await type_in(pilot, "sta")
        await press(pilot, "tab")
        assert _typed(pilot) == "state:"
        await type_in(pilot, "fai")
        await press(pilot, "tab", "tab", "shift+tab")
        assert _typed(pilot) == "state:failing"
        await type_in(pilot, " c")
        assert _typed(pilot) == "state:failing c"
        assert len(pilot.app.screen_stack) == 2  # no dialog asks whether to cancel
        await press(pilot, "enter")
        assert "Tasks  state:failing c" in screen_text(pilot)


@pytest.mark.parametrize("keys", [("D", "slash"), ("E", "slash"), ("S", "slash")], ids=" ".join)
async def test_tab_stays_in_a_line_that_completes_nothing(keys):
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client, stack=FakeStack()) as pilot:
        await press(pilot, *keys, "x", "tab", "shift+tab", "y")
        assert _typed(pilot) == "xy"


async def test_tab_stays_in_the_search_of_a_steps_log():
    task = order_task()
    async with dashboard(client_with(task), locator=to_step(str(task.uuid), "charge_card")) as pilot:
        await press(pilot, "L", "slash", "g", "tab", "a")
        assert _typed(pilot) == "ga"


def _typed(pilot) -> str:
    field = pilot.app.focused
    assert isinstance(field, Input)
    return field.value
