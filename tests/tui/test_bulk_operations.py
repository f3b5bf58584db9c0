"""Bulk operations after they were sent: followed, listed, stopped, resumed, and not forgotten at the end."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from engine.model.wire.bulk import BulkState, BulkVerb
from tasker_tui.locator import Locator
from tasker_tui.profiles import Profile
from tasker_tui.screens.base import OperatorScreen
from tests.tui.fake_bulk import TOKEN
from tests.tui.keyboard import last_line, notices, press, type_in
from tests.tui.scenes import failure_groups, order_task
from tests.tui.showcase import showcase
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle


def _client(items: int = 1_000) -> FakeTasker:
    client = FakeTasker(FakeClock(), [order_task()])
    client.failures, client.bulk.items = failure_groups(order_task()), items
    return client


async def _send(pilot: Pilot[None], items: int = 1_000) -> None:
    """Retry all of a group, and leave its progress."""
    await press(pilot, "e", "r", "tab")
    await type_in(pilot, str(items))
    await press(pilot, "ctrl+s", "escape")


async def _a_second_later(pilot: Pilot[None]) -> None:
    pilot.app.services.clock.advance(1)
    await settle(pilot)
    for screen in pilot.app.screen_stack:
        if isinstance(screen, OperatorScreen):
            screen.on_tick()
    await settle(pilot)


def _header(pilot: Pilot[None]) -> str:
    return screen_text(pilot).splitlines()[0]


async def test_the_header_follows_what_was_sent_and_a_notice_says_how_it_ended():
    client = _client()
    async with dashboard(client) as pilot:
        await _send(pilot)
        client.bulk.move(412)
        await _a_second_later(pilot)
        assert "⟳ 412/1,000" in _header(pilot)
        client.bulk.finish()
        await _a_second_later(pilot)
        assert "⟳" not in _header(pilot)
        assert "retry is complete: 1,000 of 1,000 done" in notices(pilot)


async def test_an_end_that_is_shown_is_not_told_again():
    client = _client()
    async with dashboard(client) as pilot:
        await _send(pilot)
        await press(pilot, "B", "enter")
        client.bulk.finish()
        await _a_second_later(pilot)
        assert "complete" in screen_text(pilot)
        await press(pilot, "escape")
        await _a_second_later(pilot)
        assert not any("is complete" in notice for notice in notices(pilot))
        assert "⟳" not in _header(pilot)


async def test_one_that_somebody_else_stops_says_who_and_why():
    client = _client()
    async with dashboard(client) as pilot:
        await _send(pilot)
        client.bulk.move(40)
        client.bulk.stop("ben", "the bank is\ndown again")
        await _a_second_later(pilot)
        told = "retry was stopped by ben at 40 of 1,000: the bank is⏎down again\nB shows it"
        assert told in notices(pilot)


async def test_one_that_the_server_has_forgotten_is_not_asked_for_again():
    client = _client()
    async with dashboard(client) as pilot:
        await _send(pilot)
        client.bulk.forget()
        await _a_second_later(pilot)
        assert "⟳" not in _header(pilot)
        assert notices(pilot)[-1].startswith("there is no bulk operation")
        asked = len(client.named("send"))
        await _a_second_later(pilot)
        assert not any(call.path.startswith("/v1/bulk") for call in client.named("send")[asked:])


async def test_a_stopped_one_goes_on_from_the_list():
    client = _client()
    async with dashboard(client) as pilot:
        await _send(pilot)
        client.bulk.move(400)
        await press(pilot, "colon")
        await type_in(pilot, "bulk")
        await press(pilot, "enter")
        assert "tasks › bulk operations" in last_line(pilot)
        assert "400 of 1,000" in screen_text(pilot)
        await press(pilot, "enter")
        assert "x stop   esc let it go on" in screen_text(pilot)
        await press(pilot, "r")
        assert "it is running: there is nothing to resume" in screen_text(pilot)
        await press(pilot, "x")
        assert "stopped   by ana: stopped in the dashboard" in screen_text(pilot)
        assert "r resume   esc leave it stopped" in screen_text(pilot)
        await press(pilot, "x")
        assert "it is stopped: there is nothing to stop" in screen_text(pilot)
        await press(pilot, "r")
        assert "x stop   esc let it go on" in screen_text(pilot)
        client.bulk.finish()
        await _a_second_later(pilot)
        assert "esc close" in screen_text(pilot)
        assert "resume" not in screen_text(pilot)
        commands = [entry.command for entry in pilot.app.services.commands.entries]
    assert commands[-2:] == [f"tasker bulk stop {TOKEN}", f"tasker bulk resume {TOKEN}"]


async def test_a_lost_connection_is_told_until_it_is_back():
    client = _client()
    async with dashboard(client) as pilot:
        await _send(pilot)
        await press(pilot, "B", "enter")
        client.offline = True
        await _a_second_later(pilot)
        assert "it goes on by itself" in screen_text(pilot)
        client.offline = False
        await _a_second_later(pilot)
        assert "it goes on by itself" not in screen_text(pilot)


async def test_a_read_only_profile_looks_on():
    client = showcase()
    profile = Profile("production", "https://tasker.example", read_only=True)
    async with dashboard(client, locator=Locator("bulk"), profile=profile) as pilot:
        await press(pilot, "enter")
        assert "x stop" not in screen_text(pilot)
        await press(pilot, "x")
        assert "the profile production is read-only" in screen_text(pilot)
    assert client.changes == 0


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_asks_where_it_would_end_what_runs(key):
    client = _client()
    async with dashboard(client, ends_stack=True) as pilot:
        await _send(pilot)
        client.bulk.move(412)
        await _a_second_later(pilot)
        await press(pilot, key)
        assert "412 of 1,000 are done" in screen_text(pilot)
        await press(pilot, "escape")
        assert pilot.app.is_running
        await press(pilot, "q")
        await pilot.press("y")
    assert pilot.app.return_code == 0


@pytest.mark.parametrize("ends_stack", [True, False])
async def test_quitting_asks_nothing_where_nothing_is_lost(ends_stack):
    client = _client()
    async with dashboard(client, ends_stack=ends_stack) as pilot:
        await _send(pilot)
        if ends_stack:
            client.bulk.finish()
        await _a_second_later(pilot)
        await pilot.press("q")
    assert pilot.app.return_code == 0


async def test_what_is_known_of_one_can_be_copied_and_filtered():
    client = showcase()
    client.bulk.remember(BulkVerb.CANCEL, BulkState.STOPPED, 9, actor="eve[red]\x1b", reason="[b]wrong")
    async with dashboard(client, locator=Locator("bulk")) as pilot:
        await press(pilot, "slash")
        await type_in(pilot, "eve")
        await press(pilot, "enter", "y", "c")
        number = client.bulk.past[-1].bulk_uuid
        assert pilot.app.clipboard == f"tasker bulk show {number}"
        assert "eve[red]·" in screen_text(pilot)
        assert "[b]wrong" in screen_text(pilot)


async def test_an_empty_list_says_how_to_do_something_to_many():
    async with dashboard(FakeTasker(FakeClock()), locator=Locator("bulk")) as pilot:
        assert "There has been no bulk operation." in screen_text(pilot)
