"""The grid of runs: a cursor in two dimensions, in any number of steps, at any width."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import StepState, TaskState
from engine.model.wire.comparison import GridColumn
from tasker_tui.locator import Locator
from tasker_tui.run_grid import GridCursor, Run, view_of
from tasker_tui.text import short_id
from tests.tui.fake_templates import grid_of
from tests.tui.flows import client_with
from tests.tui.goldens import assert_golden
from tests.tui.keyboard import last_line, notices, press
from tests.tui.scenes import difference, order_task
from tests.tui.support import NOW, FakeStep, FakeTask, FakeTasker, dashboard, screen_text, uuid_at

RUNS = Locator("runs", ("example", "import_catalogue", "1.0.0"))


def run_of(number: int, *failed: int, steps: int = 82) -> FakeTask:
    """A run of a template with many steps; it is blocked where some of them failed."""
    created = NOW - timedelta(minutes=number)
    states = [StepState.ERROR if at in failed else StepState.COMPLETE for at in range(steps)]
    return FakeTask(
        uuid=uuid_at(created, number),
        name="import_catalogue",
        state=TaskState.BLOCKED_BY_FAILURES if failed else TaskState.COMPLETE,
        steps=[FakeStep(f"load_part_{at:02}", state, attempts=1) for at, state in enumerate(states)],
        created_at=created,
    )


def client_with_runs(*tasks: FakeTask) -> FakeTasker:
    client = client_with(*tasks)
    client.grid, client.diff = grid_of(*tasks), difference(order_task(), order_task(2))
    return client


def columns(total: int, length: int) -> list[GridColumn]:
    return [GridColumn(step="x" * length, step_type="standard") for _ in range(total)]


@given(st.integers(1, 200), st.integers(0, 199), st.integers(4, 180), st.integers(1, 60))
def test_the_cursor_is_always_in_view_and_the_view_always_fits(total, at, width, length):
    at = min(at, total - 1)
    view = view_of(columns(total, length), at, width)
    assert 0 <= view.first <= at < view.end <= total
    assert (view.end - view.first) * view.pitch + 2 * view.scrolls <= width
    assert view.scrolls == (view.end - view.first < total)


@given(st.lists(st.sampled_from(["left", "right", "failed"]), max_size=40), st.sets(st.integers(0, 9)))
def test_the_cursor_stays_in_the_grid_and_begins_at_the_first_failed_step(moves, failed):
    grid = grid_of(run_of(1, *failed, steps=10))
    run, cursor = Run(grid.runs[0], grid.columns), GridCursor()
    assert cursor.column(run) == min(failed, default=0)
    for move in moves:
        if move == "failed" and failed:
            cursor.next_failed(run)
            assert cursor.column(run) in failed
        elif move != "failed":
            cursor.move(run, 1 if move == "right" else -1)
        assert 0 <= cursor.column(run) < 10


async def test_a_narrow_grid_shows_the_first_failed_step_and_that_there_is_more():
    async with dashboard(client_with_runs(run_of(1, 57, 80), run_of(2)), (58, 16), RUNS) as pilot:
        shown = screen_text(pilot)
        assert "✗ load_part_57 e…" in shown.splitlines()[2]  # above the columns
        assert "▌✗ load_part_57  error" in shown  # among the steps below
        row = next(line for line in shown.splitlines() if "blocked" in line)
        assert "‹" in row
        assert "›" in row
        assert "✗" in row.split("‹")[1]
        await press(pilot, "exclamation_mark")
        assert "✗ load_part_80 error" in screen_text(pilot)
        await press(pilot, "exclamation_mark", "l", "l", "left")
        assert "▌✓ load_part_58  complete" in screen_text(pilot)


async def test_the_cursor_follows_the_failed_step_of_each_run_until_it_is_moved():
    first, second = run_of(1, 57), run_of(2, 3, 70)
    async with dashboard(client_with_runs(first, second), (80, 24), RUNS) as pilot:
        await press(pilot, "j")
        assert "✗ load_part_03 error" in screen_text(pilot)
        await press(pilot, "l", "k")
        assert "✓ load_part_04 complete" in screen_text(pilot)


async def test_the_filter_finds_steps_that_are_not_told():
    async with dashboard(
        client_with_runs(run_of(1, steps=60), run_of(2, 59, steps=60)), (80, 24), RUNS
    ) as pilot:
        await press(pilot, "slash", *"load_part_59", "space", *"error", "enter")
        assert "1 of 2 shown" in screen_text(pilot)


async def test_enter_opens_the_step_of_that_run_and_o_the_run():
    bad, good = run_of(1, 57), run_of(2)
    async with dashboard(client_with_runs(bad, good), (100, 30), RUNS) as pilot:
        await press(pilot, "enter")
        assert "load_part_57" in last_line(pilot)
        assert str(pilot.app.screen.locator()) == f"step/{bad.uuid}/load_part_57"
        await press(pilot, "escape", "j", "enter")
        assert str(pilot.app.screen.locator()) == f"step/{good.uuid}/load_part_00"
        await press(pilot, "escape", "o")
        assert short_id(str(good.uuid)) in last_line(pilot)


def compared(client: FakeTasker) -> str:
    return client.named("send")[-1].path


async def test_marked_runs_are_compared_the_older_first():
    first, second, third = run_of(1, 57), run_of(2), run_of(3, 12)
    client = client_with_runs(first, second, third)
    async with dashboard(client, (100, 30), RUNS) as pilot:
        await press(pilot, "space")
        assert "1 marked" in screen_text(pilot)
        await press(pilot, "d")
        assert compared(client) == f"/v1/tasks/{second.uuid}/diff/{first.uuid}"
        await press(pilot, "escape", "k", "d")
        assert any("this is the run that is marked" in notice for notice in notices(pilot))
        await press(pilot, "G", "space", "k", "d")
        assert compared(client) == f"/v1/tasks/{third.uuid}/diff/{first.uuid}"
        await press(pilot, "escape", "space", "d")
        assert any("3 runs are marked, and only two can be compared" in notice for notice in notices(pilot))
        await press(pilot, "u", "u")
        assert "marked" not in screen_text(pilot).splitlines()[1]


async def test_where_no_run_is_complete_one_is_compared_with_the_run_before():
    first, second = run_of(1, 57), run_of(2, 12)
    client = client_with_runs(first, second)
    async with dashboard(client, (100, 30), RUNS) as pilot:
        await press(pilot, "d")
        assert any("no other run is complete: this is the run before" in notice for notice in notices(pilot))
        assert compared(client) == f"/v1/tasks/{second.uuid}/diff/{first.uuid}"
        await press(pilot, "escape", "j", "d")
        assert compared(client) == f"/v1/tasks/{second.uuid}/diff/{first.uuid}"


async def test_the_only_run_is_compared_with_nothing():
    async with dashboard(client_with_runs(run_of(1, 57)), (100, 30), RUNS) as pilot:
        await press(pilot, "d")
        assert any("this template has no other run" in notice for notice in notices(pilot))


async def test_a_template_that_never_ran_is_started_from_its_grid():
    client = client_with_runs(run_of(1))
    client.grid.runs.clear()
    async with dashboard(client, (80, 24), Locator("runs", ("example", "linear_workflow", "1.0.0"))) as pilot:
        shown = screen_text(pilot)
        assert "This version of the template has no run." in shown
        assert "s starts one, esc leads back." in shown
        await press(pilot, "enter", "exclamation_mark", "d", "space", "s", "ctrl+s")
        assert client.created == 1


async def test_a_run_without_a_failed_step_says_so():
    async with dashboard(client_with_runs(run_of(1)), (80, 24), RUNS) as pilot:
        await press(pilot, "exclamation_mark")
        assert any("no step of this task has failed" in notice for notice in notices(pilot))


async def test_workers_of_a_batch_share_a_column_that_leads_to_the_run():
    client = client_with_runs(run_of(1, 1, steps=3))
    client.grid.columns[1].step_type = "batch_worker"
    async with dashboard(client, (80, 24), RUNS) as pilot:
        await press(pilot, "enter")
        assert str(pilot.app.screen.locator()).startswith("task/")


@pytest.mark.parametrize("size", [(58, 16), (80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_many_steps(size):
    runs = [run_of(1, 57, 80), run_of(2), run_of(3, 12), run_of(4)]
    async with dashboard(client_with_runs(*runs), size, RUNS) as pilot:
        assert_golden(f"grid-{size[0]}x{size[1]}", screen_text(pilot))


async def test_the_cursor_is_seen_without_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(client_with_runs(run_of(1, 57)), (80, 24), RUNS) as pilot:
        line = pilot.app.screen.table.render_line(1)
        assert [part.text for part in line if part.text and not part.style.reverse] == ["✗"]
