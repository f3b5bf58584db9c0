"""The form of a new task, by keyboard: lists, variants, lines, earlier inputs, and the inputs of a task."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

from textual.events import Paste

from engine.model.states import TaskState
from tasker_tui.past_inputs import keep_input, past_inputs
from tests.tui.keyboard import press, type_in
from tests.tui.scenes import order_task, small_task
from tests.tui.support import NOW, FakeClock, FakeTasker, dashboard, screen_text, settle, template

SCHEMA = {
    "type": "object",
    "required": ["customer", "items"],
    "properties": {
        "customer": {"type": "string", "title": "Customer"},
        "note": {"type": "string", "title": "Note"},
        "extra": {"title": "Extra"},
        "items": {
            "type": "array",
            "title": "Items",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["sku"],
                "properties": {
                    "sku": {"type": "string", "title": "Article"},
                    "quantity": {"type": "integer", "title": "Quantity", "default": 1, "maximum": 9},
                },
            },
        },
    },
}


def client_with(*tasks) -> FakeTasker:
    client = FakeTasker(FakeClock(), tasks or [small_task(1, TaskState.COMPLETE, 5, "linear_workflow")])
    client.templates = [template("order_fulfillment", SCHEMA), template("linear_workflow", {})]
    return client


async def open_form(pilot) -> None:
    await press(pilot, "s")
    await type_in(pilot, "order")
    await press(pilot, "enter")


def contexts(client):
    return [request["context"] for _, request in client.named("create_task")]


async def paste(pilot, text: str) -> None:
    pilot.app.post_message(Paste(text))
    await settle(pilot)


async def test_items_are_added_and_taken_away_and_checked_while_they_are_typed():
    client = client_with()
    async with dashboard(client) as pilot:
        await open_form(pilot)
        assert "is required" not in screen_text(pilot)
        await pilot.press(*"Ada", "enter", "enter", "enter", *"TEA", "enter", *"10")  # none waits
        await settle(pilot)
        assert "10 is greater than the maximum of 9" in screen_text(pilot)
        await press(pilot, "backspace")
        assert "greater" not in screen_text(pilot)
        await press(pilot, "ctrl+n")
        assert "Items 2" in screen_text(pilot)
        await type_in(pilot, "CUP")
        await press(pilot, "ctrl+n")
        await type_in(pilot, "POT")
        await press(pilot, "shift+tab", "ctrl+g", "ctrl+s")
        assert "first ─▸○ second" in screen_text(pilot)
    items = [{"sku": "TEA", "quantity": 1}, {"sku": "POT", "quantity": 1}]
    assert contexts(client) == [{"customer": "Ada", "items": items}]
    [kept] = past_inputs("example", "order_fulfillment")
    assert kept.context == contexts(client)[0]


async def test_pasted_lines_stay_in_their_field():
    client = client_with()
    async with dashboard(client) as pilot:
        await open_form(pilot)
        await paste(pilot, "Ada\rLovelace\r\n")
        await press(pilot, "enter", "enter")
        await paste(pilot, '{\n  "a": [1,\n 2]\n}\n')
        await press(pilot, "enter")
        await paste(pilot, "TEA\n")
        await press(pilot, "ctrl+s")
    assert contexts(client) == [
        {"customer": "Ada\nLovelace", "extra": {"a": [1, 2]}, "items": [{"sku": "TEA", "quantity": 1}]}
    ]


async def test_earlier_inputs_are_offered_those_of_here_first():
    keep_input("example", "order_fulfillment", {"customer": "Ada", "items": [{"sku": "CUP"}]}, NOW)
    task = replace(order_task(), context={"customer": "Bob", "items": [{"sku": "POT"}], "trace": 7})
    client = client_with(task)
    async with dashboard(client) as pilot:
        await open_form(pilot)
        assert "^r earlier inputs (2)" in screen_text(pilot)
        await press(pilot, "ctrl+r")
        assert "inputs of a start from here, 0s ago" in screen_text(pilot)
        await press(pilot, "ctrl+r")
        shown = screen_text(pilot)
        assert "Bob" in shown
        assert "only in the JSON (^o): trace" in shown
        await press(pilot, "ctrl+o", "ctrl+o", "ctrl+s")
    assert contexts(client) == [task.context]


async def test_another_task_is_started_with_changed_inputs_of_a_task():
    task = replace(order_task(), context={"customer": "Bob", "items": [{"sku": "POT"}]})
    client = client_with(task)
    async with dashboard(client) as pilot:
        await press(pilot, "A")
        assert f"inputs of task {str(task.uuid)[-8:]}, to be changed" in screen_text(pilot)
        await type_in(pilot, "Bobby")
        await press(pilot, "ctrl+s")
        assert "first ─▸○ second" in screen_text(pilot)
        client.tasks[next(reversed(client.tasks))].name = "order_fulfillment"
        await press(pilot, "s", "ctrl+s")
    assert contexts(client) == [{"customer": "Bobby", "items": [{"sku": "POT"}]}] * 2


async def test_json_is_checked_while_it_is_typed_and_an_editor_needs_a_terminal():
    client = client_with()
    async with dashboard(client) as pilot:
        await open_form(pilot)
        await press(pilot, "f4")
        assert "an editor cannot be opened here" in screen_text(pilot)
        await press(pilot, "ctrl+o")
        assert '"sku" is a required' in screen_text(pilot)
        pilot.app.screen.query_one("#start-json").text = '{"customer": "Ada"'
        await settle(pilot)
        assert "not JSON" in screen_text(pilot)


async def test_inputs_that_cannot_be_kept_hinder_no_start(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(file))
    client = client_with(replace(order_task(), context={"customer": "Bob", "items": [{"sku": "POT"}]}))
    async with dashboard(client) as pilot:
        await press(pilot, "A", "ctrl+s")
        assert "first ─▸○ second" in screen_text(pilot)
    assert contexts(client)
    assert past_inputs("example", "order_fulfillment") == []


def test_inputs_are_kept_newest_first_without_doubles_for_their_owner_alone(tmp_path):
    for number in (1, 2, 1, *range(3, 30)):
        keep_input("a/b", "c.d", {"n": number}, NOW)
    found = [past.context["n"] for past in past_inputs("a/b", "c.d")]
    assert found == list(range(29, 9, -1))
    keep_input("a/b", "c.d", {"n": 12}, NOW)
    assert [past.context["n"] for past in past_inputs("a/b", "c.d")][:2] == [12, 29]
    [file] = (tmp_path / "state").rglob("*.json")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    file.write_text(json.dumps([{"at": "never"}]))
    assert past_inputs("a/b", "c.d") == []
