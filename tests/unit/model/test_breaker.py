"""Circuit breakers against what the reference says of them, in words that do not share their code."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.breaker import BreakerGroup, BreakerState, CircuitBreaker, Thresholds

THRESHOLDS = Thresholds(failures=3, open_seconds=10.0, successes=2)


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker() -> tuple[CircuitBreaker, Clock]:
    clock = Clock()
    return CircuitBreaker("it", THRESHOLDS, clock), clock


def attempt(one: CircuitBreaker, *, good: bool) -> bool:
    """Whether the call was made."""
    if one.state is BreakerState.OPEN:
        one.reject()
        return False
    with suppress(ValueError), one.watch(ValueError):
        if not good:
            raise ValueError
    return True


EVENTS = st.lists(
    st.one_of(st.booleans(), st.sampled_from([0.5, 4.0, 9.5, 10.0, 30.0])), min_size=1, max_size=60
)


@given(EVENTS)
def test_it_opens_tries_and_closes_as_its_thresholds_say(events: list[bool | float]) -> None:
    one, clock = breaker()
    in_a_row, opened_at, good_tries = 0, None, 0
    for event in events:
        if isinstance(event, float):
            clock.now += event
            continue
        made = attempt(one, good=event)
        assert made == (opened_at is None or clock.now >= opened_at + 10.0)
        if not made:
            assert one.state is BreakerState.OPEN
            continue
        if opened_at is None:
            in_a_row = 0 if event else in_a_row + 1
            if in_a_row == 3:
                opened_at, good_tries = clock.now, 0
        elif not event:
            opened_at, good_tries = clock.now, 0
        else:
            good_tries += 1
            if good_tries == 2:
                opened_at, in_a_row = None, 0
        expected = BreakerState.CLOSED if opened_at is None else BreakerState.OPEN
        assert one.state in (expected, BreakerState.HALF_OPEN if opened_at is not None else expected)


@given(st.lists(st.booleans(), max_size=40))
def test_two_reports_in_a_row_that_all_is_well_close_it_at_once(reports: list[bool]) -> None:
    one, _ = breaker()
    for good in [*reports, True, True]:
        one.succeeded() if good else one.failed()
    assert one.state is BreakerState.CLOSED
    assert one.retry_after_seconds == 0
    assert one.total_failures == reports.count(False)


def test_open_it_says_when_to_try_again_and_counts_what_it_refuses() -> None:
    one, clock = breaker()
    for _ in range(3):
        assert attempt(one, good=False)
    assert (one.state, one.retry_after_seconds) == (BreakerState.OPEN, 10)
    clock.now = 9.5
    assert one.retry_after_seconds == 1
    assert not attempt(one, good=True)
    clock.now = 10.0
    assert one.state is BreakerState.HALF_OPEN
    assert attempt(one, good=False)
    clock.now = 25.0
    assert one.troubled_seconds == 25.0  # since it left closed, not since it was last tried
    assert attempt(one, good=True)
    assert attempt(one, good=True)
    assert (one.state, one.rejections) == (BreakerState.CLOSED, 1)
    assert one.troubled_seconds is None


def test_a_call_that_is_cancelled_says_nothing() -> None:
    one, clock = breaker()
    for _ in range(3):
        attempt(one, good=False)
    clock.now = 10.0
    with pytest.raises(asyncio.CancelledError), one.watch(ValueError):
        raise asyncio.CancelledError
    assert (one.state, one.failures) == (BreakerState.HALF_OPEN, 3)


def test_an_error_that_is_an_answer_is_no_failure() -> None:
    one, _ = breaker()
    for _ in range(9):
        with pytest.raises(KeyError), one.watch(ValueError):
            raise KeyError
    assert (one.state, one.failures) == (BreakerState.CLOSED, 0)


def test_of_a_group_those_that_nobody_calls_any_more_are_forgotten() -> None:
    clock = Clock()
    group: BreakerGroup[str] = BreakerGroup("them", THRESHOLDS, clock)
    for _ in range(3):
        group.report("gone", good=False)
    assert (group.blocked(), group.state) == (["gone"], BreakerState.OPEN)
    clock.now = 60.0
    group.report("slow", good=False)
    clock.now = 100.0
    assert (group.blocked(), group.state, group.failures) == ([], BreakerState.HALF_OPEN, 3)
    assert group.troubled_seconds == 100.0
    clock.now = 101.0
    assert (group.blocked(), group.state, group.failures) == ([], BreakerState.CLOSED, 1)
    assert group.total_failures == 4
