"""What was confirmed is done, wherever the operator goes meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

from engine.model.states import StepState
from tests.tui.fake_letters import letter
from tests.tui.scenes import order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, settle


class SlowTasker(FakeTasker):
    """Answers an action on a step once it is told to."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.go_on = asyncio.Event()

    async def act_on_step(self, task_uuid: str, step_uuid: str, action: Any) -> Any:
        await self.go_on.wait()
        return await super().act_on_step(task_uuid, step_uuid, action)

    async def send(self, call: Any) -> Any:
        if call.method != "GET":
            await self.go_on.wait()
        return await super().send(call)


async def test_a_retry_is_sent_though_its_screen_is_left_before_the_answer():
    task = order_task()
    client = SlowTasker(FakeClock(), [task])
    async with dashboard(client) as pilot:
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("r", "enter")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        client.go_on.set()
        await settle(pilot)
        assert task.step("charge_card").state is StepState.PENDING
        assert any("will run again" in notice.message for notice in pilot.app._notifications)


async def test_a_dead_letter_is_taken_though_its_list_is_left_before_the_answer():
    task = order_task()
    client = SlowTasker(FakeClock(), [task])
    client.letters = [letter(task, 12, 80)]
    async with dashboard(client) as pilot:
        await pilot.press("D")
        await settle(pilot)
        await pilot.press("a", "escape")
        await pilot.pause()
        client.go_on.set()
        await settle(pilot)
        assert [one.assignee for one in client.letters] == ["ana"]
        [entry] = pilot.app.services.commands.entries
    assert (entry.command.split()[:3], entry.outcome) == (["tasker", "dlq", "assign"], "done")
