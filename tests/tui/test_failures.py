"""What operators do about failures: groups of them, dead letters, comparisons, queues without workers."""

from __future__ import annotations

import json

from engine.model.states import StepState, TaskState
from tasker_tui.locator import Locator
from tasker_tui.screens.letters import notes_command
from tasker_tui.text import short_id
from tests.tui.fake_letters import letter
from tests.tui.flows import client_with
from tests.tui.keyboard import last_line, notices, press, type_in
from tests.tui.scenes import (
    difference,
    failure_groups,
    order_task,
    queues,
    runs,
    small_task,
)
from tests.tui.support import FakeTasker, dashboard, screen_text, settle

DECLINED = "PaymentError: CardDeclined: insufficient_funds for order #"


def client_with_failures() -> FakeTasker:
    task = order_task()
    client = client_with(task)
    client.failures = failure_groups(task)
    return client


async def test_a_group_of_failures_is_retried_once_its_number_is_typed():
    client = client_with_failures()
    async with dashboard(client) as pilot:
        await press(pilot, "e", "r")
        assert "not idempotent" in screen_text(pilot)
        await type_in(pilot, "bank is back")
        await press(pilot, "ctrl+s")
        assert "type 3 to confirm" in screen_text(pilot)
        assert client.bulk.run is None
        await type_in(pilot, "3")
        await press(pilot, "ctrl+s")
        assert "running" in screen_text(pilot)
        client.failures = client.failures[1:]
        client.bulk.finish()
        client.clock.advance(0.5)
        await settle(pilot)
        assert "complete" in screen_text(pilot)
        assert "esc close" in screen_text(pilot)
        assert "let it go on" not in screen_text(pilot)
        await press(pilot, "x")
        assert "there is nothing to stop" in screen_text(pilot)
        await press(pilot, "escape")
        assert "412 failed steps" not in screen_text(pilot)
    assert (client.bulk.asked.verb, client.bulk.asked.filter.signature) == (
        "retry",
        "TimeoutError: HTTP <n> from <url>",
    )
    run = client.bulk.run
    assert (run.reason, run.actor, run.rate) == ("bank is back", "ana", None)


async def test_a_group_is_resolved_slowly_and_stopped():
    client = client_with_failures()
    client.bulk.items = 5
    async with dashboard(client) as pilot:
        await press(pilot, "e", "j", "m", "shift+tab")
        await type_in(pilot, "0.5")
        await press(pilot, "enter", "enter")
        await type_in(pilot, "5")
        await press(pilot, "enter", "x")
        assert "r resume   esc leave it stopped" in screen_text(pilot)
    assert (client.bulk.asked.verb, client.bulk.asked.filter.signature) == ("resolve", "KeyError: <text>")
    assert client.bulk.run.rate == 0.5


async def test_a_group_that_is_gone_asks_nothing():
    client = client_with_failures()
    client.bulk.items = 0
    async with dashboard(client) as pilot:
        await press(pilot, "e", "r")
        assert any("nothing to retry any more" in notice for notice in notices(pilot))
        assert client.bulk.run is None


async def test_a_group_opens_as_the_list_of_its_tasks_and_leads_back():
    failed, other = order_task(), small_task(4, TaskState.BLOCKED_BY_FAILURES, 2)
    client = client_with(failed, other)
    client.failures = [one.model_copy(update={"signature": DECLINED}) for one in failure_groups(failed)[1:]]
    client.failures = failure_groups(failed)[:1] + client.failures
    async with dashboard(client) as pilot:
        await press(pilot, "e", "j", "enter")
        assert f'Tasks  state:open sig:"{DECLINED}"' in screen_text(pilot)
        assert "order_fulfillment" in screen_text(pilot)
        assert "linear_workflow" not in screen_text(pilot)
        assert "tasks › failures › tasks" in last_line(pilot)
        await press(pilot, "R")
        assert client.bulk.asked.filter.signature == DECLINED
        await press(pilot, "escape", "enter", "escape", "slash")
        await type_in(pilot, "since:1s")
        await press(pilot, "enter")
        assert "No task fits this filter." in screen_text(pilot)
        await press(pilot, "escape")
        assert "order_fulfillment" in screen_text(pilot)
        await press(pilot, "escape")
        assert "▌       5 Payment" in screen_text(pilot)
        await press(pilot, "escape")
        assert "linear_workflow" in screen_text(pilot)


async def test_a_task_leaves_the_list_of_a_group_with_its_failure():
    task = order_task()
    client = client_with(task)
    async with dashboard(client, locator=Locator("tasks", query=f'sig:"{DECLINED}"')) as pilot:
        assert "order_fulfillment" in screen_text(pilot)
        task.step("charge_card").state = StepState.IN_PROGRESS
        client.clock.advance(3)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "No task fits this filter." in screen_text(pilot)


async def test_the_newest_failure_of_a_group_is_opened():
    client = client_with_failures()
    async with dashboard(client) as pilot:
        await press(pilot, "e", "o")
        assert "› charge_card" in last_line(pilot)


async def test_without_failures_the_screen_says_so():
    async with dashboard(client_with()) as pilot:
        await press(pilot, "e")
        assert "Nothing has failed." in screen_text(pilot)
        await press(pilot, "escape")
        assert "Tasks" in screen_text(pilot)


def client_with_letters() -> FakeTasker:
    first, second = order_task(), order_task(2)
    client = client_with(first, second)
    client.letters = [letter(first, 12, 80), letter(second, 400, 20, "ben")]
    return client


async def test_dead_letters_name_the_failed_step_and_its_error():
    client = client_with_letters()
    client.letters[1] = client.letters[1].model_copy(
        update={"failed_step": None, "error_message": None, "resolution_notes": "[ask] the bank"}
    )
    async with dashboard(client) as pilot:
        await press(pilot, "D")
        assert "charge_card: CardDeclined: insuff" in screen_text(pilot).splitlines()[3]
        assert "error     charge_card: CardDeclined: insufficient_funds for order 8841" in screen_text(pilot)
        assert "a step failed for good" in screen_text(pilot).splitlines()[4]
        await press(pilot, "j")
        assert "error  " not in screen_text(pilot)
        assert "notes     [ask] the bank" in screen_text(pilot)


async def test_a_dead_letter_is_closed_by_a_retry():
    client = client_with_letters()
    async with dashboard(client) as pilot:
        await press(pilot, "D", "m", "tab")
        await type_in(pilot, "bank is back")
        await press(pilot, "enter")
        assert any("goes on" in notice for notice in notices(pilot))
        assert "1 letter, 0 without an owner" in screen_text(pilot)
    asked = json.loads(client.named("send")[-2].content)
    assert asked == {"action": "retry", "resolution_notes": "bank is back", "resolved_by": "ana"}


async def test_a_dead_letter_is_closed_as_failed():
    client = client_with_letters()
    async with dashboard(client) as pilot:
        await press(pilot, "D", "m", "down", "down", "enter", "ctrl+s")
        assert any("is closed (fail)" in notice for notice in notices(pilot))


async def test_a_dead_letter_is_taken():
    client = client_with_letters()
    async with dashboard(client) as pilot:
        await press(pilot, "D", "a")
        assert any("is ana's" in notice for notice in notices(pilot))
    assert {one.assignee for one in client.letters} == {"ana", "ben"}


async def test_a_dead_letter_is_noted_and_given_away_while_it_stays_open():
    client = client_with_letters()
    uuid = client.letters[0].task_uuid
    async with dashboard(client) as pilot:
        await press(pilot, "D", "n", "ctrl+s")
        assert "nothing is changed yet" in screen_text(pilot)
        await type_in(pilot, "bank is down")
        await press(pilot, "shift+tab")
        await type_in(pilot, "ben")
        await press(pilot, "enter")
        assert "notes     bank is down" in screen_text(pilot)
        assert any("is kept, with ben" in notice for notice in notices(pilot))
        await press(pilot, "n", "shift+tab", *["backspace"] * 3, "enter")
        assert "2 letters, 1 without an owner" in screen_text(pilot)
        commands = [entry.command for entry in pilot.app.services.commands.entries]
        await press(pilot, "m", "tab")
        await type_in(pilot, "paid")
        await press(pilot, "enter")
    assert commands == [
        f"tasker dlq assign {uuid} ben; tasker dlq update {uuid} --notes 'bank is down'",
        f"tasker dlq assign {uuid}",
    ]
    closed = json.loads(client.named("send")[-2].content)
    assert closed["resolution_notes"] == "bank is down\npaid"


async def test_notes_of_several_lines_keep_them():
    client = client_with_letters()
    client.letters[0] = client.letters[0].model_copy(update={"resolution_notes": "bank\tis down\nask ana"})
    async with dashboard(client) as pilot:
        await press(pilot, "D", "n", "end")
        await type_in(pilot, "!")
        await press(pilot, "enter", "m", "ctrl+s")
    noted, closed = (json.loads(call.content) for call in client.named("send") if call.method == "PATCH")
    assert noted["resolution_notes"] == "bank is down\nask ana!"
    assert "resolution_notes" not in closed


def test_each_command_of_a_note_leads_to_the_server():
    row = client_with_letters().letters[0]
    fields = {"assignee": "bob", "resolution_notes": "x"}
    told = notes_command(row, fields, lambda command: f"{command} --profile production")
    assert told.split("; ") == [
        f"tasker dlq assign {row.task_uuid} bob --profile production",
        f"tasker dlq update {row.task_uuid} --notes x",
    ]


async def test_no_dead_letter_leaves_nothing_to_close():
    async with dashboard(client_with()) as pilot:
        await press(pilot, "D", "m")
        assert "There is no dead letter." in screen_text(pilot)
        assert any("no dead letter is selected" in notice for notice in notices(pilot))


async def test_a_failed_run_is_compared_with_the_newest_that_came_through():
    bad, good = order_task(), order_task(2)
    client = client_with(bad, good)
    client.grid, client.diff = runs(bad, good), difference(good, bad)
    async with dashboard(client) as pilot:
        await press(pilot, "v")
        assert "2 runs, 1 complete" in screen_text(pilot)
        assert "✗ charge_card  error" in screen_text(pilot)
        await press(pilot, "d")
        assert 'amount: "129.90" → "12990"' in screen_text(pilot)
        assert "CardDeclined: insufficient_funds" in screen_text(pilot)
        await press(pilot, "escape", "j", "enter")
        assert short_id(str(good.uuid)) in last_line(pilot)
    assert f"/v1/tasks/{good.uuid}/diff/{bad.uuid}" in [call.path for call in client.named("send")]


async def test_queues_tell_who_is_missing_and_what_is_paused():
    client = client_with()
    client.queues = queues()
    async with dashboard(client) as pilot:
        await press(pilot, "Q")
        assert "no worker has it" in screen_text(pilot)
        await press(pilot, "j")
        assert "paused: bank is down (ben)" in screen_text(pilot)
        await press(pilot, "escape")
        assert len(pilot.app.screen_stack) == 2
