"""Jump mode leads to any row in view by its letter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.jumping import labels
from tests.tui.scenes import day
from tests.tui.support import FakeClock, FakeTasker, dashboard
from tests.tui.test_flows import press


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
