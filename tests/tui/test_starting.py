"""A task is started by a form, or beside an equal one."""

from __future__ import annotations

from engine.client import ApiError
from tasker_tui.text import short_id
from tests.tui.flows import client_with
from tests.tui.keyboard import press, type_in
from tests.tui.support import dashboard, screen_text


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
