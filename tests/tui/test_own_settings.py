"""Keys and colours of the user's own file."""

from __future__ import annotations

from importlib import import_module
from inspect import isabstract
from itertools import combinations
from pathlib import Path
from pkgutil import iter_modules

import pytest

from tasker_tui import screens
from tasker_tui.actions import ACTIONS, BY_ID
from tasker_tui.actions.together import ALSO_SCOPES, heard_with
from tasker_tui.appearance import check_colors, read_theme_name, read_themes
from tasker_tui.keymap import read_keys
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.screens.listing import ListScreen
from tasker_tui.toml_lines import ConfigError, ConfigErrors, Document
from tasker_tui.user_config import UserConfig
from tests.tui.keyboard import press
from tests.tui.scenes import failure_groups, order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle

FILE = Path("config.toml")


def config(text: str) -> UserConfig:
    return UserConfig(FILE, Document(FILE, text))


def mistakes(text: str) -> list[str]:
    return config(text).read(read_keys, {})[1]


def test_no_key_does_two_things_in_one_place():
    assert all(action.keys for action in ACTIONS)
    twice = [
        (key, one.id, other.id)
        for one, other in combinations(ACTIONS, 2)
        if other.scope in heard_with(one.scope)
        for key in set(one.keys) & set(other.keys)
    ]
    # Back in history everywhere else.
    assert twice == [
        ("minus", "json.fold", "app.back_in_history"),
        ("minus", "app.back_in_history", "graph.fold"),
        ("minus", "app.back_in_history", "gantt.zoom_out"),
    ]


def test_every_screen_tells_whose_keys_it_has():
    shown = [cls for cls in _subclasses(OperatorScreen) if not isabstract(cls) and "SCOPES" in vars(cls)]
    assert {scope for cls in shown for scope in cls.SCOPES} == set(ALSO_SCOPES)
    for cls in shown:
        assert issubclass(cls, ListScreen) == ("rows" in ALSO_SCOPES[cls.SCOPES[0]])


def test_keys_are_named_as_one_types_them():
    text = '[keys]\n"task.retry" = ["/", "ctrl+e", "_"]\ntasks.pause = "+"\n"tasks.filter" = "f7"\n'
    assert read_keys(Document(FILE, text)) == {
        "task.retry": ("slash", "ctrl+e", "underscore"),
        "tasks.pause": ("plus",),
        "tasks.filter": ("f7",),
    }


@pytest.mark.parametrize(
    ("reader", "text", "line", "said"),
    [
        (read_keys, '[keys]\n\n"task.rety" = "r"\n', 3, "there is no 'task.rety' here"),
        (read_keys, '[keys]\n"task.retry" = "ctlr+r"\n', 2, "there is no key 'ctlr+r'"),
        (read_keys, '[keys]\n"task.retry" = 5\n', 2, "must be a text or a list of texts"),
        (
            read_keys,
            '[keys]\n# as in a list\n"task.retry" = "c"\n',
            3,
            "c does two things: task.cancel (cancel)",
        ),
        (read_themes, '[themes.night]\nbase = "tasker-drak"\n', 2, "there is no 'tasker-drak' here"),
        (read_themes, '[themes.night]\nprimary = "reddish"\n', 2, "'reddish' is no colour"),
        (read_themes, '[themes.night]\n"tone-faild" = "red"\n', 2, "there is no 'tone-faild' here"),
        (lambda d: read_theme_name(d, ["a"]), 'theme = "b"\n', 1, "there is no 'b' here"),
        (check_colors, '[profiles.a]\nurl = "http://a"\ncolor = "rot"\n', 3, "'rot' is no colour"),
    ],
    ids=["id", "key", "type", "conflict", "base", "color", "name", "theme", "profile"],
)
def test_a_mistake_is_told_with_file_and_line(reader, text, line, said):
    with pytest.raises((ConfigError, ConfigErrors)) as caught:
        reader(Document(FILE, text))
    assert str(caught.value).startswith(f"config.toml:{line}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('tasks.retry = "e"', "e does two things: app.go_failures (failures) and tasks.retry (retry)"),
        ('tasks.cancel = "j"', "j does two things: list.down (down) and tasks.cancel (cancel)"),
        ('app.help = "/"', "/ does 6 things: tasks.filter (filter), events.filter (filter), rows.filter"),
        ('failures.note = "/"', "/ does two things: rows.filter (filter) and failures.note (note)"),
        ('graph.critical = "w"', "w does two things: task.why (why) and graph.critical"),
        ('list.down = "alt+3"', "alt+3 does two things: app.show_tab_3 (tab 3) and list.down (down)"),
        ('log.down = "W"', "W does two things: stack.wrap (wrap) and log.down (down)"),
        ('gantt.later = "f9"\ntask.retry = "f9"', "f9 does two things: gantt.later (later) and task.retry"),
    ],
)
def test_a_key_that_means_something_else_on_the_same_screen_is_refused(text, said):
    assert said in mistakes(f"[keys]\n{text}\n")[0]


@pytest.mark.parametrize(
    "text",
    [
        'tasks.retry = "c"\ntasks.cancel = "r"',
        'graph.fold = ["-", "f9"]\ngantt.zoom_out = ["-", "f9"]',
        'tasks.retry = "M"',
        'retry.close = "e"',
    ],
    ids=["swapped", "widgets", "another screen", "dialog"],
)
def test_a_key_that_means_something_else_elsewhere_is_kept(text):
    assert mistakes(f"[keys]\n{text}\n") == []


def test_every_mistake_of_the_keys_is_told():
    told = mistakes('[keys]\ntasks.retry = "e"\ntasks.rety = "x"\ntasks.pause = ["j", "ctlr+p", "k"]\n')
    assert [line.partition(": ")[0] for line in told] == ["config.toml:2", "config.toml:3", "config.toml:4"]
    told = mistakes('[keys]\ntasks.pause = ["j", "e"]\n')
    assert ["list.down" in told[0], "app.go_failures" in told[1]] == [True, True]


async def test_own_keys_and_colours_are_used_and_shown():
    text = """\
theme = "night"
[keys]
"tasks.retry" = ["f5"]
"tasks.cancel" = ["r"]
"retry.close" = ["f6"]
[themes.night]
background = "#010203"
tone-failed = "magenta"
"""
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client, config=config(text)) as pilot:
        assert pilot.app.theme == "night"
        assert pilot.app.theme_variables["background"] == "#010203"
        assert "f5 retry" in screen_text(pilot).splitlines()[-1]
        await press(pilot, "f5")
        assert "f6 leave it" in screen_text(pilot)
        await press(pilot, "f6", "c")
        assert len(pilot.app.screen_stack) == 2
        await press(pilot, "r")
        assert "Cancel" in screen_text(pilot)


async def test_a_mistake_is_told_at_the_start_and_leaves_the_keys_as_they_were():
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client, config=config('theme = "neon"\n[keys]\n"tasks.rety" = "f5"\n')) as pilot:
        said = " ".join(notice.message for notice in pilot.app._notifications)
        assert "config.toml:1: there is no 'neon' here" in said
        assert "config.toml:3: there is no 'tasks.rety' here; did you mean tasks.retry?" in said
        await press(pilot, "r")
        assert "Retry charge_card" in screen_text(pilot)


async def test_a_light_theme_of_the_file_is_light_from_the_start():
    text = 'theme = "day"\n[themes.day]\nbase = "tasker-light"\n'
    async with dashboard(FakeTasker(FakeClock(), [order_task()]), config=config(text)) as pilot:
        assert not pilot.app.current_theme.dark
        assert pilot.app.has_class("-light-mode")
        assert not pilot.app.has_class("-dark-mode")


async def test_prose_names_the_keys_of_the_file():
    text = (
        '[keys]\n"tasks.filter" = "f7"\n"tasks.clear" = "f8"\n"failures.back" = "f9"\n"rows.filter" = "f6"\n'
        '"failures.assign" = "f4"\n'
    )
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client, config=config(text)) as pilot:
        await press(pilot, "f7", *"nonesuch", "enter")
        assert "f7 changes it, f8 shows all tasks." in screen_text(pilot)
        await press(pilot, "f8", "e")
        assert "f9 leads back to the tasks." in screen_text(pilot)
        client.failures = failure_groups(order_task())
        pilot.app.screen.reload()
        await settle(pilot)
        assert "nobody's; f4 assigns it" in screen_text(pilot)
        await press(pilot, "f6", *"nonesuch", "enter")
        assert "f6 changes it, f9 shows all." in screen_text(pilot)


def test_every_list_has_the_keys_that_it_tells_of():
    lists = [cls for cls in _subclasses(ListScreen) if cls.__module__.startswith("tasker_tui.")]
    assert len(lists) > 5
    for cls in lists:
        assert f"{cls.SCOPES[0]}.back" in BY_ID, cls


def _subclasses(cls: type) -> list[type]:
    for module in iter_modules(screens.__path__):
        import_module(f"tasker_tui.screens.{module.name}")
    return [sub for direct in cls.__subclasses__() for sub in (direct, *_subclasses(direct))]
