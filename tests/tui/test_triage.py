"""Groups of failures are cared for, by keyboard."""

from __future__ import annotations

from engine.model.wire.failures import TriageState
from tests.tui.keyboard import press, type_in
from tests.tui.scenes import failure_groups, order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text


async def test_a_group_is_taken_noted_and_given_back():
    client = FakeTasker(FakeClock(), [order_task()])
    client.failures = failure_groups(order_task())
    group = client.failures[0].signature
    async with dashboard(client) as pilot:
        await press(pilot, "e")
        assert "2 groups, 2 without an owner" in screen_text(pilot)
        await press(pilot, "a", "enter")
        assert "new, ana's   changed by ana 0s ago" in screen_text(pilot)
        assert client.failures[0].triage.owner == "ana"
        await press(pilot, "n", "ctrl+s")
        assert "nothing is changed yet" in screen_text(pilot)
        await type_in(pilot, "bank is [down]")
        await press(pilot, "tab", "down", "space", "ctrl+s")
        assert "› ana, 0s ago: bank is [down]" in screen_text(pilot)
        assert client.failures[0].triage.state is TriageState.TRIAGED
        await press(pilot, "a", "delete", "enter")
        assert client.failures[0].triage.owner is None
        commands = [entry.command for entry in pilot.app.services.commands.entries]
    assert commands == [
        f"tasker failures assign '{group}' ana",
        f"tasker failures note '{group}' 'bank is [down]' --state triaged",
        f"tasker failures assign '{group}'",
    ]
    assert client.failures[0].triage.notes[0].noted_by == "ana"


async def test_marked_groups_are_retried_and_assigned_at_once():
    client = FakeTasker(FakeClock(), [order_task()])
    client.failures = failure_groups(order_task())
    first, second = (group.signature for group in client.failures)
    async with dashboard(client) as pilot:
        await press(pilot, "e", "space", "space")
        assert "Failures  2 marked" in screen_text(pilot)
        await press(pilot, "u", "g", "V", "j")
        assert "Failures  2 marked  V ends the range" in screen_text(pilot)
        await press(pilot, "V", "r")
        assert "--signature" in screen_text(pilot)
        assert client.bulk.asked.filter.signatures == [first, second]
        await press(pilot, "escape", "a")
        assert "in 2 groups" in screen_text(pilot)
        await press(pilot, "enter")
        assert {group.triage.owner for group in client.failures} == {"ana"}
        assert "marked" not in screen_text(pilot).splitlines()[1]
        await press(pilot, "slash")
        await type_in(pilot, "KeyError")
        await press(pilot, "enter", "ctrl+a", "m")
        assert client.bulk.asked.filter.signature == "KeyError: <text>"
