"""Percentiles from histograms lie in the bucket in which the true ones do."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.histogram import Histogram

BOUNDS = [5, 10, 100, 1000]


def filled(durations):
    found = Histogram(BOUNDS)
    for one in durations:
        found.add(bisect_left(BOUNDS, one), 1, one)
    return found


@given(st.lists(st.integers(0, 1000), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(durations, share):
    wanted = share * len(durations)
    true = next(one for place, one in enumerate(sorted(durations), 1) if place >= wanted)
    index = bisect_left(BOUNDS, true)
    found = filled(durations).percentile(share)
    assert (BOUNDS[index - 1] if index else 0) <= found <= BOUNDS[index]


@given(st.lists(st.integers(0, 5000), min_size=1))
def test_percentiles_ascend(durations):
    figures = filled(durations).figures()
    assert figures.p50_ms <= figures.p95_ms <= figures.p99_ms
    assert figures.mean_ms == pytest.approx(sum(durations) / len(durations), abs=0.06)


def test_what_is_longer_than_all_bounds_is_at_least_the_last():
    assert filled([9_999]).figures().p50_ms == 1000


def test_no_durations_have_no_figures():
    assert filled([]).figures() is None
