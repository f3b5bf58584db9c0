"""`:task` with a part of an id: the eight characters of the lists are enough where they name one task."""

from __future__ import annotations

import pytest

from engine.model.states import TaskState
from tasker_tui.command_line import CommandError, Find, Go, Vocabulary, parse_command
from tasker_tui.locator import Locator
from tasker_tui.task_finder import NoSuchTask, find_task
from tests.tui.fake_letters import letter
from tests.tui.flows import client_with
from tests.tui.keyboard import last_line, notices, press, type_in
from tests.tui.scenes import order_task, small_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, settle

ID, OTHER = "0199c4ec-0000-7000-8000-00c0de007494", "0199c4ec-1111-7000-8000-00c0de117494"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("task 7494", Find(Locator("task", ("7494",)))),
        ("task 00c0de007494 pay", Find(Locator("task", ("00c0de007494", "step", "pay")))),
        ("step 7494 pay", Find(Locator("step", ("7494", "pay")))),
        (f"task {ID}", Go(Locator("task", (ID,)))),
    ],
)
def test_a_part_of_an_id_is_looked_up(line, command):
    assert parse_command(line, Vocabulary()) == command


@pytest.mark.parametrize(("line", "said"), [("task 74", "first or last"), ("step 7494", "write :step")])
def test_too_little_of_it_is_refused(line, said):
    with pytest.raises(CommandError) as refused:
        parse_command(line, Vocabulary())
    assert said in str(refused.value)


@pytest.mark.parametrize("part", ["007494", "DE00-7494", "0199c4ec0000", "0199C4EC-0000"])
async def test_one_that_is_loaded_is_found_by_either_end(part):
    assert await find_task(FakeTasker(FakeClock()), {ID, OTHER}, part) == ID


async def test_one_that_only_the_server_has_is_found_by_its_first_characters():
    task = small_task(7, TaskState.COMPLETE, 3)
    assert await find_task(FakeTasker(FakeClock(), [task]), (), str(task.uuid)[:13]) == str(task.uuid)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("7494", "2 tasks begin or end in 7494: give more of the id"),
        (
            "abcd",
            "no task that is shown ends in abcd, and the server has none that begins so: give the whole id",
        ),
    ],
)
async def test_what_is_missing_is_said(part, said):
    with pytest.raises(NoSuchTask) as missing:
        await find_task(FakeTasker(FakeClock()), {ID, OTHER}, part)
    assert str(missing.value) == said


async def test_the_characters_that_a_list_shows_open_the_task():
    task = order_task()
    async with dashboard(client_with(task, small_task(7, TaskState.COMPLETE, 3))) as pilot:
        await _say(pilot, f"task {str(task.uuid)[-8:]} pack_c")
        assert "› pack_c" in last_line(pilot)
        await _say(pilot, "task abcd")
        assert "no task that is shown ends in abcd" in notices(pilot)[-1]
        await _say(pilot, f"step {str(task.uuid)[-4:]} charge_card")
        assert "› charge_card" in last_line(pilot)


async def test_a_row_of_another_list_is_known_as_well():
    task = order_task()
    client = FakeTasker(FakeClock(), [small_task(7, TaskState.COMPLETE, 3)])
    client.letters = [letter(task, 12, 80)]
    async with dashboard(client, locator=Locator("letters")) as pilot:
        client.tasks[str(task.uuid)] = task
        await _say(pilot, f"task {str(task.uuid)[-8:]}")
        assert "tasks › " in last_line(pilot)
        assert pilot.app.screen.locator().path[0] == str(task.uuid)


async def test_an_unreachable_server_is_told():
    client = client_with(order_task())
    async with dashboard(client) as pilot:
        client.offline = True
        await _say(pilot, "task abcd")
        assert "the server cannot be reached" in notices(pilot)[-1]


async def _say(pilot, line: str) -> None:
    await press(pilot, "colon")
    await type_in(pilot, line)
    await press(pilot, "enter")
    await settle(pilot)
