"""The command line: what is typed is understood or refused with a hint, and leads where it says."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.actions import ACTIONS, of_scope
from tasker_tui.command_line import (
    Call,
    Command,
    CommandError,
    Do,
    Go,
    Vocabulary,
    command_for,
    completions,
    parse_command,
)
from tasker_tui.locator import SHAPES, Locator
from tasker_tui.remembered import History, SavedFilters, read_lines, write_lines
from tests.tui.keyboard import last_line, notices, press, type_in
from tests.tui.scenes import ORDER_SCHEMA, day, failure_groups, order_task, queues
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text, settle, template

PARTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)
UUIDS = st.uuids().map(str)
PLACES = st.one_of(
    st.sampled_from([Locator(name) for name, shape in SHAPES.items() if "/" not in shape]),
    st.just(Locator("tasks", query="state:error since:2h parcel")),
    st.builds(
        lambda place, query: Locator(place, query=query),
        st.sampled_from(["failures", "letters", "bulk", "queues", "workers", "templates"]),
        st.lists(PARTS.filter(lambda word: "/" not in word), min_size=1).map(" ".join),
    ),
    st.just(Locator("runs", ("a b", "c", "1"), '"two words" !/re gex/ it\'s')),
    UUIDS.map(lambda uuid: Locator("task", (uuid,))),
    st.builds(lambda uuid, step: Locator("task", (uuid, "step", step)), UUIDS, PARTS),
    st.tuples(PARTS, PARTS, PARTS).map(lambda path: Locator("runs", path)),
    st.tuples(UUIDS, UUIDS).map(lambda path: Locator("compare", path)),
)
HERE = Vocabulary(
    of_scope("tasks", "app"),
    {"start": ["linear_workflow", "order_fulfillment"], "runs": ["example orders 1.0.0"]},
    {"template": ["order_fulfillment"]},
)
ID = str(UUID(int=7))


@given(PLACES)
def test_the_line_of_a_place_leads_to_it(place):
    assert parse_command(command_for(place), HERE) == Go(place)
    assert parse_command(f":{place}", HERE) == Go(place)


@given(st.text(max_size=50) | PARTS.map(lambda rest: f"task {rest}"))
def test_any_line_is_a_command_or_an_error_in_words(text):
    try:
        understood: object = parse_command(text, HERE)
    except CommandError as error:
        understood = str(error)
    assert isinstance(understood, Command) or understood


@given(st.sampled_from(["", "s", "ta", "tasks ", "tasks st", "runs e", "start ", "start o", "retr", "zz"]))
def test_a_completion_goes_on_with_what_was_typed(text):
    for line in completions(text, HERE):
        assert line.startswith(text)
        assert len(line) > len(text)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("tasks state:error since:2h", Go(Locator("tasks", query="state:error since:2h"))),
        (f"task {ID} pack_c", Go(Locator("task", (ID, "step", "pack_c")))),
        (f"task {ID} step step", Go(Locator("task", (ID, "step", "step")))),
        ("runs example 'my orders' 1.0.0", Go(Locator("runs", ("example", "my orders", "1.0.0")))),
        ("start order_fulfillment", Call("start", "order_fulfillment")),
        ("theme light", Call("theme", "light")),
        ("tasks.retry", Do("tasks.retry")),
        ("Clear Filter", Do("tasks.clear")),
        ("q", Do("app.quit")),
        ("H", Do("app.help")),
        ("theme", Do("app.theme")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_says_what_to_do(line, command):
    assert parse_command(line, HERE) == command


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("faliures", "there is no command faliures — did you mean failures?"),
        ("retyr", "did you mean retry?"),
        ("runs example", "write :runs NAMESPACE NAME VERSION"),
        ("stack now", "write :stack"),
        ("task nine", "'nine' is not a task's id"),
        ("tasks stat:error", "did you mean state:?"),
        ("save", "write :save NAME"),
        ("forget ", "write :forget NAME"),
        ("q now", "quit takes no words after it"),
        ("pulse now", "write :pulse"),
        ("retry everything", "retry takes no words after it"),
        ("complete", "complete cannot be done here; it belongs to task"),
        ("runs 'a b", "a quote is not closed"),
        ("", "write a place"),
    ],
)
def test_a_mistake_is_answered_with_what_would_be_right(line, said):
    with pytest.raises(CommandError) as refused:
        parse_command(line, HERE)
    assert said in str(refused.value)


def test_every_place_and_every_key_of_a_screen_has_a_line():
    for name in SHAPES:
        assert name in completions(name[:1], HERE)
    for action in of_scope("tasks", "app"):
        assert parse_command(action.id, HERE) == Do(action.id)
    assert {action.scope for action in ACTIONS} >= {"tasks", "app"}


def test_the_history_is_kept_in_a_file_that_only_the_user_reads(tmp_path):
    file = tmp_path / "tasker" / "commands"
    one, other = History(file), History(file)
    for line in ("failures", "tasks state:error", "queues"):
        one.add(line)
    other.add("failures")
    assert History(file).beginning("") == ["failures", "queues", "tasks state:error"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert one.beginning("ta") == ["tasks state:error"]


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "taken").write_text("")
    file = tmp_path / "taken" / "commands"
    assert not write_lines(file, ["failures"])
    assert read_lines(file) == []
    history = History(file)
    history.add("failures")
    assert history.beginning("") == ["failures"]


async def test_the_colon_leads_anywhere_and_does_what_keys_do():
    client = FakeTasker(FakeClock(), day())
    client.queues, client.failures = queues(), failure_groups(order_task())
    client.templates = [template("order_fulfillment", ORDER_SCHEMA), template("linear_workflow", {})]
    async with dashboard(client) as pilot:
        await press(pilot, "colon")
        assert "tasks   task   step   failures" in screen_text(pilot)
        await type_in(pilot, "fail")
        await press(pilot, "tab", "enter")
        assert "tasks › failures" in last_line(pilot)

        await press(pilot, "colon")
        await type_in(pilot, "quues")
        await press(pilot, "enter")
        assert "did you mean queues?" in screen_text(pilot)
        await press(pilot, "up")  # nothing begins so
        await press(pilot, "escape", "colon", "up")
        assert pilot.app.screen.query_one("Input").value == "failures"
        await press(pilot, "down", "escape")

        await press(pilot, "colon")
        await type_in(pilot, "tasks state:fai")
        await press(pilot, "right", "enter")
        assert "Tasks  state:failing" in screen_text(pilot)
        await press(pilot, "colon")
        await type_in(pilot, "clear filter")
        await press(pilot, "enter")
        assert "state:" not in screen_text(pilot).splitlines()[1]

        await press(pilot, "colon")
        await type_in(pilot, "start linear_workflow")
        await press(pilot, "enter")
        assert "Start linear_workflow" in screen_text(pilot)
        await press(pilot, "escape", "colon")
        await type_in(pilot, "start linear_workflo")
        await press(pilot, "enter")
        assert "there is no template linear_workflo — did you mean linear_workflow?" in notices(pilot)
        await press(pilot, "colon")
        await type_in(pilot, "theme light")
        await press(pilot, "enter")
        assert pilot.app.theme == "tasker-light"
        await press(pilot, "colon")
        await type_in(pilot, "q")
        await pilot.press("enter")
    assert pilot.app.return_code == 0


async def test_a_filter_is_saved_under_a_name_and_offered(tmp_path):
    client = FakeTasker(FakeClock(), day())
    async with dashboard(client) as pilot:

        async def say(line: str) -> None:
            await press(pilot, "colon")
            await type_in(pilot, line)
            await press(pilot, "enter")

        pilot.app.services.saved = SavedFilters(tmp_path / "filters")
        await say("save nothing")
        assert "there is nothing to save: filter the list of tasks first" in notices(pilot)
        await say("tasks state:failing")
        await say("save broken")
        await press(pilot, "escape")
        assert "state:" not in screen_text(pilot).splitlines()[1]
        await press(pilot, "colon")
        await type_in(pilot, "tasks @bro")
        await press(pilot, "tab", "enter")
        assert "Tasks  state:failing" in screen_text(pilot)
        await press(pilot, "escape", "slash")
        await type_in(pilot, "@broken order")
        await press(pilot, "enter")
        assert "Tasks  state:failing order" in screen_text(pilot)
        assert SavedFilters(tmp_path / "filters").all() == {"broken": "state:failing"}
        await say("forget broken")
        await say("tasks @broken")
        assert "there is no saved filter @broken — :save NAME saves one" in screen_text(pilot)


async def test_the_palette_lists_places():
    client = FakeTasker(FakeClock(), day())
    client.queues = queues()
    async with dashboard(client) as pilot:
        await press(pilot, "ctrl+p")
        await type_in(pilot, "go to queu")
        await settle(pilot)
        await press(pilot, "enter")
        assert "tasks › queues" in last_line(pilot)
