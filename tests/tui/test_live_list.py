"""The list of tasks while it is filtered, while tasks change, and while the server is away."""

from __future__ import annotations

import pytest

from engine.model.states import StepState, TaskState
from tests.tui.flows import client_with
from tests.tui.keyboard import notices, press, type_in
from tests.tui.scenes import (
    day,
    order_task,
    small_task,
)
from tests.tui.support import NOW, FakeClock, FakeTasker, dashboard, screen_text, settle


async def test_a_filter_narrows_while_it_is_typed_and_escape_takes_it_back():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "slash")
        await type_in(pilot, "state:error")
        shown = screen_text(pilot)
        assert "✗ error" in shown
        assert "✓ complete" not in shown
        await press(pilot, "escape")
        assert "✓ complete" in screen_text(pilot)
    asked = client.named("list_tasks")
    assert any(query.get("state") == ["error"] for query in asked)


async def test_the_first_rows_do_not_wait_until_all_are_counted():
    client = FakeTasker(FakeClock(), [small_task(n, TaskState.COMPLETE, n) for n in range(150)])
    client.counting.clear()
    client.estimate = 163
    async with dashboard(client) as pilot:
        assert "linear_workflow" in screen_text(pilot)
        assert "≈ 163" in screen_text(pilot)
        client.counting.set()
        await settle(pilot)
        assert "≈" not in screen_text(pilot)
        assert " 150 " in screen_text(pilot)
        client.counting.clear()
        await press(pilot, "ctrl+r")
        assert " 150 " in screen_text(pilot)
        client.counting.set()


async def test_escape_shows_all_tasks_again():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "slash")
        await type_in(pilot, "template:etl_pipeline")
        await press(pilot, "enter")
        assert "Tasks  template:etl_pipeline" in screen_text(pilot)
        await press(pilot, "escape")
        assert "linear_workflow" in screen_text(pilot)


async def test_a_filter_that_finds_nothing_says_what_to_do():
    async with dashboard(client_with()) as pilot:
        await press(pilot, "slash")
        await type_in(pilot, "nonesuch")
        await press(pilot, "enter")
        assert "No task fits this filter." in screen_text(pilot)
        assert "/ changes it, esc shows all tasks." in screen_text(pilot)


async def test_no_action_reaches_a_task_of_the_list_before_the_filter():
    client = client_with()
    async with dashboard(client) as pilot:
        client.answering.clear()
        await press(pilot, "exclamation_mark", "c", "j", "r", "enter")
        assert [notice.rpartition(": ")[2] for notice in notices(pilot)] == ["no task is selected"] * 3
        client.answering.set()
        await settle(pilot)
        await press(pilot, "j", "c", "y")
    [uuid] = client.named("cancel_task")
    assert client.tasks[uuid].name == "order_fulfillment"


async def test_the_answer_to_an_older_filter_is_dropped():
    client = client_with()
    async with dashboard(client) as pilot:
        client.answering.clear()
        await press(pilot, "exclamation_mark")
        await press(pilot, "exclamation_mark")
        client.answering.set()
        await settle(pilot)
        assert "✓ complete" in screen_text(pilot)
        assert screen_text(pilot).splitlines()[1].startswith("╭─ Tasks ──")


async def test_new_tasks_appear_on_top_and_states_change_in_place():
    old = small_task(7, TaskState.STEPS_IN_PROCESS, 3)
    client = client_with(old)
    async with dashboard(client) as pilot:
        client.announce(order_task(9, minutes_ago=0.1))
        await settle(pilot)
        assert "order_fulfillment" in screen_text(pilot).splitlines()[3]
        old.state, old.completed_at = TaskState.COMPLETE, NOW
        client.announce(old)
        await settle(pilot)
        assert "✓ complete" in screen_text(pilot).splitlines()[4]


async def test_the_cursor_stays_on_its_task_when_others_come_in():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "j", "j")
        before = next(line for line in screen_text(pilot).splitlines() if "▌" in line)
        for number in range(5):
            client.announce(small_task(500 + number, TaskState.PENDING, 1 - number / 10))
            await settle(pilot)
        shown = screen_text(pilot).splitlines()
        after = next(line for line in shown if "▌" in line)
        assert after.split()[3:7] == before.split()[3:7]
        assert "newer" in shown[-2]
        await press(pilot, "g")
        assert "▌" in screen_text(pilot).splitlines()[3]


async def test_a_step_changes_in_the_graph_as_it_happens():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter")
        assert "● pack_c" in screen_text(pilot)
        client.transition(task, "pack_c", StepState.COMPLETE)
        await settle(pilot)
        assert "✓ pack_c" in screen_text(pilot)
        await press(pilot, "4")
        assert "in_progress → complete" in screen_text(pilot)


async def test_a_lost_connection_is_shown_counted_down_and_made_again():
    client = client_with()
    async with dashboard(client) as pilot:
        client.drop()
        await settle(pilot)
        shown = screen_text(pilot)
        assert "▲ offline: " in shown
        assert "again in " in shown.splitlines()[0]
        assert "order_fulfillment" in shown
        await press(pilot, "c")
        assert any("not connected" in notice for notice in notices(pilot))
        client.offline = False
        client.clock.advance(20)
        await settle(pilot)
        assert "● live" in screen_text(pilot).splitlines()[0]


async def test_after_a_gap_the_list_is_loaded_again():
    client = client_with()
    async with dashboard(client) as pilot:
        client.drop()
        await settle(pilot)
        missed = small_task(900, TaskState.COMPLETE, 0.2, "missed_meanwhile")
        client.tasks[str(missed.uuid)] = missed
        client.offline = False
        client.clock.advance(20)
        await settle(pilot)
        assert "missed_meanwhile" in screen_text(pilot)


async def test_no_server_at_the_start_says_so():
    client = client_with()
    client.offline = True
    async with dashboard(client) as pilot:
        shown = screen_text(pilot)
        assert "The server cannot be reached" in shown
        client.offline = False
        client.clock.advance(1)
        await settle(pilot)
        assert "order_fulfillment" in screen_text(pilot)


async def test_tasks_are_found_by_why_they_wait_and_looked_for_again():
    stuck = small_task(7, TaskState.STEPS_IN_PROCESS, 3)
    stuck.steps[0].state = StepState.ENQUEUED
    client = client_with(stuck)
    async with dashboard(client) as pilot:
        await press(pilot, "slash")
        await type_in(pilot, "why:no-wroker")
        assert "did you mean no-worker" in screen_text(pilot)
        await press(pilot, *["backspace"] * 6)
        await type_in(pilot, "worker")
        await press(pilot, "enter")
        assert "Tasks  why:no-worker" in screen_text(pilot)
        assert client.named("list_tasks")[-1]["why"] == ["no_worker"]
        assert "linear_workflow" in screen_text(pilot)
        stuck.steps[0].state = StepState.IN_PROGRESS
        client.clock.advance(3)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "No task fits this filter." in screen_text(pilot)


@pytest.mark.parametrize("width", [58, 80, 100, 141])
async def test_why_a_filter_is_refused_is_told_in_full(width):
    async with dashboard(client_with(small_task(7, TaskState.COMPLETE, 3)), (width, 24)) as pilot:
        await press(pilot, "slash")
        await type_in(pilot, "!parcel")
        shown = screen_text(pilot).splitlines()
        assert "/ !parcel" in "\n".join(shown)
        below = shown[max(n for n, line in enumerate(shown) if "╰" in line) + 1 : -1]
        told = " ".join(" ".join(below).removeprefix(" / !parcel").split())
        assert "it finds parts of names and ids, and leaves out states (!state:complete); in quotes," in told
        assert told.endswith('"!parcel" is searched as it is')
        await press(pilot, *["backspace"] * 7)
        assert "╰" in screen_text(pilot).splitlines()[-3]


def first_line(pilot) -> str:
    """The row on top."""
    return screen_text(pilot).splitlines()[3]


async def test_the_oldest_come_first_with_one_key_and_the_newest_with_it_again():
    client = FakeTasker(FakeClock(), day())
    async with dashboard(client, (100, 20)) as pilot:
        table = pilot.app.screen.table
        listed = sorted(client.tasks)
        await press(pilot, "j", "equals_sign")
        shown = screen_text(pilot).splitlines()
        assert shown[1].startswith("╭─ Tasks  oldest first ─")
        assert "AGE▾" in shown[2]
        assert table.cursor_key == listed[0]
        await press(pilot, "j", "j")
        assert table.cursor_key == listed[2]
        await press(pilot, "G")
        assert table.cursor_key == listed[-1]
        assert " older   61 ─" in screen_text(pilot).splitlines()[-2]
        await press(pilot, "equals_sign")
        shown = screen_text(pilot).splitlines()
        assert shown[1].startswith("╭─ Tasks ─")
        assert "AGE▾" not in shown[2]
        assert table.cursor_key == listed[-1]


async def test_oldest_first_new_tasks_come_in_below_and_changes_stay_in_place():
    old = small_task(7, TaskState.STEPS_IN_PROCESS, 30)
    client = FakeTasker(FakeClock(), [old, small_task(8, TaskState.COMPLETE, 20)])
    async with dashboard(client) as pilot:
        await press(pilot, "equals_sign")
        client.announce(order_task(9, minutes_ago=0.1))
        await settle(pilot)
        assert "order_fulfillment" in screen_text(pilot).splitlines()[5]
        old.state, old.completed_at = TaskState.COMPLETE, NOW
        client.announce(old)
        await settle(pilot)
        assert "▌ ✓ complete" in first_line(pilot)
        await press(pilot, "ctrl+r")
        assert "order_fulfillment" in screen_text(pilot).splitlines()[5]


async def test_the_order_stays_when_the_filter_changes_and_when_the_connection_was_lost():
    client = FakeTasker(FakeClock(), day())
    async with dashboard(client, (100, 20)) as pilot:
        oldest_failing = next(
            uuid for uuid in sorted(client.tasks) if client.tasks[uuid].state is TaskState.ERROR
        )
        await press(pilot, "equals_sign", "slash")
        await type_in(pilot, "state:error")
        await press(pilot, "enter")
        assert "Tasks  oldest first  state:error" in screen_text(pilot)
        assert pilot.app.screen.table.cursor_key == oldest_failing
        client.drop()
        await settle(pilot)
        missed = small_task(900, TaskState.ERROR, 600, "missed_meanwhile")
        client.tasks[str(missed.uuid)] = missed
        client.offline = False
        client.clock.advance(20)
        await settle(pilot)
        assert "missed_meanwhile" in first_line(pilot)


async def test_no_action_reaches_a_task_of_the_order_before():
    client = client_with()
    async with dashboard(client) as pilot:
        client.answering.clear()
        await press(pilot, "equals_sign", "c", "enter")
        assert "no task is selected" in "\n".join(notices(pilot))
        client.answering.set()
        await settle(pilot)
        assert pilot.app.screen.table.cursor_key == min(client.tasks)


@pytest.mark.parametrize("key", ["comma", "less_than_sign", "greater_than_sign"])
async def test_the_list_of_tasks_says_why_no_column_sorts_it(key):
    async with dashboard(client_with()) as pilot:
        await press(pilot, key)
        [said] = notices(pilot)
        assert (
            said == "sort by: the tasks come in the order of their creation: = turns it round, / narrows them"
        )
