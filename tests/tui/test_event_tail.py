"""The event tail: what is kept of very many events, and which of them fit a filter."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.wire.events import TransitionChange
from tasker_tui.event_filter import EventFilterError, parse_event_filter
from tasker_tui.event_tail import KEPT, SLACK, EventTail
from tests.tui.support import NOW

TASK = UUID(int=0x1F3A)


def _change(number: int, state: str = "complete", step: str | None = "charge", **more) -> TransitionChange:
    return TransitionChange(
        id=number, at=NOW, task_uuid=TASK, step_uuid=UUID(int=number + 1) if step else None, step_name=step,
        path=[state], to_state=state, **more,
    )  # fmt: skip


def test_a_flood_is_kept_in_bounds_and_counted():
    tail = EventTail()
    for batch in range(30):
        tail.add([_change(1000 * batch + i) for i in range(1000)], NOW)
    assert KEPT <= tail.total <= KEPT + SLACK
    assert tail.seen == tail.total + tail.let_go == 30_000
    assert tail.key_of(tail.row_at(0)) == "29999"
    assert tail.rate(NOW) == 6_000
    assert tail.rate(NOW + timedelta(seconds=6)) == 0


@given(st.lists(st.sampled_from(["complete", "error", "follow", "pause", "all", "errors"]), max_size=12))
def test_after_a_pause_it_shows_what_it_would_have_shown_without(acts):
    tail, number = EventTail(), 0
    all_of_it = []
    for act in acts:
        if act in ("complete", "error"):
            number += 1
            all_of_it.append((number, act))
            tail.add([_change(number, act)], NOW)
        elif act == "pause":
            tail.paused = True
        elif act == "follow":
            tail.follow()
        else:
            tail.narrow(parse_event_filter("state:error" if act == "errors" else ""))
    tail.follow()
    wanted = [str(n) for n, state in reversed(all_of_it) if not tail.filter.text or state == "error"]
    assert [tail.key_of(tail.row_at(i)) for i in range(tail.total)] == wanted
    assert [tail.index_of(key) for key in wanted] == list(range(len(wanted)))


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("state:error", True),
        ("state:blocked,error", True),
        ("state:complete", False),
        ("template:shop/ord", True),
        ("task:1f3a", True),
        ("step:refund", False),
        ("actor:ana", True),
        ("!charge", False),
        ("!refund charge shop", True),
        ("by hand", True),
    ],
)
def test_a_filter_fits(text, fits):
    change = _change(1, "error", actor="Ana", reason="reset by hand")
    assert parse_event_filter(text).fits(change, "shop/orders") is fits


@pytest.mark.parametrize(
    ("text", "says"),
    [("stat:x", "did you mean state:?"), ("state:", "needs a value"), ("state:eror", "did you mean error?")],
)
def test_a_filter_that_cannot_be_read_says_why(text, says):
    with pytest.raises(EventFilterError) as caught:
        parse_event_filter(text)
    assert says in str(caught.value)
