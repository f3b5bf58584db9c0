"""The command line that a dialog shows, the one of the notice after it, and the one of the log are one."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from engine.model.states import TaskState
from tasker_tui.locator import Locator, to_task
from tasker_tui.profiles import Profile
from tests.tui.fake_stack import FakeStack
from tests.tui.flows import client_with
from tests.tui.keyboard import notices, press, type_in
from tests.tui.scenes import failure_groups, order_task, small_task
from tests.tui.support import dashboard

PRODUCTION = Profile("production", "https://tasker.example")


def _same_as(pilot) -> str:
    """The command line that a dialog shows, whole: on the screen a long one is broken."""
    lines = [line for part in pilot.app.screen.query(Static) for line in str(part.content).splitlines()]
    [found] = [line.removeprefix("same as").strip() for line in lines if line.startswith("same as")]
    return found


@pytest.mark.parametrize(
    ("keys", "send", "told"),
    [
        ("r", "enter", True),
        ("enter m", "ctrl+s", True),
        ("enter R", "ctrl+s", False),
        ("p", "enter", True),
        ("e r tab 5", "ctrl+s", True),
    ],
)
async def test_a_dialog_shows_what_the_log_keeps(keys, send, told):
    task = order_task()
    client = client_with(task)
    client.failures, client.bulk.items = failure_groups(task), 5
    async with dashboard(client, (200, 50), profile=PRODUCTION) as pilot:
        await press(pilot, *keys.split())
        shown = _same_as(pilot)
        await press(pilot, send)
        command = pilot.app.services.commands.entries[-1].command
        assert command.endswith(" --profile production")
        assert shown == command
        assert any(command in notice for notice in notices(pilot)) == told


async def test_cancel_and_reset_lead_to_the_same_server_as_well():
    client = client_with(small_task(7, TaskState.WAITING_FOR_DEPENDENCIES, 3))
    async with dashboard(client, (200, 50), profile=PRODUCTION) as pilot:
        await press(pilot, "c")
        shown = _same_as(pilot)
        await press(pilot, "y")
        [cancelled] = pilot.app.services.commands.entries
        assert shown == cancelled.command
        assert cancelled.command in notices(pilot)[-1]
    address = Profile(url="http://127.0.0.1:9090")
    async with dashboard(
        client_with(), (200, 50), Locator("stack"), profile=address, stack=FakeStack()
    ) as pilot:
        await press(pilot, "R")
        assert _same_as(pilot) == "tasker dev reset --url http://127.0.0.1:9090"


async def test_a_reason_comes_before_the_server_in_all_of_them():
    task = order_task()
    where = to_task(str(task.uuid), "charge_card")
    async with dashboard(client_with(task), (200, 50), where, profile=PRODUCTION) as pilot:
        await press(pilot, "r")
        await type_in(pilot, "bank")
        shown = _same_as(pilot)
        await press(pilot, "enter")
        [entry] = pilot.app.services.commands.entries
        assert entry.command.endswith("charge_card --reason bank --profile production")
        assert shown == entry.command
        assert entry.command in notices(pilot)[-1]


async def test_each_of_two_commands_in_one_line_leads_to_the_server():
    client = client_with(order_task())
    client.failures = failure_groups(order_task())
    async with dashboard(client, profile=PRODUCTION) as pilot:
        await press(pilot, "e", "a", "tab")
        await type_in(pilot, "down;")
        await press(pilot, "ctrl+s")
        [entry] = pilot.app.services.commands.entries
    group = client.failures[0].signature
    assert entry.command == (
        f"tasker failures assign '{group}' ana --profile production; "
        f"tasker failures note '{group}' 'down;' --profile production"
    )
