"""Keys that arrive in one go, as over a slow line, do what they would do one by one."""

from __future__ import annotations

from textual import events
from textual.pilot import Pilot

from tests.tui.scenes import failure_groups, order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, settle


async def _in_one_go(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await settle(pilot)


async def test_what_is_typed_ahead_lands_in_the_fields_that_it_was_meant_for():
    client = FakeTasker(FakeClock(), [order_task()])
    client.failures = failure_groups(order_task())
    async with dashboard(client) as pilot:
        for key in ("e", "r"):
            await pilot.press(key)
            await settle(pilot)
        await _in_one_go(pilot, "b", "a", "n", "k", "tab", "3", "ctrl+s")
    assert client.bulk.run is not None
    assert client.bulk.run.reason == "bank"
