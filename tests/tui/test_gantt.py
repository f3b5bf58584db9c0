"""The Gantt chart: whatever the times, the cells say what they say; and it goes on as steps do."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.model.states import StepState, TaskState
from engine.model.timeline import PathRow, continued, segments_of
from engine.model.wire.reports import Timeline, TimelineStep
from tasker_tui.gantt.bars import ENDS, LADDER, Span, Window, cells_of, ruler, rung_for, shades, tick_label
from tasker_tui.gantt.chart import Chart, View
from tests.tui.keyboard import press
from tests.tui.scenes import order_task, small_task
from tests.tui.support import NOW, FakeClock, FakeTasker, dashboard, screen_text, settle

KINDS = ("waiting", "queued", "running", "engine", "retry_wait", "failed")
lengths = st.floats(0.001, 1e6)


@st.composite
def histories(draw) -> list[Span]:
    """Times of one step, one after another, some of no length."""
    spans, at = [], 0.0
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=12)):
        end = at + draw(st.sampled_from([0.0, 0.003, 0.4, 1.0, 7.5, 60.0, 900.0]))
        outcome = draw(st.sampled_from(["succeeded", *ENDS])) if kind == "running" else None
        spans.append(Span(kind, at, end, outcome))
        at = end
    return spans


windows = st.builds(Window, st.integers(0, 400), st.sampled_from(LADDER[:18]), st.integers(1, 120))


@given(histories(), windows)
def test_every_attempt_in_view_has_a_cell_and_no_cell_lies(spans, window):
    cells = shades(spans, window)
    assert len(cells) == window.width
    for span in spans:
        first = window.cell_of(span.begin)
        if span.kind == "running" and 0 <= first < window.width:
            assert cells[first].startswith("run")
    for i, shade in enumerate(cells):
        begin = (window.first + i) * window.per_cell
        kind = "running" if shade.startswith("run") else shade
        near = [s for s in spans if s.begin <= begin + window.per_cell * 1.01 and s.end >= begin * 0.999999]
        assert shade == "blank" or kind in {span.kind for span in near}


@given(histories(), windows, st.integers(1, 50))
def test_scrolling_shows_the_same_bars_elsewhere(spans, window, by):
    there = Window(window.first + by, window.per_cell, window.width)
    kept = max(0, window.width - by)
    assert shades(spans, window)[by:] == shades(spans, there)[:kept]


@given(lengths, st.integers(8, 200), st.integers(0, 30))
def test_any_length_fits_and_any_zoom_stays_on_the_chart(length, width, zoom):
    whole = View().window(length, width)
    assert whole.first == 0
    assert cells_of(length, whole.per_cell) <= width or whole.per_cell == LADDER[-1]
    view = View()
    view.zoom_by(zoom, length, width, length)
    window = view.window(length, width)
    assert 0 <= window.cell_of(length) < width, "the end was in the middle"
    view.zoom_by(-zoom, length, width, None)
    assert view.window(length, width) == whole


@given(lengths, st.integers(8, 200), st.integers(0, 12), st.lists(st.integers(-300, 300), max_size=6))
def test_scrolling_ends_at_the_ends(length, width, zoom, scrolls):
    view = View()
    view.zoom_by(zoom, length, width, None)
    last = max(0, cells_of(length, view.window(length, width).per_cell) - width)
    for cells in scrolls:
        view.scroll(cells, length, width)
        assert 0 <= view.window(length, width).first <= last


@given(lengths, st.integers(8, 200), st.integers(0, 12), st.floats(0, 1))
def test_a_step_that_is_looked_at_comes_into_view(length, width, zoom, share):
    view, begin = View(), length * share
    view.zoom_by(zoom, length, width, 0.0)
    view.show(begin, begin, length, width)
    assert 0 <= view.window(length, width).cell_of(begin) < width


@given(windows)
def test_the_ruler_says_the_times_of_its_cells(window):
    line = ruler(window)
    assert len(line) == window.width
    for at in (i for i, char in enumerate(line) if char == "|"):
        cell = window.first + at
        assert cell % 10 == 0
        label = tick_label(cell * window.per_cell, 10 * window.per_cell)
        assert label.startswith(line[at + 1 : at + 10].rstrip())


def test_times_are_told_as_exactly_as_ticks_need():
    told = [tick_label(0.05, 0.05), tick_label(1.5, 0.5), tick_label(100, 10), tick_label(7260, 60)]
    assert told == ["50ms", "1.5s", "1m40s", "2h01m"]
    assert [tick_label(90000, 3600), tick_label(864000, 86400)] == ["1d01h", "10d"]


STATES = ["pending", "enqueued", "in_progress", "enqueued_for_orchestration", "waiting_for_retry", "complete"]


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 9)), min_size=1, max_size=12))
def test_going_on_row_by_row_gives_what_the_whole_log_gives(moves):
    at, before, rows = NOW, "pending", []
    for state, seconds in moves:
        assume(state != before or not rows)
        rows.append(PathRow(at, [before, state], 1, None))
        before, at = state, at + timedelta(seconds=seconds)
    found = segments_of(rows[:1])
    for row in rows[1:]:
        found = continued(found, row)
        assert continued(found, row) == found, "a row that is heard twice"
    assert found == segments_of(rows)


def test_steps_stand_in_the_order_of_their_start_and_the_others_behind():
    def step(number: int, state: str, after: float) -> TimelineStep:
        rows = [PathRow(NOW + timedelta(seconds=after), ["pending", state], 1, None)]
        return TimelineStep(
            step_uuid=UUID(int=number), step=str(number), step_type="standard",
            state=StepState(state), segments=segments_of(rows), earlier_attempts=0,
        )  # fmt: skip

    steps = [step(1, "pending", 0), step(2, "enqueued", 5), step(3, "in_progress", 2), step(4, "pending", 0)]
    chart = Chart()
    whole = Timeline(
        task_uuid=UUID(int=9), state=TaskState.STEPS_IN_PROCESS, created_at=NOW, completed_at=None,
        calculated_at=NOW, steps=steps, workers=[], next_after=None,
    )  # fmt: skip
    chart.load([whole])
    uuids = [str(UUID(int=n)) for n in (1, 2, 3, 4)]
    assert chart.start_order(uuids) == [uuids[2], uuids[1], uuids[0], uuids[3]]


def line_of(pilot, name: str) -> str:
    return next(line for line in screen_text(pilot).splitlines() if f" {name} " in line)


async def test_the_chart_zooms_scrolls_shares_its_cursor_and_goes_on_as_steps_do():
    task = order_task()
    client = FakeTasker(FakeClock(), [task])
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "3")
        assert line_of(pilot, "charge_card").count("✗") == 4, "the state and three attempts"
        assert line_of(pilot, "merge_packs").count("│") == 3, "the frame and the time that it is now"
        running = line_of(pilot, "pack_c").count("█")
        client.clock.advance(10)
        task.step("pack_c").took = 30
        client.transition(task, "pack_c", StepState.COMPLETE)
        await settle(pilot)
        assert line_of(pilot, "pack_c").count("█") > running
        assert "▸" not in line_of(pilot, "pack_c")
        await press(pilot, "j")
        coarse = screen_text(pilot)
        await press(pilot, "plus")
        fine = screen_text(pilot)
        assert line_of(pilot, "pack_c").count("█") > running * 2
        await press(pilot, *["h"] * 12)
        assert "|0s" in screen_text(pilot)
        assert screen_text(pilot) != fine
        await press(pilot, "minus", "minus", "minus")
        assert screen_text(pilot) == coarse
        await press(pilot, "g", "j")
        assert "› reserve_stock" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "1")
        assert "› reserve_stock" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "exclamation_mark", "3")
        assert "▌" in line_of(pilot, "✗ charge_card")


async def test_without_the_server_the_chart_says_so():
    client = FakeTasker(FakeClock(), [small_task(1, TaskState.COMPLETE, 3)])
    async with dashboard(client) as pilot:
        await press(pilot, "enter")
        client.offline = True
        await press(pilot, "3")
        assert "the times could not be loaded" in screen_text(pilot)


@pytest.mark.parametrize("length", [0.5, 90.0, 5000.0, 4e5])
def test_the_coarsest_scale_that_is_needed_is_taken(length):
    rung = rung_for(length, 80)
    assert LADDER[rung] * 80 > length
    assert rung == 0 or LADDER[rung - 1] * 79 <= length
