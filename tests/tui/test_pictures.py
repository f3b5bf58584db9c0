"""What the screens look like with their colours: a dozen SVGs, of which a browser shows what has changed."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.tui.goldens import assert_picture
from tests.tui.showcase import showcase
from tests.tui.support import dashboard, settle

SIZE = (120, 34)


@pytest.mark.parametrize(
    ("name", "keys", "theme"),
    [
        ("tasks", "", "tasker-dark"),
        ("tasks-light", "", "tasker-light"),
        ("tasks-contrast", "", "tasker-contrast"),
        ("task", "enter", "tasker-dark"),
        ("task-light", "enter", "tasker-light"),
        ("gantt", "enter 3", "tasker-dark"),
        ("retry", "enter r", "tasker-dark"),
        ("failures", "e", "tasker-dark"),
        ("bulk", "e r", "tasker-contrast"),
        ("letters", "D", "tasker-dark"),
        ("pulse", "0", "tasker-dark"),
        ("step", "enter enter", "tasker-dark"),
        ("start", "s enter", "tasker-dark"),
        ("help", "question_mark", "tasker-light"),
    ],
    ids=lambda value: value.replace(" ", "+") or "-",
)
async def test_picture(name, keys, theme):
    async with dashboard(showcase(), SIZE) as pilot:
        pilot.app.theme = theme
        for key in keys.split():
            await pilot.press(key)
            await settle(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await settle(pilot)
        assert_picture(name, pilot.app.export_screenshot(title="tasker"))
