"""What operators do to steps and tasks, by keyboard."""

from __future__ import annotations

import json

import pytest
from textual.widgets import Input, Static

from engine.model.states import StepState, TaskState
from tests.tui.flows import client_with
from tests.tui.keyboard import notices, press, type_in
from tests.tui.scenes import (
    order_task,
    small_task,
)
from tests.tui.support import FakeStep, dashboard, screen_text, settle


async def test_four_keys_from_the_start_to_a_retried_step():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "exclamation_mark", "r", "enter")
    [(step_uuid, action)] = client.named("act_on_step")
    task = next(task for task in client.tasks.values() if task.name == "order_fulfillment")
    assert step_uuid == str(task.step_uuid("charge_card"))
    assert (action.action_type, action.reset_by) == ("reset_for_retry", "ana")
    assert task.step("charge_card").state is StepState.PENDING


async def test_retry_in_the_graph_keeps_the_reason_and_shows_the_new_state():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "r")
        await type_in(pilot, "bank is back")
        await press(pilot, "enter")
        assert "○ charge_card" in screen_text(pilot)
        assert any("tasker task retry" in notice for notice in notices(pilot))
    [(_, action)] = client.named("act_on_step")
    assert action.reason == "bank is back"


async def test_the_retry_is_of_the_step_that_the_dialog_opened_for():
    task, newer = order_task(1), order_task(3, minutes_ago=0.5)
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "r")
        client.announce(newer)
        await settle(pilot)
        await press(pilot, "enter")
    assert client.named("act_on_step")[0][0] == str(task.step_uuid("charge_card"))


async def test_escape_leaves_everything_as_it_is():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "r", "escape", "c", "escape", "s", "escape")
    assert not client.named("act_on_step")
    assert not client.named("cancel_task")
    assert not client.named("create_task")


async def test_cancel_wants_a_y():
    task = small_task(7, TaskState.WAITING_FOR_DEPENDENCIES, 3)
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "c", "enter")
        assert not client.named("cancel_task")
        await press(pilot, "y")
    assert client.named("cancel_task") == [str(task.uuid)]


async def test_a_failed_step_is_resolved_by_hand_with_a_reason():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "m")
        await type_in(pilot, "paid in cash")
        await press(pilot, "enter")
        assert "⊙ charge_card" in screen_text(pilot)
        assert any(f"tasker task skip {task.uuid} charge_card" in notice for notice in notices(pilot))
    [(_, action)] = client.named("act_on_step")
    assert (action.action_type, action.result, action.reason) == ("skip", None, "paid in cash")
    assert action.skipped_by == "ana"


async def test_a_step_is_completed_with_a_result_once_it_is_json():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "M")
        await type_in(pilot, "{")
        await press(pilot, "ctrl+s")
        assert "the result is no JSON" in screen_text(pilot)
        assert not client.named("act_on_step")
        await press(pilot, "backspace", "right")
        await type_in(pilot, '"paid":12')
        await press(pilot, "tab")
        await type_in(pilot, "by bank")
        await press(pilot, "ctrl+s")
        assert "✓ charge_card" in screen_text(pilot)
    [(_, action)] = client.named("act_on_step")
    assert action.completion_data.result == {"paid": 12}
    assert (action.reason, action.completed_by) == ("by bank", "ana")


async def test_a_done_step_is_not_ended_by_hand():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "g", "m")
        assert any("there is nothing to end by hand" in notice for notice in notices(pilot))


async def test_p_pauses_a_task_and_lets_it_go_on():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 3)
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "p")
        await type_in(pilot, "bank is down")
        await press(pilot, "enter")
        assert client.pauses[str(task.uuid)].reason == "bank is down"
        await press(pilot, "enter", "p")
        assert "by ana: bank is down" in screen_text(pilot)
        await press(pilot, "enter")
    assert client.pauses == {}


async def test_a_done_step_runs_again_with_all_after_it():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "g", "R")
        assert "runs at once 1 step: validate" in screen_text(pilot)
        assert "--downstream" in screen_text(pilot)
        await press(pilot, "tab", "tab")
        await type_in(pilot, "wrong prices")
        await press(pilot, "ctrl+s")
        assert any("steps run again" in notice for notice in notices(pilot))
        assert "○ validate" in screen_text(pilot)
    asked = json.loads(client.named("send")[-1].content)
    assert (asked["steps"], asked["downstream"], asked["dry_run"]) == (["validate"], True, False)
    assert (asked["reason"], asked["actor"]) == ("wrong prices", "ana")


async def test_a_failed_step_runs_again_with_other_inputs_once_they_are_json():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "R", "tab")
        await type_in(pilot, '{"card":')
        await press(pilot, "ctrl+s")
        assert "is no JSON" in screen_text(pilot)
        await type_in(pilot, "1}")
        await press(pilot, "enter")
    asked = json.loads(client.named("send")[-1].content)
    assert (asked["steps"], asked["downstream"], asked["inputs"]) == (["charge_card"], False, {"card": 1})


async def test_what_the_handler_is_given_now_is_offered_and_what_differs_is_tried_and_sent():
    task = order_task()
    task.context = {"order": 8841, "amount": -5}
    task.step("validate").inputs = {"amount": 5}
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "g", "R", "tab")
        assert '{"order": 8841, "amount": 5}' in screen_text(pilot)
        await press(pilot, "end", "left", "0")
        shown = screen_text(pilot)
        assert 'is given     {"order": 8841, "amount": 50}' in shown
        assert "this step alone; a new task from here" in shown
        tried = json.loads(client.named("send")[-1].content)
        assert (tried["dry_run"], tried["inputs"]) == (True, {"amount": 50})
        await press(pilot, "shift+tab", "down", "down", "enter")
        assert '{"order": 8841, "amount": 50}' in screen_text(pilot)
        await press(pilot, "ctrl+s")
    asked = json.loads(client.named("send")[-1].content)
    assert (asked["dry_run"], asked["context"]) == (False, {"amount": 50})


async def test_a_retry_with_nothing_changed_edits_nothing():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "R", "ctrl+s")
    sent = [json.loads(call.content) for call in client.named("send") if call.method == "POST"]
    assert [(one["dry_run"], "inputs" in one) for one in sent] == [(True, False), (False, False)]


async def test_inputs_that_no_server_takes_are_told_and_leave_the_dialog_open():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "R", "tab")
        for text in ('{"x": NaN}', '{"x": 1e400}', '{"x": "\\u0000"}', '{"\\ud800": 1}'):
            pilot.app.screen.query_one("#rerun-patch", Input).value = text
            await press(pilot, "ctrl+s")
            assert pilot.app.screen.query_one("#dialog-problem", Static).display, text
    assert all(json.loads(call.content)["dry_run"] for call in client.named("send") if call.method == "POST")


async def test_what_is_typed_after_an_early_send_is_not_sent_by_itself():
    task = order_task()
    task.context = {"amount": 5}
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "g")
        client.answering.clear()
        await press(pilot, "R", "ctrl+s")
        assert "looking what would run" in screen_text(pilot)
        await press(pilot, "tab", "end", "left", "0")
        client.answering.set()
        await settle(pilot)
        assert 'is given     {"amount": 50}' in screen_text(pilot)
    assert all(json.loads(call.content)["dry_run"] for call in client.named("send") if call.method == "POST")


async def test_a_value_that_is_left_out_stays_and_the_dialog_says_so():
    task = order_task()
    task.context = {"order": 8841, "amount": 5}
    async with dashboard(client_with(task)) as pilot:
        await press(pilot, "enter", "R", "tab")
        pilot.app.screen.query_one("#rerun-patch", Input).value = '{"order": 1}'
        await settle(pilot)
        assert "stays        amount  (null takes a value away)" in screen_text(pilot)


async def test_many_steps_run_again_once_their_number_is_typed():
    task = order_task()
    task.steps += [FakeStep(f"extra_{i}", parents=("finish",)) for i in range(3)]
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "g", "R")
        client.answering.clear()
        await press(pilot, "down", "enter", "ctrl+s")
        assert "looking what would run" in screen_text(pilot)
        client.answering.set()
        await settle(pilot)
        assert "type 23 to confirm" in screen_text(pilot)
        await type_in(pilot, "22")
        await press(pilot, "enter")
        assert json.loads(client.named("send")[-1].content)["dry_run"]
        await press(pilot, "backspace", "3", "enter")
    assert not json.loads(client.named("send")[-1].content)["dry_run"]


async def test_a_done_step_alone_does_not_run_again_and_says_so():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "g", "R", "up", "enter")
        assert "say downstream" in screen_text(pilot)
        await press(pilot, "ctrl+s")
        assert "say downstream" in screen_text(pilot)


async def test_a_fork_takes_over_what_is_done_and_is_opened():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "R", "down", "down", "down", "enter")
        assert "is taken over" in screen_text(pilot)
        await press(pilot, "ctrl+s")
        assert len(pilot.app.screen_stack) == 4
        assert any("is a fork of" in notice for notice in notices(pilot))
    asked = json.loads(client.named("send")[-1].content)
    assert (asked["from"], asked["dry_run"]) == (["charge_card"], False)


async def test_an_ended_task_is_not_paused():
    client = client_with(small_task(7, TaskState.COMPLETE, 3))
    async with dashboard(client) as pilot:
        await press(pilot, "p")
        assert any("there is nothing to pause" in notice for notice in notices(pilot))


@pytest.mark.parametrize(
    ("state", "key", "reason"),
    [
        (TaskState.COMPLETE, "r", "has no failed step (it is complete)"),
        (TaskState.COMPLETE, "c", "is complete: there is nothing to cancel"),
        (TaskState.STEPS_IN_PROCESS, "r", "has no failed step (it is running)"),
    ],
)
async def test_a_key_that_cannot_act_says_why(state, key, reason):
    client = client_with(small_task(7, state, 3))
    async with dashboard(client) as pilot:
        await press(pilot, key)
        assert any(reason in notice for notice in notices(pilot))
        assert len(pilot.app.screen_stack) == 2


async def test_a_retry_that_fails_is_told():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "r")
        client.offline = True
        await press(pilot, "enter")
        assert any("charge_card was not retried" in notice for notice in notices(pilot))
    assert task.step("charge_card").state is StepState.ERROR
