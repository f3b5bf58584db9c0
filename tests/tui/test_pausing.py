"""Pausing a template or a namespace where it is listed, and what waits in a namespace."""

from __future__ import annotations

from engine.model.states import StepState
from tests.tui.flows import client_with
from tests.tui.keyboard import notices, press, type_in
from tests.tui.scenes import order_task, queues
from tests.tui.support import FakeTasker, dashboard, screen_text


def client_with_queues() -> FakeTasker:
    client = client_with(order_task())
    client.queues = queues()
    return client


async def test_a_template_is_paused_and_goes_on():
    client = client_with(order_task())
    async with dashboard(client, (100, 30)) as pilot:
        await press(pilot, "t", "j", "p")
        assert "template  example/order_fulfillment@1.0.0" in screen_text(pilot)
        await type_in(pilot, "bad deploy")
        await press(pilot, "enter")
        assert client.pauses["example/order_fulfillment/1.0.0"].reason == "bad deploy"
        shown = screen_text(pilot)
        assert "order_fulfillment ‖ paused" in shown
        assert "linear_workflow ‖" not in shown
        assert "paused: bad deploy (ana)" in shown
        assert any("tasker pause example/order_fulfillment@1.0.0" in notice for notice in notices(pilot))
        await press(pilot, "p")
        assert "by ana: bad deploy" in screen_text(pilot)
        await press(pilot, "enter")
        assert "‖ paused" not in screen_text(pilot)
    assert client.pauses == {}


async def test_a_namespace_is_paused_which_its_templates_show():
    client = client_with_queues()
    async with dashboard(client, (100, 30)) as pilot:
        await press(pilot, "Q", "p")
        assert "12 running steps will end" in screen_text(pilot)
        assert "same as   tasker pause example" in screen_text(pilot)
        await type_in(pilot, "bank is down")
        await press(pilot, "enter")
        assert "example ‖ paused" in screen_text(pilot)
        await press(pilot, "escape", "t")
        assert "linear_workflow ‖ paused" in screen_text(pilot)
        assert "its namespace is paused: bank is down (ana)" in screen_text(pilot)
        await press(pilot, "p")
        assert "Pause linear_workflow" in screen_text(pilot)  # the template itself is not paused
        await press(pilot, "escape")


async def test_enter_on_a_namespace_leads_to_its_tasks_that_wait():
    task = order_task()
    task.step("merge_packs").state = StepState.ENQUEUED
    client = client_with(task)
    client.queues = queues()
    async with dashboard(client) as pilot:
        await press(pilot, "Q", "enter")
        assert "why:no-worker,no-handler,retry,queued namespace:example" in screen_text(pilot)
        assert "order_fulfillment" in screen_text(pilot)
        await press(pilot, "Q", "j", "enter")
        assert "why:paused namespace:payments" in screen_text(pilot)


async def test_enter_on_a_namespace_where_nothing_waits_leads_to_what_runs():
    client = client_with_queues()
    client.queues = [client.queues[0].model_copy(update={"ready": 0, "retrying": 0})]
    async with dashboard(client) as pilot:
        await press(pilot, "Q", "enter")
        assert "why:running namespace:example" in screen_text(pilot)


async def test_without_a_namespace_there_is_nothing_to_pause():
    async with dashboard(client_with(order_task())) as pilot:
        await press(pilot, "Q", "p")
        assert any("no namespace is selected" in notice for notice in notices(pilot))
