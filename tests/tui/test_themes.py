"""Choosing the colours, and beginning with them again."""

from __future__ import annotations

from pathlib import Path

from tasker_tui.app import TaskerApp
from tasker_tui.locator import Locator
from tasker_tui.toml_lines import Document
from tasker_tui.user_config import UserConfig
from tests.tui.flows import client_with
from tests.tui.keyboard import press, type_in
from tests.tui.support import LOCAL, NO_CONFIG, dashboard, screen_text


def begun_again(state: Path, config: UserConfig = NO_CONFIG) -> TaskerApp:
    client = client_with()
    return TaskerApp(
        client, LOCAL, Locator(), clock=client.clock, user="ana", ascii_only=False, config=config, state=state
    )


async def test_a_theme_is_shown_while_one_moves_to_it_and_escape_brings_the_old_one_back():
    async with dashboard(client_with()) as pilot:
        await press(pilot, "T")
        await type_in(pilot, "tasker")
        assert pilot.app.theme == "tasker-dark"
        await press(pilot, "down", "down")
        assert pilot.app.theme == "tasker-light"
        await press(pilot, "escape")
        assert pilot.app.theme == "tasker-dark"


async def test_the_choice_is_remembered_and_the_users_file_counts_for_more(tmp_path):
    app = begun_again(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("T", *"light", "enter")
        await pilot.pause()
        assert app.theme == "tasker-light"
    assert begun_again(tmp_path).theme == "tasker-light"
    document = Document(Path("config.toml"), 'theme = "tasker-contrast"\n')
    assert begun_again(tmp_path, UserConfig(Path("config.toml"), document)).theme == "tasker-contrast"


async def test_a_theme_that_is_gone_is_forgotten(tmp_path):
    (tmp_path / "theme").write_text("night\n")
    assert begun_again(tmp_path).theme == "tasker-dark"


async def test_a_command_line_is_remembered_too(tmp_path):
    app = begun_again(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("colon", *"theme", "space", *"contrast", "enter")
        await pilot.pause()
    assert begun_again(tmp_path).theme == "tasker-contrast"


async def test_the_list_says_which_one_it_was():
    async with dashboard(client_with()) as pilot:
        await press(pilot, "T")
        assert "tasker-dark   as it was" in screen_text(pilot)
