"""The filter of lists that are in memory whole, and what it does on every one of them."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.locator import parse_locator
from tasker_tui.row_filter import RowFilterError, parse_row_filter
from tasker_tui.screens.listing import ListScreen
from tests.tui.fake_letters import letter
from tests.tui.keyboard import last_line, press, type_in
from tests.tui.scenes import failure_groups, order_task, queues, runs
from tests.tui.showcase import showcase
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text

WORDS = st.from_regex(r"[a-z0-9_.\-]{1,8}", fullmatch=True)


@given(WORDS, st.text(max_size=30))
def test_a_word_and_its_inverse_share_all_rows_between_them(word, told):
    fits = parse_row_filter(word).fits(told)
    assert fits == (word in told.lower())
    assert parse_row_filter(f"!{word}").fits(told) != fits
    assert parse_row_filter(f"/{re.escape(word)}/").fits(word.upper())
    assert parse_row_filter(f"~{word}").fits("x".join(word))


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_a_filter_or_an_error_in_words(text, told):
    try:
        understood = parse_row_filter(text).fits(told)
    except RowFilterError as error:
        understood = bool(str(error))
    assert understood in (True, False)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("", True),
        ("ORDER ful", True),
        ("order !billing", True),
        ("order !shipping", False),
        ("/^order.*v2$/", True),
        ("!/v2$/", False),
        ("~ordv2", True),
        ("~2vdro", False),
        ('"fulfillment v2"', True),
        ('"v2 fulfillment"', False),
        ("/shipping", False),
    ],
)
def test_what_a_row_is_narrowed_by(text, fits):
    assert parse_row_filter(text).fits("order fulfillment v2\nin shipping") is fits


def test_a_broken_expression_is_named():
    with pytest.raises(RowFilterError, match=r"/\(order/ is no regular expression: missing \)"):
        parse_row_filter("/(order/")


SHORT_LISTS = {
    "failures": "KeyError",
    "letters": "!ben",
    "queues": "payments",
    "workers": "/worker-1$/",
    "templates": "~ordful",
    "bulk": "nobody",
    f"worker/{UUID(int=0)}": "!nothing",
    "runs/example/order_fulfillment/1.0.0": "refund",
}


@pytest.mark.parametrize("place", SHORT_LISTS)
async def test_a_locator_opens_a_short_list_narrowed(place):
    filtered = f"{place}?{SHORT_LISTS[place]}"
    async with dashboard(showcase(), locator=parse_locator(filtered)) as pilot:
        assert isinstance(pilot.app.screen, ListScreen)
        assert f"  /{SHORT_LISTS[place]} " in screen_text(pilot)
        assert " shown " in screen_text(pilot)
        assert pilot.app.screen.locator() == parse_locator(filtered)
        await press(pilot, "escape")
        assert pilot.app.screen.locator() == parse_locator(place)


async def test_a_narrowed_list_is_copied_opened_by_its_line_and_gone_back_to():
    client = showcase()
    async with dashboard(client) as pilot:
        await press(pilot, "colon")
        await type_in(pilot, "failures keyerror !card")
        await press(pilot, "enter")
        assert "1 of 2 shown" in screen_text(pilot)
        await press(pilot, "y", "l")
        assert pilot.app.clipboard == "failures?keyerror !card"
        await press(pilot, "Q", "left_square_bracket")
        assert "1 of 2 shown" in screen_text(pilot)
        await press(pilot, "e")
        assert "shown" not in screen_text(pilot)
        await press(pilot, "colon")
        await type_in(pilot, "failures /(/")
        await press(pilot, "enter")
        assert "failures?/(/: /(/ is no regular expression" in screen_text(pilot)
        await press(pilot, "escape")
        assert "shown" not in screen_text(pilot)


async def test_every_list_is_narrowed_while_one_types_and_escape_shows_all():
    one, other = order_task(), order_task(2)
    client = FakeTasker(FakeClock(), [one, other])
    client.failures, client.queues = failure_groups(one), queues()
    client.letters = [letter(one, 12, 80), letter(other, 400, 20, "ben")]
    client.grid = runs(one, other)
    async with dashboard(client) as pilot:
        await press(pilot, "D", "slash")
        await type_in(pilot, "!ben")
        assert "Dead letters  /!ben" in screen_text(pilot)
        assert "1 of 2 shown" in screen_text(pilot)
        await press(pilot, "enter")
        client.announce(one)
        await press(pilot, "j")
        pilot.app.services.clock.advance(2)
        await press(pilot, "k")
        assert "1 of 2 shown" in screen_text(pilot)  # loaded anew, and still narrowed
        await press(pilot, "escape")
        assert "2 letters" in screen_text(pilot)
        assert "shown" not in screen_text(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "/(b/")
        assert "/(b/ is no regular expression" in screen_text(pilot)
        await press(pilot, "escape", "escape")
        assert "letters" not in last_line(pilot).split("  ")[0]

        await press(pilot, "question_mark")
        assert "THIS LIST" not in screen_text(pilot)
        await press(pilot, "escape", "e", "question_mark")
        assert "FAILURES" in screen_text(pilot)
        assert "Narrow the list: text !without" in screen_text(pilot)
        await press(pilot, "escape", "slash")
        await type_in(pilot, "nothing at all")
        assert "No row fits this filter." in screen_text(pilot)
        await press(pilot, "enter", "escape", "Q", "slash")
        await type_in(pilot, "~zzz")
        assert "No row fits this filter." in screen_text(pilot)
