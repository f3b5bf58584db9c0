"""The list of tasks in memory: whatever one scrolls to and whatever comes in, it is the server's list."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.model.states import TaskState
from tasker_tui import task_window
from tasker_tui.filters import TaskFilter
from tasker_tui.task_list import TaskList
from tasker_tui.task_pages import fetch
from tasker_tui.view_models import TaskRow
from tests.tui.support import NOW, FakeClock, FakeStep, FakeTask, FakeTasker, uuid_at

VIEW = 30


def _wait(answer):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(answer)
    finally:
        loop.close()


def task_at(second: float, number: int = 0) -> FakeTask:
    moment = NOW + timedelta(seconds=second)
    return FakeTask(uuid_at(moment, number), "linear_workflow", TaskState.COMPLETE, [FakeStep("one")], moment)


class Scrolling(RuleBasedStateMachine):
    """Looks at any part of a growing list, with pages loaded as the screen loads them."""

    @initialize(count=st.integers(0, 1500))
    def begin(self, count):
        self.clock = FakeClock()
        self.client = FakeTasker(self.clock, [task_at(-(number**1.5)) for number in range(count)])
        self.list = TaskList(self.clock)
        self.second = 1
        self.look(0)

    @rule(share=st.floats(0, 1))
    def look_anywhere(self, share):
        self.look(int(share * max(0, self.list.total - VIEW)))

    @rule(rows=st.integers(-120, 120))
    def scroll(self, rows):
        first = self.list._view[0] + rows
        self.look(max(0, min(first, self.list.total - VIEW)))

    @rule(announced=st.booleans())
    def start_a_task(self, announced):
        task = task_at(self.second)
        self.second += 1
        self.client.tasks[str(task.uuid)] = task
        if announced:
            self.list.merge([self.row(task)])
        else:
            self.fetch(self.list.reload())
            self.look(self.list._view[0])

    @rule()
    def count(self):
        self.list.count(self.list.request, len(self.client.tasks))
        assert self.list.total >= len(self.client.tasks)
        self.look(min(self.list._view[0], max(0, self.list.total - VIEW)))

    @rule(data=st.data())
    def change_a_task(self, data):
        if self.list.window.rows:
            row = data.draw(st.sampled_from(self.list.window.rows))
            changed = replace(row, state=TaskState.CANCELLED, updated_at=NOW + timedelta(hours=1))
            self.list.merge([changed])
            index = self.list.index_of(row.uuid)
            assert index is not None
            assert self.list.row_at(index).state is TaskState.CANCELLED

    @invariant()
    def what_is_in_memory_is_a_part_of_the_servers_list(self):
        if not hasattr(self, "list"):
            return
        window = self.list.window
        newest_first = sorted((str(t.uuid) for t in self.client.tasks.values()), reverse=True)
        shown = [row.uuid for row in window.rows]
        if not shown:
            assert not newest_first
            return
        start = newest_first.index(shown[0])
        assert shown == newest_first[start : start + len(shown)]
        assert not window.at_top or start == 0
        assert not window.at_bottom or start + len(shown) == len(newest_first)
        assert window.base + len(shown) <= window.total
        if window.at_top:
            assert window.base == 0
        if window.at_top and window.at_bottom:
            assert window.total == len(newest_first)
        assert len(shown) <= task_window.MAX_ROWS + 100

    @invariant()
    def the_view_is_in_memory(self):
        if hasattr(self, "list") and self.list.total:
            first, last = self.list._view
            wanted = range(first, min(last + 1, self.list.total))
            assert all(self.list.row_at(index) is not None for index in wanted)

    def look(self, first):
        self.list.look_at(first, first + VIEW - 1)
        for _ in range(40):
            want = self.list.next_want()
            if want is None:
                return
            self.fetch(want)
            first = min(first, max(0, self.list.total - VIEW))
            self.list.look_at(first, first + VIEW - 1)
        raise AssertionError("the view never gets all that it wants")

    def fetch(self, want):
        page = _wait(fetch(self.client, TaskFilter(), want, self.list.request, NOW))
        assert self.list.take(page)

    def row(self, task) -> TaskRow:
        answer = _wait(self.client.get_task(str(task.uuid)))
        return TaskRow.from_answer(answer)


TestScrolling = Scrolling.TestCase
TestScrolling.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


@given(st.lists(st.integers(0, 2**127), unique=True, max_size=30), st.integers(0, 2**127))
def test_a_task_is_found_by_its_uuid_alone(numbers, other):
    model = [TaskRow.from_answer(_answer(n)) for n in sorted(numbers, reverse=True)]
    window = task_window.TaskWindow()
    window.show_top(model, len(model), complete=True)
    for index, row in enumerate(model):
        assert window.index_of(row.uuid) == index
    if other not in numbers:
        assert window.index_of(str(UUID(int=other))) is None


def test_an_answer_that_is_older_than_what_is_shown_changes_nothing():
    window = task_window.TaskWindow()
    row = TaskRow.from_answer(_answer(7))
    window.show_top([row], 1, complete=True)
    stale = replace(row, state=TaskState.PENDING, updated_at=row.updated_at - timedelta(seconds=1))
    assert window.merge([stale], lambda row: True).changed == set()
    assert window.rows == [row]


def test_a_task_that_no_longer_fits_leaves_the_list():
    tasks = TaskList(FakeClock())
    tasks.filter = TaskFilter(states=(TaskState.COMPLETE,))
    row = TaskRow.from_answer(_answer(7))
    tasks.window.show_top([row], 1, complete=True)
    merged = tasks.merge([replace(row, state=TaskState.ERROR)])
    assert merged.moved
    assert tasks.total == 0


def _answer(number: int):
    task = task_at(0)
    task.uuid = UUID(int=number)
    return _wait(FakeTasker(FakeClock(), [task]).get_task(str(task.uuid)))
