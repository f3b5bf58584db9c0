"""What the server answers to the calls that are values: a function for each, by method and path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.client.calls import Call
from engine.model.wire.failures import FailureList
from engine.model.wire.queues import Broker, QueueList
from engine.model.wire.reruns import ForkAnswer
from tests.tui.fake_letters import change_letter
from tests.tui.fake_logs import part_of
from tests.tui.fake_reruns import run_again
from tests.tui.fake_timeline import summary_of, timeline_of
from tests.tui.fake_triage import triage

if TYPE_CHECKING:
    from tests.tui.support import FakeTasker

Answer = Callable[..., Any]
"""Gets the fake server, the call, and the groups of the pattern."""
ANSWERS: list[tuple[str, re.Pattern[str], Answer]] = []


def answers(method: str, pattern: str) -> Callable[[Answer], Answer]:
    """The function answers calls whose whole path fits the pattern."""

    def register(answer: Answer) -> Answer:
        ANSWERS.append((method, re.compile(pattern), answer))
        return answer

    return register


def answer_of(tasker: FakeTasker, call: Call[Any]) -> Any:
    """The answer, as something that can be written as JSON."""
    for method, pattern, answer in ANSWERS:
        found = pattern.fullmatch(call.path)
        if found and method == call.method:
            return answer(tasker, call, *found.groups())
    raise AssertionError(f"the fake server knows no {call.method} {call.path}")


@answers("GET", "/v1/failures")
def _failures(tasker: FakeTasker, call: Call[Any]) -> FailureList:
    return FailureList(groups=tasker.failures)


@answers("PATCH", "/v1/failures")
def _triage(tasker: FakeTasker, call: Call[Any]) -> Any:
    return triage(tasker.failures, call, tasker.clock.now())


@answers("GET", "/v1/templates/.+/grid")
def _grid(tasker: FakeTasker, call: Call[Any]) -> Any:
    assert int(str(dict(call.params)["limit"])) <= 100  # the server refuses more
    return tasker.grid


@answers("GET", "/v1/tasks/.+/diff/.+")
def _diff(tasker: FakeTasker, call: Call[Any]) -> Any:
    return tasker.diff


@answers("GET", "/v1/tasks/([^/]+)/timeline")
def _timeline(tasker: FakeTasker, call: Call[Any], uuid: str) -> Any:
    return timeline_of(tasker, call, uuid)


@answers("GET", "/v1/tasks/([^/]+)/summary")
def _summary(tasker: FakeTasker, call: Call[Any], uuid: str) -> Any:
    return summary_of(tasker, call, uuid)


@answers("GET", "/v1/tasks/([^/]+)/workflow_steps/([^/]+)/logs")
def _logs(tasker: FakeTasker, call: Call[Any], uuid: str, step: str) -> Any:
    return part_of(tasker.log_of(uuid, step), call)


@answers("GET", "/v1/queues")
def _queues(tasker: FakeTasker, call: Call[Any]) -> QueueList:
    return QueueList(
        calculated_at=tasker.clock.now(),
        queues=tasker.queues,
        broker=Broker(name="pgmq", connected=True, problem=None),
    )


@answers("GET", "/v1/dlq/investigation-queue")
def _letters(tasker: FakeTasker, call: Call[Any]) -> Any:
    return tasker.letters


@answers("PATCH", "/v1/dlq/entry/.+")
def _change_letter(tasker: FakeTasker, call: Call[Any]) -> Any:
    return change_letter(tasker.letters, call)


@answers("GET", "/v1/bulk")
@answers("GET", "/v1/bulk/.+")
@answers("POST", "/v1/bulk/.+")
def _bulk(tasker: FakeTasker, call: Call[Any]) -> Any:
    return tasker.bulk.answer(call)


@answers("POST", "/v1/tasks/([^/]+)/(retry|fork)")
def _run_again(tasker: FakeTasker, call: Call[Any], uuid: str, verb: str) -> Any:
    answer = run_again(tasker.tasks[uuid], verb, json.loads(call.content or b""))
    if isinstance(answer, ForkAnswer) and answer.task_uuid:
        tasker.tasks[str(answer.task_uuid)] = replace(tasker.tasks[uuid], uuid=answer.task_uuid)
    return answer


import tests.tui.fake_pauses  # noqa: E402  they register their answers
import tests.tui.fake_pulse  # noqa: E402
import tests.tui.fake_templates  # noqa: E402
import tests.tui.fake_workers  # noqa: E402, F401
