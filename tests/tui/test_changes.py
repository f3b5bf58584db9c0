"""What changes something: it is asked for in a dialog, and noted in the command log."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from engine.model.states import StepState, TaskState
from tasker_tui.command_log import OLD_FILES, append_line
from tasker_tui.profiles import Profile
from tests.tui.keyboard import press
from tests.tui.scenes import order_task, small_task
from tests.tui.support import FakeClock, FakeStep, FakeTasker, dashboard, screen_text, settle


async def test_the_command_log_shows_what_was_changed_and_what_was_refused(tmp_path):
    task, other = order_task(), small_task(7, TaskState.WAITING_FOR_DEPENDENCIES, 3)
    client = FakeTasker(FakeClock(), [task, other])
    kept = tmp_path / "state" / "commands.log"
    async with dashboard(client) as pilot:
        pilot.app.services.commands.path = kept
        await press(pilot, "ctrl+l")
        assert "Nothing was changed from here yet." in screen_text(pilot)
        await press(pilot, "escape", "r", *"again", "enter", "j", "c", "y", "k", "p", "enter", "ctrl+l")
        shown = " ".join(line.strip(" │") for line in screen_text(pilot).splitlines())
        first, second, third = (
            shown.index(f"12:00:00  ✓ {command}")
            for command in (
                f"tasker pause {task.uuid}",
                f"tasker task cancel {other.uuid}",
                f"tasker task retry {task.uuid} charge_card --reason again",
            )
        )
        assert first < second < third
        await press(pilot, "j", "down", "y")
        assert pilot.app.clipboard == f"tasker task cancel {other.uuid}"
        await press(pilot, "escape")
        client.offline = True
        await press(pilot, "p")
        client.offline = False
    written = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [line["outcome"] for line in written] == ["done"] * 3
    assert {line["by"] for line in written} == {"ana"}
    assert kept.stat().st_mode & 0o077 == 0


async def test_a_refused_change_is_in_the_log_with_its_reason(tmp_path):
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client, profile=Profile(url="http://tasker.example.com")) as pilot:
        await press(pilot, "r")
        client.offline = True
        await press(pilot, "enter", "ctrl+l")
        assert "the server cannot be reached" in screen_text(pilot)
    [entry] = pilot.app.services.commands.entries
    assert not entry.done
    assert entry.command.endswith(" charge_card --url http://tasker.example.com")


def test_a_full_file_moves_aside_and_the_oldest_is_dropped(tmp_path):
    path = tmp_path / "commands.log"
    for number in range(OLD_FILES + 3):
        append_line(path, str(number), limit=1)
    files = {file.name: file.read_text().strip() for file in tmp_path.iterdir()}
    assert files == {"commands.log": "5", "commands.log.1": "4", "commands.log.2": "3", "commands.log.3": "2"}


async def test_a_task_with_running_steps_is_cancelled_by_typing_its_id():
    task = order_task()
    assert task.counted(StepState.IN_PROGRESS)
    client = FakeTasker(FakeClock(), [task])
    short = str(task.uuid)[-8:]
    async with dashboard(client) as pilot:
        await press(pilot, "c", "y", "enter", "enter")
        assert f"type {short} to confirm" in screen_text(pilot)
        assert not client.named("cancel_task")
        await press(pilot, *short, "enter")
    assert client.named("cancel_task") == [str(task.uuid)]
    [entry] = pilot.app.services.commands.entries
    assert entry.command == f"tasker task cancel {task.uuid} --reason y"


async def test_many_steps_are_retried_by_typing_their_number():
    steps = [
        FakeStep(f"part_{i:02}", StepState.ERROR, attempts=3, error={"message": "boom"}) for i in range(21)
    ]
    task = replace(order_task(), steps=[*steps, FakeStep("join", parents=("part_00",))])
    client = FakeTasker(FakeClock(), [task])
    async with dashboard(client) as pilot:
        await press(pilot, "r")
        shown = screen_text(pilot)
        assert "21 steps at once, with new attempts" in shown
        assert "then      1 step: join" in shown
        await press(pilot, "enter")
        assert "type 21 to confirm" in screen_text(pilot)
        assert client.changes == 0
        await press(pilot, "2", "1", "enter")
    assert client.changes == 21


async def test_a_question_whose_answer_comes_too_late_is_not_asked():
    client = FakeTasker(FakeClock(), [order_task(), order_task(2)])
    held = asyncio.Event()
    list_steps = client.list_steps

    async def slowly(task_uuid):
        await held.wait()
        return await list_steps(task_uuid)

    client.list_steps = slowly
    async with dashboard(client, (58, 16)) as pilot:
        await pilot.press("r", "D")
        held.set()
        await settle(pilot)
        assert type(pilot.app.screen).__name__ == "LettersScreen"
