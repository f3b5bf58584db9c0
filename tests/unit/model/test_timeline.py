"""Segments of a step from its rows of the log, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import STEP_TERMINAL, STEP_TRANSITIONS, StepState
from engine.model.timeline import KINDS, PathRow, last_attempts, segments_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def histories(draw):
    """Rows that a step may leave, each with a path of one to three allowed hops; clocks may go back."""
    rows, state, at = [], "pending", BEGIN
    for index in range(draw(st.integers(1, 12))):
        path = [state]
        for _ in range(draw(st.integers(0 if index == 0 else 1, 3))):
            onwards = sorted(to for start, to in STEP_TRANSITIONS if start == path[-1])
            if not onwards:
                break
            path.append(draw(st.sampled_from(onwards)))
        if index and len(path) == 1:
            break
        rows.append(PathRow(at, [str(one) for one in path], index, None))
        state, at = path[-1], at + timedelta(seconds=draw(st.integers(-1, 5)))
    return rows


@given(histories())
def test_segments_follow_each_other_without_gap_or_overlap(rows):
    segments = segments_of(rows)
    for segment, following in pairwise(segments):
        assert segment.end is not None
        assert segment.start <= segment.end <= following.start
    last = rows[-1].path[-1]
    assert (segments != [] and segments[-1].end is None) == (last not in STEP_TERMINAL)
    runs = [segment for segment in segments if segment.kind == "running"]
    assert len(runs) == sum(row.path[-1] == "in_progress" for row in rows)
    assert all((run.outcome is None) == (run.end is None) for run in runs)


@given(histories(), st.integers(1, 4))
def test_the_last_attempts_are_the_end_of_all(rows, count):
    segments = segments_of(rows)
    runs = sum(segment.kind == "running" for segment in segments)
    kept = last_attempts(segments, count, runs)
    assert segments[len(segments) - len(kept) :] == kept
    assert sum(segment.kind == "running" for segment in kept) == min(runs, count)


def test_every_state_that_is_left_has_a_kind():
    assert set(KINDS) | set(STEP_TERMINAL) == set(StepState)
