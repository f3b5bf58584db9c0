"""What operators do, by keyboard, against a client that answers from memory."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from engine.client import ApiError
from engine.model.states import StepState, TaskState
from tasker_tui.actions import ACTIONS, key_name
from tasker_tui.locator import to_task
from tasker_tui.text import short_id
from tests.tui.fake_letters import letter
from tests.tui.keyboard import last_line, notices, press, type_in
from tests.tui.scenes import (
    ORDER_SCHEMA,
    day,
    difference,
    failure_groups,
    order_task,
    queues,
    runs,
    small_task,
)
from tests.tui.support import NOW, FakeClock, FakeTasker, dashboard, screen_text, settle, template


def client_with(*tasks) -> FakeTasker:
    client = FakeTasker(FakeClock(), tasks or day())
    client.templates = [template("order_fulfillment", ORDER_SCHEMA), template("linear_workflow", {})]
    return client


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
        assert "tasker bulk resume" in screen_text(pilot)
    assert (client.bulk.asked.verb, client.bulk.asked.filter.signature) == ("resolve", "KeyError: <text>")
    assert client.bulk.run.rate == 0.5


async def test_a_group_that_is_gone_asks_nothing():
    client = client_with_failures()
    client.bulk.items = 0
    async with dashboard(client) as pilot:
        await press(pilot, "e", "r")
        assert any("nothing to retry any more" in notice for notice in notices(pilot))
        assert client.bulk.run is None


async def test_the_newest_failure_of_a_group_is_opened():
    client = client_with_failures()
    async with dashboard(client) as pilot:
        await press(pilot, "e", "enter")
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
        await press(pilot, "escape", "j", "d")
        assert any("no other run of this template is complete" in notice for notice in notices(pilot))
        await press(pilot, "enter")
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


async def test_a_step_that_waits_for_its_retry_says_when():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "k", "r")
        assert any("pack_d retries by itself in 42s" in notice for notice in notices(pilot))


async def test_the_panel_says_why_a_step_waits_and_w_leads_there():
    task = order_task()
    async with dashboard(client_with(task), (140, 40)) as pilot:
        await press(pilot, "enter", "G")
        assert "why       waits for email (pending), sms (pending), audit (pending)" in screen_text(pilot)
        await press(pilot, "w")
        assert pilot.app.screen.focused.id == "step-body"


async def test_w_on_a_finished_step_says_that_it_waits_for_nothing():
    async with dashboard(client_with(order_task())) as pilot:
        await press(pilot, "enter", "g", "w")
        assert any("validate is complete: it waits for nothing" in notice for notice in notices(pilot))


async def test_a_reason_is_not_shown_any_more_once_the_step_has_moved_on():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "G")
        assert "waits for email" in screen_text(pilot)
        client.transition(task, "finish", StepState.ENQUEUED)
        await pilot.pause()
        assert "waits for email" not in screen_text(pilot)
        await settle(pilot)
        assert "why       no live worker serves the namespace example" in screen_text(pilot)


async def test_what_a_queued_step_waits_for_is_asked_again_while_it_stays_where_it_is():
    task = order_task()
    task.step("pack_c").state = StepState.ENQUEUED
    client = client_with(task)
    async with dashboard(client, locator=to_task(str(task.uuid), "pack_c")) as pilot:
        asked = len(client.named("why_task"))
        client.clock.advance(6)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert len(client.named("why_task")) == asked + 1


async def test_the_preview_tells_the_most_telling_reason_and_its_ages_go_on():
    client = client_with(order_task())
    async with dashboard(client, (160, 40)) as pilot:
        assert "why        charge_card: failed for good after 3 attempts" in screen_text(pilot)
        assert "2m ago" in screen_text(pilot)
        client.clock.advance(60)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "3m ago" in screen_text(pilot)


async def test_neighbours_that_do_not_fit_on_a_line_stand_below_each_other():
    task = order_task()
    locator = to_task(str(task.uuid), "merge_packs")
    async with dashboard(client_with(task), (120, 40), locator) as pilot:
        lines = screen_text(pilot).splitlines()
    after = next(i for i, line in enumerate(lines) if "after     ✓ validate" in line)
    assert lines[after + 1][:12].strip("│ ") == ""
    assert lines[after + 1][12] in "✓✗●↻"


async def test_a_line_of_the_preview_stays_one_line():
    async with dashboard(client_with(order_task()), (140, 40)) as pilot:
        lines = [line for line in screen_text(pilot).splitlines() if "merge_packs" in line]
        following = screen_text(pilot).splitlines()
        after = following[following.index(lines[0]) + 1]
        assert "…" in lines[0]
        assert "label" in after


async def test_start_fills_a_form_and_opens_the_task():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "s")
        await type_in(pilot, "order")
        await press(pilot, "enter")
        await type_in(pilot, "Ada")
        await press(pilot, "ctrl+s")
        assert "order_fulfillment" in screen_text(pilot).splitlines()[1]
        assert "first ─▸○ second" in screen_text(pilot)
    [(name, request)] = client.named("create_task")
    assert name == "order_fulfillment"
    assert request["initiator"] == "ana"
    assert request["context"] == {
        "customer": "Ada",
        "items": [{"sku": "TEA-01", "quantity": 3}],
        "payment": "card",
        "delivery": {"express": False},
    }


async def test_a_long_description_is_told_to_its_end():
    client = client_with()
    said = "An order from its check to its parcel, which looks back farther than one step. Mind the stock."
    client.templates = [client.templates[0].model_copy(update={"description": said})]
    async with dashboard(client) as pilot:
        await press(pilot, "s", "enter")
        assert "Mind the stock." in screen_text(pilot)


async def test_a_wrong_input_is_named_at_its_field_until_it_is_right():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "s", "enter", "ctrl+s")
        assert "is required" in screen_text(pilot)
        assert not client.named("create_task")
        await type_in(pilot, "A")
        assert "shorter than 2" in screen_text(pilot)
        await type_in(pilot, "da")
        assert "not right yet" not in screen_text(pilot)
        await press(pilot, "ctrl+s")
    assert client.named("create_task")


async def test_the_input_can_be_written_as_json():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "s", "enter")
        await type_in(pilot, "Ada")
        await press(pilot, "ctrl+o")
        area = pilot.app.screen.query_one("#start-json")
        assert '"customer": "Ada"' in area.text
        area.text = '{"customer": "Ada", "extra": [1, {"deep": null}]}'
        await press(pilot, "ctrl+s")
    [(_, request)] = client.named("create_task")
    assert request["context"] == {"customer": "Ada", "extra": [1, {"deep": None}]}


async def test_what_the_server_refuses_is_shown_at_its_field_and_can_be_sent_again():
    client = client_with()
    client.refusal = ApiError(
        422,
        "VALIDATION_ERROR",
        "the context does not fit the template",
        {"problems": [{"path": "context.delivery.floor", "message": "no lift goes there"}]},
    )
    async with dashboard(client) as pilot:
        await press(pilot, "s", "enter")
        await type_in(pilot, "Ada")
        await press(pilot, "ctrl+s")
        shown = screen_text(pilot)
        assert "the context does not fit the template" in shown
        assert "no lift goes there" in shown
        client.refusal = None
        await press(pilot, "ctrl+s")
        assert "first ─▸○ second" in screen_text(pilot)


def equal_task_of(client):
    """An answer of the server that an equal task exists, and that task's id."""
    uuid = next(iter(client.tasks))
    details = {"existing_task_uuid": uuid, "hint": "look at that task"}
    client.refusal = ApiError(409, "CONFLICT", "a task with the same context exists", details)
    return uuid


async def test_an_equal_task_can_be_opened_instead():
    client = client_with()
    existing = equal_task_of(client)
    async with dashboard(client) as pilot:
        await press(pilot, "s", "enter")
        await type_in(pilot, "Ada")
        await press(pilot, "ctrl+s")
        shown = screen_text(pilot)
        assert "An equal task exists" in shown
        assert f"{short_id(existing)} of " in shown
        await press(pilot, "enter")
        assert short_id(existing) in screen_text(pilot).splitlines()[1]
    assert len(client.named("create_task")) == 1


async def test_another_task_can_be_started_beside_an_equal_one():
    client = client_with()
    equal_task_of(client)
    async with dashboard(client) as pilot:
        await press(pilot, "s", "enter")
        await type_in(pilot, "Ada")
        await press(pilot, "ctrl+s", "escape")
        assert "an equal task exists" in screen_text(pilot)
        await press(pilot, "ctrl+s", "s")
        assert "first ─▸○ second" in screen_text(pilot)
    asked = [request["on_duplicate"] for _, request in client.named("create_task")]
    assert asked == ["raise", "raise", "start"]


async def test_broken_json_is_told_with_its_place():
    client = client_with()
    async with dashboard(client) as pilot:
        await press(pilot, "s", "enter", "ctrl+o")
        pilot.app.screen.query_one("#start-json").text = '{\n  "customer": \n}'
        await press(pilot, "ctrl+s")
        assert "not JSON: Expecting value in line 3, column 1" in screen_text(pilot)
    assert not client.named("create_task")


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
    assert any(query.get("status") == ["error"] for query in asked)


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


async def test_the_cursor_moves_in_two_dimensions():
    async with dashboard(client_with(order_task())) as pilot:
        await press(pilot, "enter", "g")
        assert "› validate" in last_line(pilot)
        for key, name in (
            ("l", "reserve_stock"),
            ("l", "pack_a"),
            ("j", "pack_b"),
            ("k", "pack_a"),
            ("l", "merge_packs"),
            ("G", "finish"),
            ("h", "sms"),
            ("exclamation_mark", "charge_card"),
        ):
            await press(pilot, key)
            assert f"› {name}" in last_line(pilot)


async def test_a_step_chosen_in_the_list_is_the_one_in_the_graph():
    async with dashboard(client_with(order_task())) as pilot:
        await press(pilot, "enter", "2", "g", "j")
        assert "› reserve_stock" in last_line(pilot)
        await press(pilot, "1")
        assert "› reserve_stock" in last_line(pilot)


async def test_markup_and_control_characters_are_shown_as_they_are():
    task = small_task(7, TaskState.BLOCKED_BY_FAILURES, 3, "[red]x[/red]\x1b[2J")
    task.step("step_3").error = {"message": "[bold]no[/bold] \x1b]0;owned\x07 KeyError: '[a]'"}
    async with dashboard(client_with(task)) as pilot:
        assert "[red]x[/red]·[2J" in screen_text(pilot)
        await press(pilot, "enter")
        shown = screen_text(pilot)
        assert "[red]x[/red]" in shown
        assert "[bold]no[/bold] ·]0;owned· KeyError: '[a]'" in shown
        assert "\x1b" not in shown
        await press(pilot, "r")
        assert "[bold]no[/bold]" in screen_text(pilot)


async def test_the_palette_runs_an_action_by_its_name():
    client = client_with(small_task(7, TaskState.WAITING_FOR_DEPENDENCIES, 3))
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "ctrl+p")
        await type_in(pilot, "cancel this")
        await pilot.pause(0)
        await press(pilot, "enter")
        await press(pilot, "y")
    assert client.named("cancel_task")


async def test_help_names_every_key_of_the_screen():
    async with dashboard(client_with(), (120, 120)) as pilot:
        await press(pilot, "question_mark")
        shown = screen_text(pilot)
    for action in ACTIONS:
        if action.scope in ("tasks", "list", "app"):
            assert action.help in shown
            assert key_name(action.keys[0]) in shown


async def test_every_screen_survives_any_size():
    async with dashboard(client_with(order_task())) as pilot:
        for size in ((20, 6), (58, 16), (300, 100), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        await press(pilot, "enter")
        for size in ((20, 6), (300, 100), (1, 1), (80, 24)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        assert "charge_card" in screen_text(pilot)


async def test_a_retry_that_fails_is_told():
    task = order_task()
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "r")
        client.offline = True
        await press(pilot, "enter")
        assert any("charge_card was not retried" in notice for notice in notices(pilot))
    assert task.step("charge_card").state is StepState.ERROR


async def test_ages_go_on_with_the_clock():
    client = client_with(small_task(7, TaskState.STEPS_IN_PROCESS, 3))
    async with dashboard(client) as pilot:
        assert "3m00s" in screen_text(pilot)
        client.clock._now += timedelta(seconds=31)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "3m31s" in screen_text(pilot)


async def test_the_lag_is_shown_while_it_is_fresh():
    task = small_task(7, TaskState.STEPS_IN_PROCESS, 3)
    client = client_with(task)
    async with dashboard(client) as pilot:
        client.announce(task)
        client.clock._now += timedelta(seconds=3)
        await settle(pilot)
        assert "live, 3.0 s behind" in screen_text(pilot).splitlines()[0]
        client.clock._now += timedelta(seconds=6)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "behind" not in screen_text(pilot)
