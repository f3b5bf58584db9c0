"""The way back and forth through the places that were shown."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.locator import Locator
from tasker_tui.visits import Visits
from tests.tui.keyboard import last_line, notices, press, type_in
from tests.tui.scenes import day, failure_groups, order_task, queues
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text

PLACES = st.builds(Locator, st.sampled_from(["tasks", "failures", "queues"]), query=st.sampled_from("ab"))


@given(st.lists(PLACES, min_size=1, max_size=20))
def test_going_back_and_forth_shows_what_was_shown_last(places):
    visits = Visits()
    for place in places:
        visits.record(place)
    back = list(iter(lambda: visits.go(-1), None))
    forth = list(iter(lambda: visits.go(1), None))
    assert forth == ([places[-1], *back][:-1][::-1])
    way = [*reversed(back), places[-1]]
    assert all(one.target != other.target for one, other in pairwise(way))
    visits.record(Locator("letters"))
    assert visits.go(1) is None


async def test_brackets_lead_through_the_places_that_were_shown():
    client = FakeTasker(FakeClock(), day())
    client.queues, client.failures = queues(), failure_groups(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "left_square_bracket")
        assert "this is the first place that was shown" in notices(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "order")
        await press(pilot, "enter", "enter")
        task = last_line(pilot)
        assert "charge_card" in task
        await press(pilot, "e", "Q", "escape", "left_square_bracket")
        assert "tasks › queues" in last_line(pilot)
        await press(pilot, "left_square_bracket")
        assert "tasks › failures" in last_line(pilot)
        await press(pilot, "left_square_bracket")
        assert last_line(pilot)[:20] == task[:20]
        await press(pilot, "left_square_bracket")
        assert "Tasks  order" in screen_text(pilot)  # with its filter
        await press(pilot, "right_square_bracket", "right_square_bracket")
        assert "tasks › failures" in last_line(pilot)
        await press(pilot, "D", "right_square_bracket")  # another way: what came after is forgotten
        assert "this is the last place that was shown" in notices(pilot)


async def test_tabs_have_stacks_and_filters_of_their_own():
    client = FakeTasker(FakeClock(), day())
    client.queues, client.failures = queues(), failure_groups(order_task())
    async with dashboard(client) as pilot:

        def header() -> str:
            return screen_text(pilot).splitlines()[0]

        await press(pilot, "ctrl+w")
        assert "this is the only tab; q leaves the dashboard" in notices(pilot)
        assert " 1 tasks" not in header()
        await press(pilot, "exclamation_mark", "ctrl+t")
        assert " 1 tasks  2 tasks " in header()
        assert "state:" not in screen_text(pilot).splitlines()[1]
        await press(pilot, "e")
        assert " 1 tasks  2 failures " in header()
        await press(pilot, "alt+1")
        assert "state:failing" in screen_text(pilot).splitlines()[1]
        await press(pilot, "left_square_bracket")
        assert "this is the first place that was shown" in notices(pilot)  # of this tab
        new = order_task(9, minutes_ago=0.1)
        client.announce(new)
        await press(pilot, "trade_mark_sign", "escape")  # alt+2 of a terminal without a protocol for keys
        assert str(new.uuid)[-8:] in screen_text(pilot)  # went on while it was not shown
        await press(pilot, "alt+5")
        assert "there is no tab 5; ^t opens one" in notices(pilot)
        await press(pilot, "colon")
        await type_in(pilot, "close")
        await press(pilot, "enter")
        assert "state:failing" in screen_text(pilot).splitlines()[1]
        assert " 1 tasks" not in header()
        await press(pilot, *["ctrl+t"] * 9)
        assert "there are 9 tabs already; ^w closes one" in notices(pilot)


async def test_minus_leads_to_the_view_before_where_nothing_folds():
    async with dashboard(FakeTasker(FakeClock(), [order_task()])) as pilot:
        await press(pilot, "e", "Q", "minus")
        assert pilot.app.screen.locator() == Locator("failures")
        await press(pilot, "escape", "enter", "minus")
        assert pilot.app.screen.locator().place == "task"


@pytest.mark.parametrize("keys", ["", "enter", "enter enter", "e", "Q", "Q 2", "D", "t", "0", "v"])
async def test_a_screen_is_loaded_again_on_demand(keys):
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client) as pilot:
        await press(pilot, *keys.split())
        before = len(client.calls)
        await press(pilot, "ctrl+r")
        assert len(client.calls) > before
        assert not notices(pilot)


async def test_what_comes_by_itself_says_so():
    async with dashboard(FakeTasker(FakeClock(), [order_task()])) as pilot:
        await press(pilot, "E", "ctrl+r")
        assert "what is shown here comes by itself, at once" in notices(pilot)
