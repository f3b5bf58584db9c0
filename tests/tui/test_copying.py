"""`y` and a letter copy the selected thing, on every screen that has one."""

from __future__ import annotations

import json

from tasker_tui.locator import parse_locator
from tests.tui.fake_letters import letter
from tests.tui.keyboard import notices, press
from tests.tui.scenes import failure_groups, order_task, queues
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text


async def test_everything_selected_can_be_copied():
    task = order_task()
    client = FakeTasker(FakeClock(), [task])
    client.letters, client.failures = [letter(task, 12, 80)], failure_groups(task)
    client.queues = queues()
    async with dashboard(client) as pilot:

        async def copied(*keys: str) -> str:
            pilot.app.copy_to_clipboard("")
            await press(pilot, *keys)
            return pilot.app.clipboard

        assert await copied("y", "i") == str(task.uuid)
        assert await copied("y", "l") == f"task/{task.uuid}"
        assert await copied("y", "c") == f"tasker task show {task.uuid}"
        assert json.loads(await copied("y", "j"))["task_uuid"] == str(task.uuid)
        assert any("lines" in notice for notice in notices(pilot))
        assert await copied("y", "escape") == ""

        await press(pilot, "enter", "y")
        assert "l place" in screen_text(pilot)
        assert "tasker task show" in screen_text(pilot)
        step = (await copied("l")).split("/")[-1]
        assert await copied("y", "i") == str(task.step_uuid(step))
        assert json.loads(await copied("y", "j"))["name"] == step

        group = client.failures[0]
        assert await copied("escape", "e", "y", "c") == (
            f"tasker bulk retry --signature '{group.signature}' --dry-run"
        )
        assert json.loads(await copied("y", "j"))["signature"] == group.signature
        assert await copied("escape", "D", "y", "c") == f"tasker dlq show {task.uuid}"
        assert await copied("escape", "Q", "y", "c") == "tasker queues"
        assert str(parse_locator(await copied("y", "l"))) == "queues"
        assert await copied("y", "i", "escape") == ""
        assert "there is nothing of this to copy here" in notices(pilot)
