"""Keys that arrive in one go, as over a slow line, do what they would do one by one."""

from __future__ import annotations

from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.scenes import failure_groups, order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, settle


def _key(key: str) -> events.Key:
    character = key if len(key) == 1 else None
    return events.Key(_character_to_key(key) if character else key, character)


async def _in_one_go(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        pilot.app.post_message(_key(key))
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


async def test_letters_behind_the_colon_are_its_line_and_no_keys():
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client) as pilot:
        await _in_one_go(pilot, ":", *"failures", "enter")
        assert pilot.app.screen.locator().place == "failures"
        await _in_one_go(pilot, "escape", ":", "c", "a", "n")
        assert pilot.app.screen.query_one(Input).value == "can"


async def test_letters_behind_the_slash_are_the_filter():
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client) as pilot:
        await _in_one_go(pilot, "/", *"state:failing", "enter")
        assert pilot.app.screen.locator().query == "state:failing"


async def test_keys_behind_enter_belong_to_what_it_leads_to():
    client = FakeTasker(FakeClock(), [order_task()])
    client.failures = failure_groups(order_task())
    async with dashboard(client) as pilot:
        for key in ("e", "r"):  # the dialog comes with an answer of the server
            await pilot.press(key)
            await settle(pilot)
        await _in_one_go(pilot, *"bank", "enter", "3", "enter")
        assert client.bulk.run is not None
        assert client.bulk.run.reason == "bank"
        await _in_one_go(pilot, "escape", "escape", "/", *"order", "enter", "e")
        assert pilot.app.screen.locator().place == "failures"


async def test_what_is_pasted_stays_between_the_keys_around_it():
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client) as pilot:
        for event in (*map(_key, "/ab"), events.Paste("XY"), _key("c")):
            pilot.app.post_message(event)
        await settle(pilot)
        assert pilot.app.screen.query_one(Input).value == "abXYc"


async def test_keys_go_on_when_the_one_before_never_comes_back():
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client) as pilot:
        await _in_one_go(pilot, "?", "escape", "?", "escape", ":", "escape", "e")
        assert pilot.app.screen.locator().place == "failures"
