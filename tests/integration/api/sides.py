"""The server and what the dashboard's tests use in its place, with the same task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.client import TaskerClient
from engine.model.states import StepState, TaskState
from tests.integration.api.conftest import NAMESPACE, Failure, World, step
from tests.tui.support import FakeClock, FakeStep, FakeTask, FakeTasker, uuid_at

NAME = "double"
STEPS = [step("one"), step("two", "one"), step("other", "one"), step("three", "two", "other")]
RESULT = {"step": "one"}


class Sides:
    """The same task on the server and on its double."""

    def __init__(self, world: World, real: TaskerClient) -> None:
        self.world, self.real = world, real
        self.clock = FakeClock(datetime.now(UTC))
        self.fake = FakeTasker(self.clock)
        self._count = 0

    async def real_task(self) -> str:
        created = await self.world.create(NAME)
        await self.world.worker.run(one=RESULT, two=Failure("it broke"))
        return str(created["task_uuid"])

    def fake_task(self) -> str:
        self._count += 1
        now = self.clock.now()
        failed = {"error_type": "handler_error", "message": "it broke", "retryable": False}
        steps = [
            FakeStep("one", StepState.COMPLETE, (), 1, result=RESULT),
            FakeStep("two", StepState.ERROR, ("one",), 1, error=failed, log=(("INFO", "charging"),)),
            FakeStep("other", StepState.COMPLETE, ("one",), 1, result={"step": "other"}),
            FakeStep("three", StepState.PENDING, ("two", "other")),
        ]
        made = now + timedelta(milliseconds=self._count)
        state = TaskState.BLOCKED_BY_FAILURES
        task = FakeTask(uuid_at(made, self._count), NAME, state, steps, made, namespace=NAMESPACE)
        self.fake.tasks[str(task.uuid)] = task
        return str(task.uuid)
