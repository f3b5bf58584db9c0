"""Jump mode leads to any row in view by its letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import TaskState
from tasker_tui.jumping import labels
from tests.tui.keyboard import notices, press
from tests.tui.scenes import day, small_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, settle


@given(st.integers(0, 300))
def test_no_label_begins_another(count):
    made = labels(count)
    assert len(set(made)) == count
    assert len({len(label) for label in made}) <= 1


async def test_a_letter_leads_to_its_row():
    async with dashboard(FakeTasker(FakeClock(), day()), (100, 20)) as pilot:
        table = pilot.app.screen.table
        await press(pilot, "f")
        shown = {str(label.render()): label.region.offset for label in pilot.app.screen.query("Static")}
        assert len(shown) == table.page
        await press(pilot, "d")
        assert table.cursor_key == table.source.row_at(2).uuid
        assert shown["d"].y - shown["a"].y == 2
        await press(pilot, "f", "escape")
        assert table.cursor_key == table.source.row_at(2).uuid
        await press(pilot, "G", "f", "a")
        assert table.cursor_key == table.source.row_at(table.source.total - table.page).uuid


async def test_a_letter_leads_to_the_row_that_it_stood_on():
    failed = [small_task(number, TaskState.ERROR, number) for number in range(1, 5)]
    client = FakeTasker(FakeClock(), failed)
    async with dashboard(client, (100, 20)) as pilot:
        table = pilot.app.screen.table
        await press(pilot, "exclamation_mark", "f")
        meant = table.source.row_at(2).uuid
        client.announce(small_task(9, TaskState.ERROR, 0))
        await settle(pilot)
        await press(pilot, "d")
        assert table.cursor_key == meant
        await press(pilot, "f")
        gone = next(task for task in failed if str(task.uuid) == table.source.row_at(1).uuid)
        gone.state = TaskState.COMPLETE
        client.announce(gone)
        await settle(pilot)
        await press(pilot, "s")
        assert table.cursor_key == meant
        assert "jump: the row has left the list" in notices(pilot)
