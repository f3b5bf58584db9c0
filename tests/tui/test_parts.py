"""The small pure parts: texts, states, actions, locators, themes, reports."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.theme import BUILTIN_THEMES

from engine.model.states import StepState, TaskState
from tasker_tui.actions import ACTIONS, Focus
from tasker_tui.ascii import plain
from tasker_tui.locator import Locator, LocatorError, parse_locator, to_task
from tasker_tui.states import STEP_MARKS, TASK_MARKS
from tasker_tui.step_report import why
from tasker_tui.text import age, bar, duration, fit, folded, printable
from tasker_tui.themes import THEMES, make_palette
from tasker_tui.view_models import StepRow
from tests.tui.scenes import order_task
from tests.tui.support import NOW, _step

UUID_TEXT = "019cec35-e140-7000-8000-f372fe94f82a"


@given(st.text().map(printable), st.integers(12, 60))
def test_a_folded_line_keeps_its_text_and_fits(line, width):
    pieces = folded(line, width, "    ")
    assert pieces[0] + "".join(piece[4:] for piece in pieces[1:]) == line
    assert all(cell_len(piece) <= width for piece in pieces)


@given(st.text(), st.integers(0, 40))
def test_a_fitted_text_has_its_width(text, width):
    assert cell_len(fit(printable(text), width)) == width


@given(st.text())
def test_printable_text_is_one_line_without_control(text):
    shown = printable(text)
    assert len(shown) == len(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)


@given(st.text(st.characters(codec="utf-8")))
def test_ascii_is_ascii(text):
    assert plain(text).isascii()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=4), st.integers(0, 100), st.integers(4, 40))
def test_a_bar_fits_and_shows_every_part(parts, spare, width):
    cells = bar(tuple(parts), sum(parts) + spare, width)
    assert sum(cells) <= width
    assert all((part > 0) == (cell > 0) for part, cell in zip(parts, cells, strict=True))
    if spare == 0 and sum(parts):
        assert sum(cells) == width


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (59.4, "59s"), (59.6, "1m00s"), (3599.6, "1h00m"),
     (90_000, "1d01h"), (-5, "0.0s")],
)  # fmt: skip
def test_durations(seconds, text):
    assert duration(seconds) == text


@given(st.floats(0, 10**8))
def test_ages_and_durations_are_short(seconds):
    assert len(age(NOW - timedelta(seconds=seconds), NOW)) <= 4
    assert len(duration(seconds)) <= 6


def test_every_state_has_a_look_and_letters_tell_steps_apart():
    assert set(TASK_MARKS) == set(TaskState)
    assert set(STEP_MARKS) == set(StepState)
    for marks in (TASK_MARKS, STEP_MARKS):
        letters = Counter(mark.letter for mark in marks.values())
        assert max(letters.values()) == 1
        assert all(cell_len(mark.shape) == 1 for mark in marks.values())
    assert len({mark.shape for mark in STEP_MARKS.values()}) == len(STEP_MARKS)


def test_ids_are_unique_and_no_key_means_two_things_in_a_scope():
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    for scope in {action.scope for action in ACTIONS}:
        keys = Counter(key for action in ACTIONS if action.scope == scope for key in action.keys)
        assert max(keys.values()) == 1, (scope, keys.most_common(1))


def test_actions_that_need_a_task_say_so_without_one():
    nothing = Focus(connected=True)
    for action in ACTIONS:
        if action.id in ("tasks.open", "tasks.retry", "tasks.cancel", "task.cancel"):
            assert action.disabled_reason(nothing) == "no task is selected"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("tasks", Locator()),
        ("", Locator()),
        ("failures", Locator("failures")),
        ("failures?timeout !card /^4/ ~ordful", Locator("failures", query="timeout !card /^4/ ~ordful")),
        (f"worker/{UUID_TEXT}?charge", Locator("worker", (UUID_TEXT,), "charge")),
        ("runs/shop/orders/1.0.0?!refund", Locator("runs", ("shop", "orders", "1.0.0"), "!refund")),
        ("runs/shop/a%2Fb/1.0.0", Locator("runs", ("shop", "a/b", "1.0.0"))),
        (f"task/{UUID_TEXT}", to_task(UUID_TEXT)),
        (f"task/{UUID_TEXT.upper()}/step/charge%20card", to_task(UUID_TEXT, "charge card")),
    ],
)
def test_locators(text, found):
    assert parse_locator(text) == found
    assert parse_locator(str(found)) == found


def test_a_locator_may_carry_a_filter():
    found = parse_locator("tasks?state:failing%20boom")
    assert found.query == "state:failing boom"
    assert parse_locator(str(found)) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task/12", "'12' is not a task's id; a task is at task/"),
        ("queue", "leads nowhere; a locator is tasks"),
        ("tasks?stat:error", "did you mean state"),
        ("letters?/(a/", r"letters\?/\(a/: /\(a/ is no regular expression"),
        ("pulse?text", "'pulse.text' leads nowhere; a locator is pulse$"),
        ("failures/text", "'failures/text' leads nowhere; a locator is failures.FILTER$"),
    ],
)
def test_a_wrong_locator_says_what_one_is(text, message):
    with pytest.raises(LocatorError, match=message):
        parse_locator(text)


@pytest.mark.parametrize("theme", [*THEMES, *BUILTIN_THEMES.values()], ids=lambda theme: theme.name)
def test_every_theme_makes_a_palette(theme):
    variables = theme.to_color_system().generate() | theme.variables
    variables.setdefault("block-cursor-background", variables["primary"])
    palette = make_palette(variables)
    assert palette.cursor.bgcolor is not None
    assert len(palette.tones) == 8


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_states_can_be_read_on_the_ground_of_our_themes(theme):
    from textual.color import Color

    variables = theme.to_color_system().generate() | theme.variables
    ground = Color.parse(variables["background"])
    for name, value in variables.items():
        if name.startswith("tone-"):
            assert _contrast(Color.parse(value), ground) >= 4.0, name
            assert _contrast(Color.parse(value), Color.parse(variables["block-cursor-background"])) >= 2.9, (
                name
            )


def _contrast(one, other) -> float:
    def luminance(color) -> float:
        channels = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized]
        return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("merge_packs", "waits for charge_card (error), pack_c (running), pack_d (retrying)"),
        ("pack_c", "running for 20s"),
        ("pack_d", "retries in 42s"),
        ("charge_card", "all 3 attempts failed; r retries it"),
        ("validate", None),
    ],
)
def test_why_a_step_does_not_run(name, reason):
    task = order_task()
    rows = {step.name: StepRow.from_answer(_step(task, step)) for step in task.steps}
    row = rows[name]
    parents = [parent for parent in rows.values() if parent.uuid in row.parents]
    assert why(row, parents, NOW) == reason
