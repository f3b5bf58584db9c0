"""The way back and forth through the places that were shown."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.locator import Locator
from tasker_tui.visits import Visits
from tests.tui.scenes import day, failure_groups, order_task, queues
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text
from tests.tui.test_flows import last_line, notices, press, type_in

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
