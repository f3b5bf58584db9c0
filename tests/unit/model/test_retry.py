import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.retry import backoff_bounds
from engine.model.templates import Retry


def middle(retry: Retry, attempt: int) -> float:
    shortest, longest = backoff_bounds(retry, attempt)
    return (shortest + longest) / 2


@pytest.mark.parametrize(
    ("backoff", "seconds"),
    [
        ("exponential", [2, 4, 8, 16, 32]),
        ("linear", [1, 2, 3, 4, 5]),
        ("fibonacci", [1, 2, 3, 5, 8]),
        ("none", [0, 0, 0, 0, 0]),
    ],
)
def test_the_waits_of_each_policy(backoff, seconds):
    retry = Retry(backoff=backoff, backoff_base_ms=1000, max_backoff_ms=3_600_000)
    assert [middle(retry, attempt) for attempt in range(1, 6)] == pytest.approx(seconds)


def test_a_wait_is_spread_by_fifteen_percent():
    assert backoff_bounds(Retry(backoff_base_ms=1000), 1) == pytest.approx((1.7, 2.3))


def test_the_cap_comes_before_the_spread():
    assert backoff_bounds(Retry(backoff_base_ms=1000, max_backoff_ms=5000), 10) == pytest.approx((4.25, 5.75))


policies = st.builds(
    Retry,
    backoff=st.sampled_from(["exponential", "linear", "fibonacci", "none"]),
    backoff_base_ms=st.integers(0, 3_600_000),
    max_backoff_ms=st.integers(0, 3_600_000),
)


@given(policies, st.integers(1, 99))
def test_waits_never_shrink_and_never_leave_the_cap(retry, attempt):
    shortest, longest = backoff_bounds(retry, attempt)
    assert 0 <= shortest <= longest <= retry.max_backoff_ms / 1000 * 1.15 + 1e-9
    assert middle(retry, attempt + 1) >= middle(retry, attempt)
