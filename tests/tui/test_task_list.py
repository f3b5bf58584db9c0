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

    @rule()
    def turn_round(self):
        self.list.turn()
        self.look(0)

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
        uuids = (str(t.uuid) for t in self.client.tasks.values())
        listed = sorted(uuids, reverse=self.list.order.newest_on_top)
        shown = [row.uuid for row in window.rows]
        if not shown:
            assert not listed
            return
        start = listed.index(shown[0])
        assert shown == listed[start : start + len(shown)]
        assert not window.at_top or start == 0
        assert not window.at_bottom or start + len(shown) == len(listed)
        assert window.base + len(shown) <= window.total
        if window.at_top:
            assert window.base == 0
        if window.at_top and window.at_bottom:
            assert window.total == len(listed)
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
        page = _wait(fetch(self.client, TaskFilter(), self.list.order, want, self.list.request, NOW))
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


def looking(tasks: TaskList, client: FakeTasker) -> None:
    """Load what the first view needs."""
    tasks.look_at(0, VIEW - 1)
    while want := tasks.next_want():
        assert tasks.take(_wait(fetch(client, tasks.filter, tasks.order, want, tasks.request, NOW)))


def test_oldest_first_a_new_task_counts_once_and_one_that_was_counted_does_not():
    client = FakeTasker(FakeClock(), [task_at(-number) for number in range(1000)])
    tasks = TaskList(client.clock)
    looking(tasks, client)
    tasks.turn()
    looking(tasks, client)
    listed = sorted(client.tasks)
    assert [row.uuid for row in tasks.window.rows[:VIEW]] == listed[:VIEW]
    assert tasks.total == 1000

    unseen = TaskRow.from_answer(_wait(client.get_task(listed[900])))
    for _ in range(2):
        tasks.merge([replace(unseen, state=TaskState.CANCELLED)])
    assert tasks.total == 1000
    created = task_at(5)
    client.tasks[str(created.uuid)] = created
    row = TaskRow.from_answer(_wait(client.get_task(str(created.uuid))))
    merged = tasks.merge([row])
    assert (merged.moved, tasks.total) == (True, 1001)
    assert not tasks.merge([row]).moved
    assert [row.uuid for row in tasks.window.rows[:VIEW]] == listed[:VIEW]


def test_oldest_first_what_may_be_new_is_asked_for_below_the_last_row():
    client = FakeTasker(FakeClock(), [task_at(-number) for number in range(5)])
    tasks = TaskList(client.clock)
    tasks.narrow(TaskFilter(initiator="cron"))
    tasks.turn()
    looking(tasks, client)
    created = task_at(5)
    client.tasks[str(created.uuid)] = created
    told = TaskRow.from_answer(_wait(client.get_task(str(created.uuid))))
    tasks.merge([replace(told, tags=None)])
    assert tasks.total == 5
    looking(tasks, client)
    assert [row.uuid for row in tasks.window.rows] == sorted(client.tasks)


def _answer(number: int):
    task = task_at(0)
    task.uuid = UUID(int=number)
    return _wait(FakeTasker(FakeClock(), [task]).get_task(str(task.uuid)))
