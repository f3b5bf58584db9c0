"""One step in full, by keyboard; and the pure parts of its tabs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.model.states import StepState
from engine.model.wire.details import LogRecord, StepEdit
from tasker_tui.backtraces import failing_place
from tasker_tui.json_tree import JsonTree
from tasker_tui.locator import to_step
from tasker_tui.log_lines import LogLines
from tests.tui.keyboard import press, type_in
from tests.tui.scenes import order_task
from tests.tui.support import NOW, FakeClock, FakeTasker, dashboard, screen_text, settle


async def test_a_failed_step_is_read_and_retried():
    client = FakeTasker(FakeClock(), [order_task()])
    [task] = client.tasks
    async with dashboard(client) as pilot:
        await press(pilot, "enter", "enter")
        shown = screen_text(pilot)
        assert "charge_card of order_fulfillment" in shown
        assert "charge in handlers/gateway.py:18 " in shown
        assert "raise CardDeclined(answer.reason)" in shown
        await press(pilot, "1", "j")
        assert "upstream timed out after 0.7 s" in screen_text(pilot)
        await press(pilot, "2")
        assert '▾ "from validate": {' in screen_text(pilot)
        await press(pilot, "j", "enter")
        assert '▸ "context": { 3 }' in screen_text(pilot)
        await press(pilot, "i")
        assert '"name": "charge_card"' in screen_text(pilot)
        await press(pilot, "i", "3")
        assert "The step has no result yet." in screen_text(pilot)
        await press(pilot, "w")
        assert "all 3 attempts failed; r retries it" in screen_text(pilot)
        await press(pilot, "r", "enter")
        assert client.tasks[task].step("charge_card").state is StepState.PENDING
        await press(pilot, "escape")
        assert "› charge_card" in screen_text(pilot).splitlines()[-1]


async def test_what_was_edited_of_the_inputs_is_shown_as_the_handler_is_given_it():
    client = FakeTasker(FakeClock(), [order_task()])
    [task] = client.tasks.values()
    step = task.step("charge_card")
    step.inputs, step.edits = {"order": 8842}, [edit_of({"order": 8842}, "wrong order")]
    async with dashboard(client, locator=to_step(str(task.uuid), "charge_card")) as pilot:
        await press(pilot, "2")
        shown = screen_text(pilot)
        assert shown.index('"context": {') < shown.index('"order": 8842') < shown.index('"edited": {')
        assert "edited by ana at 11:59:00: wrong order" in shown


@pytest.mark.parametrize(
    ("name", "attempts", "earlier", "told"),
    [("charge_card", 3, 0, "attempt 3 of 3  "),
     ("charge_card", 1, 3, "attempt 1 of 3 since it was retried  "),
     ("pack_c", 1, 0, "attempt 1 of 3  "), ("pack_c", 1, 1, "attempt 1 of 3 since it was retried  ")],
)  # fmt: skip
async def test_the_attempts_since_a_retry_are_told_from_those_before_it(name, attempts, earlier, told):
    client = FakeTasker(FakeClock(), [order_task()])
    [task] = client.tasks.values()
    step = task.step(name)
    step.attempts, step.earlier = attempts, earlier
    async with dashboard(client, locator=to_step(str(task.uuid), name)) as pilot:
        await press(pilot, "1")
        assert told in screen_text(pilot)


async def test_a_log_is_followed_searched_and_wrapped():
    client = FakeTasker(FakeClock(), [order_task()])
    [task] = client.tasks.values()
    step = task.step("pack_c")
    step.log = tuple(("INFO", f"line {number} " + "x" * 150) for number in range(1100))
    async with dashboard(client, locator=to_step(str(task.uuid), "pack_c")) as pilot:
        await press(pilot, "L")
        shown = screen_text(pilot)
        assert "line 1099 " in shown
        assert "1,100 lines   follows" in shown
        step.log += (("ERROR", "paper is [red]out"),)
        client.clock.advance(1)
        pilot.app.screen.on_tick()
        await settle(pilot)
        assert "paper is [red]out" in screen_text(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "NE 17 ")
        assert "1 row with NE 17" in screen_text(pilot)
        await press(pilot, "enter", "W", "slash")
        await type_in(pilot, " 24")
        assert "11 rows with  24" in screen_text(pilot)
        await press(pilot, "enter", "n", "N", "N")
        assert "▌  1 11:59:40 line 249 " in screen_text(pilot)


async def test_a_step_that_waits_begins_with_why_and_one_that_is_not_there_says_so():
    client = FakeTasker(FakeClock(), [order_task()])
    [task] = client.tasks.values()
    async with dashboard(client, locator=to_step(str(task.uuid), "merge_packs")) as pilot:
        shown = screen_text(pilot)
        assert "blocked by charge_card (error)" in shown
        client.transition(task, "merge_packs", StepState.ENQUEUED)
        await settle(pilot)
        assert "no live worker serves" in screen_text(pilot)
    async with dashboard(client, (58, 16), to_step(str(task.uuid), "no_step")) as pilot:
        assert "this task has no step no_step" in screen_text(pilot)


@pytest.mark.parametrize(
    ("lines", "place", "source"),
    [
        (['  File "/app/pay.py", line 3, in call', "    charge()"], "/app/pay.py:3", "charge()"),
        (['  File "a.py", line 1, in f\n    g()\n  File "/x/site-packages/h.py", line 2, in g\n    raise X'],
         "a.py:1", "g()"),
        (['  File "/x/site-packages/h.py", line 2, in g'], "/x/site-packages/h.py:2", ""),
    ],
    ids=["own", "inside a library", "no source"],
)  # fmt: skip
def test_the_place_of_an_error_is_in_the_handlers_own_code(lines, place, source):
    found = failing_place(lines)
    assert (str(found), found.source) == (place, source)
    assert failing_place(["no frame"]) is None


def edit_of(inputs: dict[str, Any], reason: str) -> StepEdit:
    return StepEdit(
        edit_id=1, old_inputs={}, new_inputs=inputs, old_settings=None, new_settings=None, actor="ana",
        reason=reason, edited_at=NOW - timedelta(minutes=1),
    )  # fmt: skip


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("x" * 300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(values, st.data())
def test_a_json_tree_opens_what_it_folds(value, data):
    tree = JsonTree()
    tree.show(value)
    before = list(tree.lines)
    keys = [tree.key_of(line) for line in before]
    assert len(set(keys)) == len(keys)
    assert [tree.index_of(key) for key in keys] == list(range(tree.total))
    folding = [line for line in before if line.folds]
    if folding:
        line = data.draw(st.sampled_from(folding))
        tree.toggle(line)
        assert tree.total != len(before) or line.kind == "text"
        tree.toggle(next(other for other in tree.lines if other.key == line.key and other.folds))
        assert tree.lines == before


def test_a_large_value_is_bounded():
    tree = JsonTree()
    tree.show({"rows": [{"n": number} for number in range(5000)]})
    assert tree.total == 3
    tree.fold_all(False)
    assert tree.total == 3 * 1000 + 5
    assert any(line.text == "… 4,000 more" for line in tree.lines)
    assert json.loads(json.dumps(tree.value)) == tree.value


@given(st.lists(st.text(max_size=80), max_size=6), st.integers(10, 40))
@example(["\U0001f3fb"], 20)
def test_wrapping_loses_no_character(messages, width):
    log = LogLines()
    assert log.add([
        LogRecord(id=n, attempt=1, at=NOW, stream="log", level="INFO", logger="x", message=message)
        for n, message in enumerate(messages, 1)
    ]) is bool(messages)  # fmt: skip
    whole = "".join(row.text for row in log.rows)
    log.wrap(width)
    assert "".join(row.text for row in log.rows) == whole
    assert not log.add(log.records)
