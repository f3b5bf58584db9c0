"""The bench's arithmetic."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.bench.statistics import Distribution, Repeated, percentile, ratio

values = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (95, 95), (99, 99), (100, 100), (1, 1)])
def test_the_percentiles_of_a_hundred_values(percent, expected):
    assert percentile(list(range(1, 101)), percent) == expected


@given(values, st.floats(0.1, 100))
def test_a_percentile_is_the_smallest_value_that_enough_others_do_not_exceed(found, percent):
    ordered = sorted(found)
    result = percentile(ordered, percent)
    enough = len(ordered) * percent / 100
    assert sum(value <= result for value in ordered) >= enough - 1e-9
    assert sum(value < result for value in ordered) < enough + 1e-9


@given(values)
def test_a_distribution_is_ordered_and_of_the_values(found):
    result = Distribution.of(found)
    assert result.count == len(found)
    assert result.p50 <= result.p95 <= result.p99 <= result.highest == max(found)
    assert {result.p50, result.p95, result.p99} <= set(found)


@given(values)
def test_repeated_runs(found):
    assert Repeated.of(found).median == median(found)


def test_the_spread_of_runs():
    assert Repeated.of([90, 100, 110]).spread == pytest.approx(0.2)
    assert Repeated.of([0.0]).spread == 0.0


def test_figures_are_compared_pair_by_pair():
    # The machine got twice as slow on the way; the second is a tenth slower than the first all along.
    assert ratio([(100, 90), (50, 45), (48, 43.2)]) == pytest.approx(0.9)
