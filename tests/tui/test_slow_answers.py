"""Screens that look again each second, on a server that takes longer than that to answer."""

from __future__ import annotations

import pytest

from engine.model.states import StepState
from tasker_tui.locator import Locator, to_step
from tests.tui.keyboard import press
from tests.tui.scenes import failure_groups, order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle


def _asked(client: FakeTasker, path: str) -> int:
    return sum(call.path.endswith(path) for call in client.named("send"))


async def _seconds(pilot, number: int) -> None:
    for _ in range(number):
        pilot.app.services.clock.advance(1)
        pilot.app.screen.on_tick()
        await pilot.pause()


@pytest.mark.parametrize("path", ["/v1/failures", "/v1/statistics", "/logs"], ids=["list", "pulse", "logs"])
async def test_what_is_slow_is_asked_once_and_once_more_when_it_has_answered(path):
    task = order_task()
    step = next(step for step in task.steps if step.state is StepState.IN_PROGRESS)
    places = {"/v1/failures": Locator("failures"), "/v1/statistics": Locator("pulse")}
    client = FakeTasker(FakeClock(), [task])
    where = places.get(path, to_step(str(task.uuid), step.name))
    async with dashboard(client, locator=where) as pilot:
        client.answering.clear()
        before = _asked(client, path)
        await _seconds(pilot, 12)
        assert _asked(client, path) == before + 1
        if path == "/v1/failures":
            client.failures = failure_groups(task)
        client.answering.set()
        await settle(pilot)
        assert _asked(client, path) >= before + 2
        if path == "/v1/failures":
            assert "2 groups" in screen_text(pilot)


async def test_a_list_that_is_covered_asks_when_it_is_seen_again():
    task = order_task()
    client = FakeTasker(FakeClock(), [task])
    async with dashboard(client, locator=Locator("failures")) as pilot:
        covered, before = pilot.app.screen, _asked(client, "/v1/failures")
        await press(pilot, "Q")
        client.failures = failure_groups(task)
        client.announce(task)
        for _ in range(12):
            client.clock.advance(1)
            covered.on_tick()
            await pilot.pause()
        assert _asked(client, "/v1/failures") == before
        await press(pilot, "escape")
        assert pilot.app.screen is covered
        assert _asked(client, "/v1/failures") > before
        assert "2 groups" in screen_text(pilot)
