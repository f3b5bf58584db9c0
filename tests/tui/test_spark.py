"""Small pictures of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.widgets.spark import curve, meter, sample, spark

VALUES = st.lists(st.floats(0, 1e9) | st.just(0.0), max_size=200)
WIDTHS = st.integers(0, 80)


def test_a_sparkline_shows_nothing_little_and_much_apart():
    assert spark([0, 1, 50, 100], 6) == "  ·▁▄█"
    assert spark([0, 1, 50, 100], 6, ascii_only=True) == "  _.=#"
    assert spark([], 3) == "   "
    assert spark([5, 5], 2, top=10) == "▄▄"


def test_a_curve_fills_from_below():
    assert curve([1, 2, 3, 4, 5, 6, 7, 8], 4, 2) == ["  ⣠⣾", "⣠⣾⣿⣿"]
    assert curve([1, 2, 3, 4], 4, 2, ascii_only=True) == ["  :#", ":###"]


def test_a_meter_has_two_parts():
    assert meter(0.5, 4) == ("██", "──")
    assert meter(0.001, 4) == ("▏", "───")
    assert meter(7, 3, ascii_only=True) == ("###", "")


@given(VALUES, WIDTHS, st.booleans())
def test_a_sparkline_is_as_wide_as_asked_and_shows_all_that_is_not_nothing(values, width, ascii_only):
    shown = spark(values, width, ascii_only=ascii_only)
    assert len(shown) == width
    assert shown.isascii() or not ascii_only
    assert len(values) > width or shown.count("_" if ascii_only else "·") == values.count(0)


@given(VALUES, st.integers(1, 80))
def test_sampling_keeps_the_peak(values, cells):
    found = sample(values, cells)
    assert len(found) == min(cells, len(values))
    assert max(found, default=0) == max(values, default=0)


@given(VALUES, WIDTHS, st.integers(1, 6), st.booleans())
def test_a_curve_has_the_size_that_was_asked_for(values, width, height, ascii_only):
    lines = curve(values, width, height, ascii_only=ascii_only)
    assert [len(line) for line in lines] == [width] * height


@pytest.mark.parametrize("ascii_only", [False, True])
@given(share=st.floats(-1, 2), width=WIDTHS)
def test_a_meter_is_as_wide_as_asked(share, width, ascii_only):
    full, rest = meter(share, width, ascii_only=ascii_only)
    assert len(full) + len(rest) == width
    assert bool(full) == (share > 0 and width > 0)


def test_the_newest_value_is_at_the_right_edge_at_every_width():
    for count in range(1, 121):
        newest = [0.0] * (count - 1) + [1.0]
        assert all(sample(newest, cells)[-1] == 1 for cells in range(1, 121)), count
