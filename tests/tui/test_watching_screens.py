"""What the screens that show the whole system look like, at the sizes that terminals have."""

from __future__ import annotations

import pytest

from engine.model.states import StepState
from tasker_tui.locator import Locator
from tests.tui.fake_templates import grid_of, template_of
from tests.tui.goldens import assert_golden
from tests.tui.scenes import day, order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle, template
from tests.tui.test_screens import SIZES


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_event_tail(size):
    task = order_task(2)
    client = FakeTasker(FakeClock(), [task])
    async with dashboard(client, size) as pilot:
        await pilot.press("E")
        await settle(pilot)
        client.announce(task)
        for step, state in (
            ("pack_c", StepState.COMPLETE),
            ("pack_d", StepState.ERROR),
            ("merge_packs", StepState.CANCELLED),
        ):
            client.transition(task, step, state)
        await settle(pilot)
        assert_golden(f"tail-{size[0]}x{size[1]}", screen_text(pilot))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_steps_of_a_worker(size):
    client = FakeTasker(FakeClock(), [order_task(), order_task(3)])
    async with dashboard(client, size, Locator("worker", (str(client.workers[0].worker_uuid),))) as pilot:
        assert_golden(f"worker-{size[0]}x{size[1]}", screen_text(pilot))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_templates_and_one_of_them(size):
    client = FakeTasker(FakeClock(), day())
    client.templates = [template_of(order_task()), template("linear_workflow", {}), template("unused", {})]
    client.grid = grid_of(order_task(), order_task(2))
    async with dashboard(client, size) as pilot:
        await pilot.press("t")
        await settle(pilot)
        assert_golden(f"templates-{size[0]}x{size[1]}", screen_text(pilot))
        for key in ("j", "enter"):
            await pilot.press(key)
            await settle(pilot)
        assert_golden(f"template-{size[0]}x{size[1]}", screen_text(pilot))


async def test_without_templates_the_list_says_how_to_get_one():
    client = FakeTasker(FakeClock(), day())
    client.templates = []
    async with dashboard(client) as pilot:
        await pilot.press("t")
        await settle(pilot)
        shown = screen_text(pilot)
        assert "No template has been registered yet." in shown
        assert "tasker worker --templates FOLDER" in shown
