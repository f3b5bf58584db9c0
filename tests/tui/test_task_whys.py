"""The column of the task list that says why each task waits or has failed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.model.states import StepState, TaskState
from tests.tui.flows import client_with
from tests.tui.keyboard import press
from tests.tui.scenes import order_task, small_task
from tests.tui.support import NOW, FakeStep, FakeTask, FakeTasker, dashboard, screen_text, settle, uuid_at

S = StepState


def waiting_task(number: int, step: FakeStep, minutes_ago: float = 1) -> FakeTask:
    """A task of one step, which runs or waits."""
    began = NOW - timedelta(minutes=minutes_ago)
    return FakeTask(uuid_at(began, number), "single", TaskState.STEPS_IN_PROCESS, [step], began)


def asked(client: FakeTasker) -> list[list[str]]:
    """The tasks of each question."""
    return [call.params["task_uuid"] for call in client.named("send") if call.path == "/v1/tasks/why"]


async def tick(pilot, seconds: float) -> None:
    pilot.app.services.clock.advance(seconds)
    pilot.app.screen.on_tick()
    await settle(pilot)


def line_of(pilot, template: str) -> str:
    return next(line for line in screen_text(pilot).splitlines() if f" {template} " in line)


async def test_each_row_that_waits_or_failed_says_why():
    retry = FakeStep("quote_dhl", S.WAITING_FOR_RETRY, next_retry_at=NOW + timedelta(seconds=42))
    tasks = {
        "retrying": waiting_task(1, retry),
        "running": waiting_task(2, FakeStep("pack_c", S.IN_PROGRESS, attempts=1, started=52)),
        "lonely": waiting_task(3, FakeStep("load", S.ENQUEUED)),
        "order_fulfillment": order_task(2),
        "done": small_task(5, TaskState.COMPLETE, 3),
    }
    tasks = {name: replace(task, name=name) for name, task in tasks.items()}
    client = client_with(*tasks.values())
    async with dashboard(client) as pilot:
        assert "↻ quote_dhl in 42s" in line_of(pilot, "retrying")
        assert "● pack_c 8.0s" in line_of(pilot, "running")
        assert "◎ no worker for example" in line_of(pilot, "lonely")
        assert "✗ charge_card CardDeclined: insuffi…" in line_of(pilot, "order_fulfillment")
        assert line_of(pilot, "done").rstrip("│ ").endswith("3.7s")
        await tick(pilot, 2)
        assert "↻ quote_dhl in 40s" in line_of(pilot, "retrying")
        assert "● pack_c 10s" in line_of(pilot, "running")
        await tick(pilot, 60)
        assert "↻ quote_dhl is due" in line_of(pilot, "retrying")
    assert str(tasks["done"].uuid) not in asked(client)[0]


async def test_it_comes_after_the_rows_and_in_one_question_for_those_in_view():
    tasks = [waiting_task(number, FakeStep("load", S.ENQUEUED), number) for number in range(90)]
    client = client_with(*tasks)
    client.answering.clear()
    async with dashboard(client) as pilot:
        client.answering.set()
        await pilot.pause()
        assert "single" in screen_text(pilot)
        assert "no worker" not in screen_text(pilot)
        assert asked(client) == []
        await settle(pilot)
        assert screen_text(pilot).count("◎ no worker for example") == pilot.app.screen.table.page
        assert [len(uuids) for uuids in asked(client)] == [pilot.app.screen.table.page]
        await press(pilot, "j", "j", "k")
        assert len(asked(client)) == 1
        await pilot.press("ctrl+d", "ctrl+d")
        await settle(pilot)
        assert screen_text(pilot).count("◎ no worker for example") == pilot.app.screen.table.page
        assert set(asked(client)[0]).isdisjoint(asked(client)[1])


async def test_it_changes_when_the_row_changes_and_goes_when_the_task_is_done():
    task = waiting_task(1, FakeStep("load", S.ENQUEUED))
    client = client_with(task)
    async with dashboard(client) as pilot:
        assert "◎ no worker for example" in line_of(pilot, "single")
        task.steps[0] = FakeStep("load", S.ERROR, attempts=1, error={"message": "disk full"})
        task.state = TaskState.BLOCKED_BY_FAILURES
        client.announce(task)
        await settle(pilot)
        assert "✗ load disk full" in line_of(pilot, "single")
        task.steps[0].state, task.state, task.completed_at = S.COMPLETE, TaskState.COMPLETE, NOW
        client.announce(task)
        await settle(pilot)
        assert "disk full" not in screen_text(pilot)


async def test_a_worker_that_came_without_a_change_of_the_task_is_seen_in_time():
    task = waiting_task(1, FakeStep("load", S.ENQUEUED))
    client = client_with(task)
    async with dashboard(client) as pilot:
        task.steps[0] = FakeStep("load", S.IN_PROGRESS, started=57)
        await tick(pilot, 2)
        assert "no worker" in line_of(pilot, "single")
        await tick(pilot, 4)
        assert "● load 9.0s" in line_of(pilot, "single")
        assert len(asked(client)) == 2


async def test_what_cannot_be_asked_is_tried_again_and_what_was_known_stays():
    task = waiting_task(1, FakeStep("load", S.ENQUEUED))
    client = client_with(task)
    async with dashboard(client) as pilot:
        client.offline = True
        await tick(pilot, 6)
        await tick(pilot, 1)
        assert len(asked(client)) == 2
        assert "no worker" in line_of(pilot, "single")
        client.offline = False
        task.steps[0].state = S.IN_PROGRESS
        await tick(pilot, 6)
        assert "● load" in line_of(pilot, "single")


@pytest.mark.parametrize(
    ("width", "told"), [(58, False), (80, False), (120, True), (140, False), (160, True), (200, True)]
)
async def test_it_is_shown_and_asked_for_where_there_is_room(width, told):
    client = client_with(small_task(1, TaskState.ENQUEUING_STEPS, 3))
    async with dashboard(client, (width, 24)) as pilot:
        assert ("◎ no worker for exa" in screen_text(pilot)) is told
        assert bool(asked(client)) is told


async def test_it_comes_when_the_preview_leaves_it_room():
    client = client_with(small_task(1, TaskState.ENQUEUING_STEPS, 3))
    async with dashboard(client, (140, 24)) as pilot:
        assert "WHY" not in screen_text(pilot)
        await press(pilot, "tab")
        assert "◎ no worker for example" in line_of(pilot, "linear_workflow")


async def test_a_handlers_text_is_shown_as_it_is_on_one_line():
    hostile = "[bold red]no[/] [link=x]\x1b[2J\nnext\u202e"
    task = waiting_task(1, FakeStep("a", S.ERROR, error={"message": hostile}))
    task.state = TaskState.BLOCKED_BY_FAILURES
    async with dashboard(client_with(task), (160, 24)) as pilot:
        await press(pilot, "tab")
        assert "✗ a [bold red]no[/] [link=x]·[2J⏎next·" in line_of(pilot, "single")


async def test_a_state_is_a_letter_where_shapes_cannot_be_shown():
    client = client_with(waiting_task(1, FakeStep("load", S.ENQUEUED)))
    async with dashboard(client, ascii_only=True) as pilot:
        assert "Q no worker for example" in line_of(pilot, "single")
        assert screen_text(pilot).isascii()
