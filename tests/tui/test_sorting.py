"""Short lists are sorted by their columns; the cursor stays with its row whatever moves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tasker_tui.locator import Locator
from tasker_tui.screens.listing import SEARCHED_WIDTH, ListScreen
from tasker_tui.sorting import Sorting, letters_of
from tasker_tui.widgets.virtual_table import Column
from tests.tui.fake_letters import letter
from tests.tui.keyboard import notices, press, type_in
from tests.tui.scenes import failure_groups, order_task, small_task
from tests.tui.showcase import showcase
from tests.tui.support import NOW, FakeClock, FakeTasker, dashboard, screen_text

RANKS = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False))
LISTS = ("failures", "letters", "queues", "workers", "templates", "bulk")


def sorting_by(align="left", rank=lambda row: row[0]) -> Sorting:
    return Sorting(
        lambda: [Column("ONE", 4, lambda *_: [], align, rank=rank), Column("TWO", 4, lambda *_: [])]
    )


@given(st.lists(RANKS), st.booleans())
def test_rows_are_in_order_equal_ones_as_they_came_and_those_without_a_rank_last(ranks, turned):
    rows = list(zip(ranks, range(len(ranks)), strict=True))
    sorting = sorting_by()
    assert sorting.ordered(rows) is rows
    sorting.choose("ONE")
    if turned:
        sorting.choose("ONE")
    found = sorting.ordered(rows)
    known = [row for row in found if row[0] is not None]
    assert found == known + [row for row in rows if row[0] is None]
    factor = -1 if turned else 1
    assert known == sorted(known, key=lambda row: (factor * row[0], row[1]))


@given(st.lists(st.text()), st.integers(0, 10**30))
def test_texts_of_any_kind_have_an_order_in_which_numbers_count(texts, number):
    names = [*texts, f"step_{number + 1}", f"STEP_{number}"]
    sorting = sorting_by(rank=lambda row: row)
    sorting.choose("ONE")
    found = sorting.ordered(names)
    assert sorted(found) == sorted(names)
    if number < 10**17:
        assert found.index(f"STEP_{number}") < found.index(f"step_{number + 1}")


@given(st.lists(st.sampled_from(["STEPS", "TASKS", "STEP", "STATE", "LAST", "P50", "P95"]), unique=True))
def test_letters_are_of_their_titles_and_of_one_each(titles):
    found = letters_of(titles)
    assert all(letter in title.lower() + title for letter, title in found.items())
    assert len(set(found.values())) == len(found)


def test_figures_begin_with_the_largest_and_texts_at_the_beginning():
    assert [sorting_by(align).sign for align in ("left", "right")] == ["▴", "▴"]
    for align, signs in (("left", "▴▾"), ("right", "▾▴")):
        sorting = sorting_by(align)
        sorting.choose("ONE")
        before = sorting.sign
        sorting.reverse()
        assert before + sorting.sign == signs


async def _rows(pilot: Pilot[None]) -> list[str]:
    screen = pilot.app.screen
    return [screen.key_of(row) for row in screen._rows.rows]


@pytest.mark.parametrize("place", LISTS)
async def test_every_column_of_a_short_list_has_a_letter_and_sorts_both_ways(place):
    async with dashboard(showcase(), (200, 50), Locator(place)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, ListScreen)
        as_served = await _rows(pilot)
        sortable = [column for column in screen.columns(SEARCHED_WIDTH) if column.rank]
        letters = letters_of([column.title for column in sortable])
        assert len(letters) == len(sortable) >= 4
        for key, title in letters.items():
            await pilot.press("comma")
            assert f"{key} {title}" in screen_text(pilot)
            await pilot.press(key)
            shown = screen_text(pilot)
            rank = next(column.rank for column in sortable if column.title == title)
            once = [rank(row) for row in screen._rows.rows if rank(row) is not None]
            head = shown.splitlines()[2]
            assert f"{title}▴" in head or f"{title}▾" in head
            assert f"by {title}" in shown
            await pilot.press("equals_sign")
            turned = [rank(row) for row in screen._rows.rows if rank(row) is not None]
            assert sorted(map(str, once)) == sorted(map(str, turned))
            assert once == turned[::-1]
        await press(pilot, "comma", "comma")
        assert await _rows(pilot) == as_served
        assert "▾" not in screen_text(pilot).splitlines()[2]


def letters_client() -> FakeTasker:
    tasks = [order_task(), order_task(2), small_task(3, order_task(2).state, 9)]
    client = FakeTasker(FakeClock(), tasks)
    owners = ("zoe", None, "ben")
    client.letters = [letter(one, 12 * at, 80 - at, owners[at]) for at, one in enumerate(tasks)]
    return client


async def test_the_cursor_stays_with_its_row_and_the_order_through_loads_and_filters():
    client = letters_client()
    first, _, last = (str(task.uuid) for task in client.tasks.values())
    async with dashboard(client) as pilot:
        await press(pilot, "D", "comma", "o")
        table = pilot.app.screen.table
        assert table.cursor_key == first
        assert [row.assignee for row in pilot.app.screen._rows.rows] == ["ben", "zoe", None]
        changed = [one.model_copy(update={"assignee": "abe"}) if one.assignee is None else one
                   for one in client.letters]  # fmt: skip
        client.letters = changed
        await press(pilot, "ctrl+r")
        assert [row.assignee for row in pilot.app.screen._rows.rows] == ["abe", "ben", "zoe"]
        assert table.cursor_key == first
        await press(pilot, "slash")
        await type_in(pilot, "zoe")
        assert [row.assignee for row in pilot.app.screen._rows.rows] == ["zoe"]
        await press(pilot, "enter", "equals_sign", "escape")
        assert [row.assignee for row in pilot.app.screen._rows.rows] == ["zoe", "ben", "abe"]
        assert table.cursor_key == first
        await press(pilot, "G", "k")
        assert table.cursor_key == last


async def test_the_first_row_keeps_the_cursor_when_another_one_comes_first():
    client = letters_client()
    async with dashboard(client) as pilot:
        await press(pilot, "D", "comma", "o", "g")
        table = pilot.app.screen.table
        here = table.cursor_key
        client.letters = [one.model_copy(update={"assignee": "abe"}) if one.assignee is None else one
                          for one in client.letters]  # fmt: skip
        await press(pilot, "ctrl+r")
        assert table.cursor_key == here
        assert table.source.index_of(here) == 1


async def test_the_keys_beside_the_comma_go_from_column_to_column():
    async with dashboard(letters_client()) as pilot:
        await press(pilot, "D", "equals_sign")
        assert "reverse: no column sorts the list; , and a letter choose one" in notices(pilot)

        def head() -> str:
            return screen_text(pilot).splitlines()[2]

        await press(pilot, "greater_than_sign")
        assert "TASK▴" in head()
        await press(pilot, "greater_than_sign")
        assert "STATE▴" in head()
        await press(pilot, "less_than_sign", "less_than_sign")
        assert "▴" not in head()
        await press(pilot, "less_than_sign")
        assert "OWNER▴" in head()
        await press(pilot, "greater_than_sign")
        assert "▴" not in head()


async def test_any_other_key_sorts_nothing_and_does_nothing_else():
    client = letters_client()
    async with dashboard(client) as pilot:
        await press(pilot, "D", "comma", "x")
        assert pilot.app.screen.locator().place == "letters"
        await press(pilot, "comma", "escape")
        assert pilot.app.screen.locator().place == "letters"
        assert "by " not in screen_text(pilot).splitlines()[-2]


async def test_a_column_that_there_is_no_room_for_sorts_and_is_named_below():
    async with dashboard(letters_client(), (58, 16)) as pilot:
        await press(pilot, "D", "comma", "o")
        assert "by OWNER▴" in screen_text(pilot)
        assert [row.assignee for row in pilot.app.screen._rows.rows] == ["ben", "zoe", None]


async def test_the_direction_is_told_in_ascii_too():
    async with dashboard(letters_client(), ascii_only=True) as pilot:
        await press(pilot, "D", "comma", "i")
        assert "SINCEv" in screen_text(pilot)
        await press(pilot, "comma", "i")
        shown = screen_text(pilot)
        assert "SINCE^" in shown
        assert shown.isascii()


async def test_groups_are_marked_in_the_order_that_is_shown():
    client = FakeTasker(FakeClock(), [order_task()])
    client.failures = [
        group.model_copy(update={"signature": name, "last_seen": NOW - timedelta(minutes=minutes)})
        for name, minutes in (("b", 5), ("a", 1), ("c", 9))
        for group in failure_groups(order_task())[:1]
    ]
    async with dashboard(client) as pilot:
        await press(pilot, "e", "comma", "i", "g", "V", "j")
        assert pilot.app.screen._marking.marks.keys == {"a", "b"}


async def test_the_runs_that_are_compared_are_the_same_in_any_order():
    client = showcase()
    async with dashboard(client) as pilot:
        await press(pilot, "v", "space", "space", "d")
        before = pilot.app.screen.locator()
        await press(pilot, "escape", "comma", "a", "d")
        assert pilot.app.screen.locator() == before


async def test_the_chooser_is_reached_by_the_users_own_key_and_by_name():
    async with dashboard(letters_client()) as pilot:
        pilot.app.keymap = {"rows.sort": ("f8",)}
        pilot.app.set_keymap({"rows.sort": "f8"})
        await press(pilot, "D", "f8")
        assert "f8 as the server gives them" in screen_text(pilot)
        await press(pilot, "o", "colon")
        await type_in(pilot, "reverse")
        await press(pilot, "enter")
        assert "OWNER▾" in screen_text(pilot)
