"""Marks in the list of tasks: what is marked is acted on, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import TaskState
from engine.model.wire.bulk import BulkFilter, BulkVerb
from tasker_tui.bulk_operations import command_line
from tasker_tui.filters import TaskFilter
from tasker_tui.marks import Marks, Undo
from tasker_tui.selecting import TooMany, select
from tests.tui.keyboard import notices, press, type_in
from tests.tui.scenes import small_task
from tests.tui.support import NOW, FakeClock, FakeTasker, dashboard, screen_text, settle

KEYS = st.sampled_from("abcdef")


@given(st.lists(KEYS))
def test_marking_twice_is_not_marking(keys):
    marks = Marks()
    for key in keys:
        marks = marks.toggled(key)
    assert {key for key in "abcdef" if key in marks} == {key for key in keys if keys.count(key) % 2}


@given(st.lists(st.integers(0, 3) | st.sampled_from(["undo", "redo"]), max_size=30))
def test_undo_goes_back_the_way_that_was_gone(steps):
    undo, back, forth = Undo(0), [0], []
    for step in steps:
        if step == "undo":
            assert undo.go(-1) == (len(back) > 1)
            forth += [back.pop()] if len(back) > 1 else []
        elif step == "redo":
            assert undo.go(1) == bool(forth)
            back += [forth.pop()] if forth else []
        else:
            undo.record(step)
            if step != back[-1]:
                back, forth = [*back, step], []
        assert undo.value == back[-1]


def _many(count: int, state: TaskState = TaskState.BLOCKED_BY_FAILURES) -> FakeTasker:
    return FakeTasker(FakeClock(), [small_task(number, state, number) for number in range(1, count + 1)])


def _newest_first(client: FakeTasker) -> list[str]:
    return sorted(client.tasks, reverse=True)


def _asked(client: FakeTasker) -> tuple[BulkVerb, BulkFilter]:
    assert client.bulk.asked is not None
    return client.bulk.asked.verb, client.bulk.asked.filter


async def test_marked_tasks_are_acted_on_together():
    client = _many(6)
    ids = _newest_first(client)
    async with dashboard(client) as pilot:
        await press(pilot, "space", "j", "space")  # space goes on to the next row
        assert "2 marked" in screen_text(pilot)
        marked = [line for line in screen_text(pilot).splitlines() if line[1:3] in (" *", "▌*")]
        assert len(marked) == 2
        await press(pilot, "z")
        assert "1 marked" in screen_text(pilot)
        await press(pilot, "Z", "r")
        assert "Retry" in screen_text(pilot)
        verb, wanted = _asked(client)
        assert (verb, [str(uuid) for uuid in wanted.task_uuids]) == (BulkVerb.RETRY, [ids[0], ids[2]])
        assert f"tasker bulk retry --task {ids[0]}" in screen_text(pilot)
        await type_in(pilot, "bank is back")
        await press(pilot, "tab")
        await type_in(pilot, "3")
        await press(pilot, "ctrl+s")
        client.bulk.finish()
        await press(pilot, "escape")
        assert "marked" not in screen_text(pilot).splitlines()[1]  # done: nothing is left marked
    assert client.bulk.run is not None
    assert (client.bulk.run.reason, client.bulk.run.actor) == ("bank is back", "ana")
    assert not client.named("act_on_step")


async def test_a_range_reaches_to_where_the_cursor_goes():
    client = _many(8)
    ids = _newest_first(client)
    async with dashboard(client) as pilot:
        await press(pilot, "j", "V", "j", "j", "j", "k")
        assert "3 marked  V ends the range" in screen_text(pilot)
        await press(pilot, "V", "G", "space", "c")
        verb, wanted = _asked(client)
        assert verb is BulkVerb.CANCEL
        assert [str(uuid) for uuid in wanted.task_uuids] == [*ids[1:4], ids[7]]
        await press(pilot, "escape", "u")
        assert "marked" not in screen_text(pilot).splitlines()[1]
        await press(pilot, "u")
        assert "unmark: nothing is marked; space marks" in notices(pilot)
        await press(pilot, "z", "m")
        assert _asked(client)[0] is BulkVerb.RESOLVE


async def test_a_range_takes_in_no_row_that_nobody_chose():
    client = _many(8)
    ids = _newest_first(client)
    async with dashboard(client) as pilot:
        await press(pilot, "j", "j", "V", "k", "k", "slash")
        await type_in(pilot, "state:blocked")
        await press(pilot, "enter", "j", "j", "j", "j")
        assert "3 marked" in screen_text(pilot)
        assert "V ends the range" not in screen_text(pilot)
        await press(pilot, "u", "escape", "g", "V", "j", "k")
        for number in (9, 10):
            client.announce(small_task(number, TaskState.BLOCKED_BY_FAILURES, 0))
            await settle(pilot)
        assert "1 marked  V ends the range" in screen_text(pilot)
        await press(pilot, "j", "c")
        assert {str(uuid) for uuid in _asked(client)[1].task_uuids} == set(ids[:2])


async def test_all_that_fit_are_selected_by_the_filter_not_by_the_loaded_page():
    client = _many(5)
    async with dashboard(client) as pilot:
        await press(pilot, "ctrl+a", "C")
        assert "mark all: set a filter first: / says what all is" in notices(pilot)
        assert client.bulk.asked is None
        await press(pilot, "exclamation_mark", "ctrl+a")
        assert "5 marked" in screen_text(pilot)
        await press(pilot, "space")
        assert "all that fit are marked; u unmarks them" in notices(pilot)
        await press(pilot, "r")
        failing = [TaskState.BLOCKED_BY_FAILURES, TaskState.ERROR]
        assert _asked(client) == (BulkVerb.RETRY, BulkFilter(states=failing))
        await press(pilot, "escape", "escape")  # the dialog, then the filter
        assert "marked" not in screen_text(pilot).splitlines()[1]
        await press(pilot, "z")
        assert "5 marked" in screen_text(pilot)
        await press(pilot, "C")
        assert _asked(client) == (BulkVerb.CANCEL, BulkFilter(states=failing))
        await press(pilot, "escape", "z", "z", "z")
        assert "there is nothing to undo" in notices(pilot)


async def test_what_the_server_cannot_select_is_selected_by_asking_for_all_ids():
    client = _many(1203)
    for number, task in enumerate(client.tasks.values()):
        task.initiator = "cron" if number >= 3 else "ben"
    wanted = await select(client, TaskFilter(initiator="cron", since=timedelta(days=9)), NOW)
    assert len(wanted.task_uuids) == 1200
    assert BulkFilter(task_uuids=wanted.task_uuids) == wanted
    by_server = await select(client, TaskFilter(namespace="example", since=timedelta(hours=2)), NOW)
    assert by_server == BulkFilter(namespace="example", created_since=NOW - timedelta(hours=2))


async def test_more_ids_than_can_be_named_are_refused(monkeypatch):
    monkeypatch.setattr("tasker_tui.selecting.MAX_NAMED", 4)
    with pytest.raises(TooMany, match="more than 4 tasks fit; narrow it"):
        await select(_many(5), TaskFilter(tag=None, text="linear"), NOW)


def test_the_command_line_of_a_bulk_operation_is_one_that_the_command_line_knows():
    uuid = small_task(1, TaskState.ERROR, 1).uuid
    wanted = BulkFilter(task_uuids=[uuid], states=[TaskState.ERROR], created_since=NOW)
    assert command_line(BulkVerb.PAUSE, wanted) == (
        f"tasker bulk pause-tasks --state error --created-since 2026-03-14T12:00:00.000000Z --task {uuid}"
    )
