"""The dashboard under test: a client that answers wire objects from memory, a clock moved by hand."""

from __future__ import annotations

import asyncio
import heapq
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from pydantic_core import to_json
from textual.pilot import Pilot

from engine.client import ApiError, ServerUnreachable
from engine.client.calls import Call
from engine.model.states import STEP_SATISFIES, StepState, TaskState
from engine.model.wire.comparison import Grid, TaskDiff
from engine.model.wire.dead_letters import DlqInvestigationQueueEntry
from engine.model.wire.details import (
    LogPage,
    LogRecord,
    StepDetail,
    StepEdit,
    StepWhy,
    TemplateRevision,
    TransitionPage,
)
from engine.model.wire.events import SummaryEvent, SummaryRow, TransitionChange, TransitionsEvent
from engine.model.wire.failures import FailureGroup
from engine.model.wire.health import HealthCheck, HealthResponse
from engine.model.wire.pauses import Pause
from engine.model.wire.queues import Queue
from engine.model.wire.tasks import (
    NamespaceSummary,
    PaginationInfo,
    StepAuditResponse,
    StepDefinition,
    TaskListResponse,
    TaskResponse,
    TemplateListResponse,
    TemplateSummary,
)
from engine.model.wire.worker import WorkerInfo
from tasker_tui.app import TaskerApp
from tasker_tui.dev.door import StackPort
from tasker_tui.locator import Locator
from tasker_tui.profiles import Profile
from tasker_tui.user_config import UserConfig
from tests.tui.fake_answers import answer_of
from tests.tui.fake_bulk import FakeBulk
from tests.tui.fake_records import WORKER, error_of, readiness_of, record_of
from tests.tui.fake_templates import revision
from tests.tui.fake_whys import whys_of

T = TypeVar("T")

LOCAL, NO_CONFIG = Profile(), UserConfig(Path("nowhere/config.toml"))
NOW = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """Stands still until `advance`."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), self._count, waking))
        await waking

    def advance(self, seconds: float) -> None:
        """Move the time, and wake who has waited for it."""
        self._now += timedelta(seconds=seconds)
        self.release(0)

    def release(self, seconds: float) -> None:
        """Wake who waits for less than that, without moving the time."""
        until = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= until:
            waking = heapq.heappop(self._sleepers)[2]
            if not waking.done():
                waking.set_result(None)


def uuid_at(moment: datetime, number: int) -> UUID:
    """A version 7 uuid whose last digits look as random as they are in life."""
    tail = (number * 0x9E3779B97F4A7C15) & ((1 << 48) - 1)
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | tail)


@dataclass
class FakeStep:
    name: str
    state: StepState = StepState.PENDING
    parents: tuple[str, ...] = ()
    attempts: int = 0
    max_attempts: int = 3
    result: Any = None
    error: dict[str, Any] | None = None
    next_retry_at: datetime | None = None
    started: float = 0.0
    took: float = 0.0
    handler: str = "example.step"
    log: tuple[tuple[str, str], ...] = ()
    inputs: dict[str, Any] = field(default_factory=dict)
    edits: list[StepEdit] = field(default_factory=list)
    earlier: int = 0
    """Attempts before an operator retried it."""


@dataclass
class FakeTask:
    uuid: UUID
    name: str
    state: TaskState
    steps: list[FakeStep]
    created_at: datetime
    namespace: str = "example"
    completed_at: datetime | None = None
    context: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    initiator: str = "cron"
    priority: int = 0

    def step_uuid(self, name: str) -> UUID:
        index = [step.name for step in self.steps].index(name)
        return UUID(int=self.uuid.int + ((index + 1) << 48))

    def step(self, name: str) -> FakeStep:
        return next(step for step in self.steps if step.name == name)

    def counted(self, *states: StepState) -> int:
        return sum(step.state in states for step in self.steps)


class FakeTasker:
    """Answers as the server does. `offline` makes every call fail; lists and `send` wait for `answering`,
    what counts tasks for `counting` too. `estimate` is what it takes their number for until then.
    `checks` are those of its health that are not well."""

    def __init__(self, clock: FakeClock, tasks: Sequence[FakeTask] = ()) -> None:
        self.clock = clock
        self.tasks = {str(task.uuid): task for task in tasks}
        self.templates: list[TemplateRevision] = []
        self.pauses: dict[str, Pause] = {}
        self.failures: list[FailureGroup] = []
        self.queues: list[Queue] = []
        self.grid: Grid | None = None
        self.diff: TaskDiff | None = None
        self.letters: list[DlqInvestigationQueueEntry] = []
        self.checks: dict[str, HealthCheck] = {}
        self.bulk = FakeBulk(clock)
        self.workers = [_worker(number) for number in range(2)]
        self.offline = False
        self.calls: list[tuple[str, Any]] = []
        self.changes = 0
        self._streams: list[tuple[str, str | None, asyncio.Queue[Any]]] = []
        self._cursor = 0
        self.created = 0
        self.refusal: Exception | None = None
        self.answering = asyncio.Event()
        self.answering.set()
        self.counting = asyncio.Event()
        self.counting.set()
        self.estimate: int | None = None

    # What the port asks for

    async def close(self) -> None:
        self._call("close")

    async def health(self) -> HealthResponse:
        self._call("health")
        return HealthResponse(status="healthy", timestamp=self.clock.now().isoformat())

    async def send(self, call: Call[T]) -> T:
        """Answered by the function whose pattern fits the path."""
        self._call("send", call)
        await self.answering.wait()
        return call.read(to_json(answer_of(self, call)))

    async def list_tasks(self, **query: Any) -> TaskListResponse:
        self._call("list_tasks", query)
        await self.answering.wait()
        if query.get("count") == "exact":
            await self.counting.wait()
        found = sorted(
            (task for task in self.tasks.values() if _fits(task, query)),
            key=lambda t: t.uuid.int,
            reverse=True,
        )
        estimate = self.estimate if query.get("count") == "estimate" else None
        total = len(found) if estimate is None else estimate
        limit = query.get("limit", 100)
        if before := query.get("before"):
            found = [task for task in found if task.uuid.int < UUID(before).int]
        if after := query.get("after"):
            found = [task for task in found if task.uuid.int > UUID(after).int][-limit:]
        page = PaginationInfo(
            page=1,
            per_page=limit,
            total_count=total,
            total_pages=1,
            has_next=len(found) > limit,
            has_previous=False,
            next_cursor=str(found[limit - 1].uuid) if len(found) > limit else None,
        )
        return TaskListResponse(
            tasks=[_task(task, self.clock.now(), in_full=False) for task in found[:limit]], pagination=page
        )

    async def get_task(self, task_uuid: str) -> TaskResponse:
        self._call("get_task", task_uuid)
        return _task(self._task(task_uuid), self.clock.now())

    async def list_steps(self, task_uuid: str) -> list[StepDetail]:
        self._call("list_steps", task_uuid)
        task = self._task(task_uuid)
        return [_step(task, step) for step in task.steps]

    async def why_task(self, task_uuid: str) -> list[StepWhy]:
        self._call("why_task", task_uuid)
        return whys_of(self._task(task_uuid))

    async def step_audit(self, task_uuid: str, step_uuid: str) -> list[StepAuditResponse]:
        self._call("step_audit", step_uuid)
        task = self._task(task_uuid)
        step = next(step for step in task.steps if str(task.step_uuid(step.name)) == step_uuid)
        return _audit(task, step)

    async def act_on_step(self, task_uuid: str, step_uuid: str, action: Any) -> StepDetail:
        self._call("act_on_step", (step_uuid, action))
        task = self._task(task_uuid)
        step = next(step for step in task.steps if str(task.step_uuid(step.name)) == step_uuid)
        if action.action_type == "reset_for_retry":
            assert step.state is StepState.ERROR
            step.state, step.attempts, step.error = StepState.PENDING, 0, None
        else:
            resolved = action.action_type == "skip"
            step.state = StepState.RESOLVED_MANUALLY if resolved else StepState.COMPLETE
        return _step(task, step)

    async def step_logs(self, task_uuid: str, step_uuid: str) -> LogPage:
        self._call("step_logs", step_uuid)
        return self.log_of(task_uuid, step_uuid)

    def log_of(self, task_uuid: str, step_uuid: str) -> LogPage:
        """All that the step has logged."""
        task = self._task(task_uuid)
        step = next(step for step in task.steps if str(task.step_uuid(step.name)) == step_uuid)
        return LogPage(
            task_uuid=task.uuid, step_uuid=UUID(step_uuid), lines=_log(task, step), next_after=None
        )

    async def task_transitions(self, task_uuid: str, *, after: int = 0) -> TransitionPage:
        self._call("task_transitions", (task_uuid, after))
        return TransitionPage(transitions=_history(self._task(task_uuid)), next_after=None)

    async def cancel_task(
        self, task_uuid: str, reason: str | None = None, *, cancelled_by: str | None = None
    ) -> TaskResponse:
        self._call("cancel_task", task_uuid)
        task = self._task(task_uuid)
        task.state, task.completed_at = TaskState.CANCELLED, self.clock.now()
        return _task(task, self.clock.now())

    async def create_task(self, name: str, **request: Any) -> TaskResponse:
        self._call("create_task", (name, request))
        if self.refusal is not None and request.get("on_duplicate") != "start":
            raise self.refusal
        self.created += 1
        steps = [FakeStep("first"), FakeStep("second", parents=("first",))]
        task = FakeTask(
            uuid_at(self.clock.now(), 0xABC0 + self.created),
            name,
            TaskState.PENDING,
            steps,
            self.clock.now(),
            context=request["context"],
            initiator=request["initiator"],
        )
        self.tasks[str(task.uuid)] = task
        return _task(task, self.clock.now())

    async def list_templates(self, namespace: str | None = None) -> TemplateListResponse:
        self._call("list_templates")
        summaries = [
            TemplateSummary(
                name=t.name,
                namespace=t.namespace,
                version=t.version,
                description=t.description,
                step_count=len(t.steps),
            )
            for t in self.templates
        ]
        spaces = [NamespaceSummary(name="example", description=None, template_count=len(summaries))]
        return TemplateListResponse(namespaces=spaces, templates=summaries, total_count=len(summaries))

    async def get_template(self, namespace: str, name: str, version: str) -> TemplateRevision:
        self._call("get_template", name)
        return next(t for t in self.templates if (t.namespace, t.name) == (namespace, name))

    async def list_workers(self) -> list[WorkerInfo]:
        self._call("list_workers")
        return self.workers

    async def stream(
        self, scope: str = "summary", task_uuid: str | None = None, last_event_id: str | None = None
    ) -> AsyncIterator[Any]:
        self._call("stream", (scope, last_event_id))
        queue: asyncio.Queue[Any] = asyncio.Queue()
        entry = (scope, task_uuid, queue)
        self._streams.append(entry)
        try:
            while (event := await queue.get()) is not None:
                yield event
            raise ServerUnreachable("the server cannot be reached: it closed the connection", "")
        finally:
            self._streams.remove(entry)

    # What tests do

    def drop(self) -> None:
        """The server goes away."""
        self.offline = True
        for _, _, queue in self._streams:
            queue.put_nowait(None)

    def emit(self, event: Any, scope: str) -> None:
        """Send an event to the streams of a scope."""
        for name, _, queue in self._streams:
            if name == scope:
                queue.put_nowait(event)

    def announce(self, *tasks: FakeTask) -> None:
        """The tasks have changed (or are new): tell the summary streams."""
        rows = []
        for task in tasks:
            self.tasks[str(task.uuid)] = task
            rows.append(_summary(task, self.clock.now()))
        self._cursor += 1
        self.emit(SummaryEvent(cursor=str(self._cursor), tasks=rows), "summary")

    def transition(self, task: FakeTask, name: str, to: StepState) -> None:
        """A step moves on: tell the streams of the task, and those of all transitions."""
        step = task.step(name)
        came, step.state = step.state, to
        self._cursor += 1
        change = TransitionChange(
            id=self._cursor,
            at=self.clock.now(),
            task_uuid=task.uuid,
            step_uuid=task.step_uuid(name),
            step_name=name,
            path=[to.value],
            from_state=came.value,
            to_state=to.value,
            attempt=step.attempts,
            worker_uuid=WORKER,
        )
        for scope in ("task", "transitions"):
            self.emit(TransitionsEvent(cursor=str(self._cursor), changes=[change]), scope)

    def named(self, call: str) -> list[Any]:
        """The arguments of the calls of that name."""
        return [arguments for name, arguments in self.calls if name == call]

    def _call(self, name: str, arguments: Any = None) -> None:
        self.calls.append((name, arguments))
        if name in ("act_on_step", "cancel_task", "create_task") or (name == "send" and arguments.changes):
            self.changes += 1
        if self.offline:
            raise ServerUnreachable("the server cannot be reached: refused", "")

    def _task(self, uuid: str) -> FakeTask:
        if uuid not in self.tasks:
            raise ApiError(404, "NOT_FOUND", f"there is no task {uuid}", {})
        return self.tasks[uuid]


def _fits(task: FakeTask, query: dict[str, Any]) -> bool:
    text = (query.get("q") or "").lower()
    return (
        (not query.get("state") or task.state.value in query["state"])
        and (not query.get("why") or _waits_for(task, query["why"]))
        and (not query.get("signature") or query["signature"] in _signatures(task))
        and query.get("template") in (None, task.name)
        and query.get("namespace") in (None, task.namespace)
        and query.get("initiator") in (None, task.initiator)
        and query.get("tag") in (None, *task.tags)
        and (query.get("since") is None or task.created_at >= query["since"])
        and (text in task.name or text in str(task.uuid))
    )


def _waits_for(task: FakeTask, kinds: Sequence[str]) -> bool:
    return any(one.kind in kinds for one in whys_of(task))


def _signatures(task: FakeTask) -> set[str]:
    """Of its failed steps, as far as ids are numbers."""
    errors = [step.error for step in task.steps if step.error and step.state is StepState.ERROR]
    return {
        f"{error.get('error_type', 'unknown')}: {re.sub(r'[0-9]+', '#', error['message'])}"
        for error in errors
    }


def _history(task: FakeTask) -> list[TransitionChange]:
    """The task's start, then where each step that has begun stands, in the order in which they began."""
    begun = sorted((step for step in task.steps if step.attempts), key=lambda step: step.started)
    requested = TransitionChange(
        id=1,
        at=task.created_at,
        task_uuid=task.uuid,
        step_uuid=None,
        step_name=None,
        path=["pending", "initializing", "enqueuing_steps", "steps_in_process"],
        from_state="pending",
        to_state="steps_in_process",
        attempt=None,
        actor="system",
        reason="Task requested",
    )
    return [
        requested,
        *(
            TransitionChange(
                id=number,
                at=task.created_at + timedelta(seconds=step.started + step.took),
                task_uuid=task.uuid,
                step_uuid=task.step_uuid(step.name),
                step_name=step.name,
                path=["enqueued", "in_progress", step.state.value],
                from_state="pending",
                to_state=step.state.value,
                attempt=step.attempts,
                worker_uuid=WORKER,
            )
            for number, step in enumerate(begun, 2)
        ),
    ]


def _task(task: FakeTask, now: datetime, *, in_full: bool = True) -> TaskResponse:
    done = task.counted(*STEP_SATISFIES)
    failed = task.counted(StepState.ERROR)
    return TaskResponse(
        task_uuid=str(task.uuid),
        name=task.name,
        namespace=task.namespace,
        version="1.0.0",
        status=task.state,
        created_at=task.created_at,
        updated_at=task.completed_at or now,
        completed_at=task.completed_at,
        context=task.context,
        initiator=task.initiator,
        source_system="tests",
        reason="nightly run",
        priority=task.priority,
        tags=list(task.tags),
        correlation_id=task.uuid,
        parent_correlation_id=None,
        total_steps=len(task.steps),
        pending_steps=task.counted(StepState.PENDING),
        in_progress_steps=task.counted(StepState.IN_PROGRESS),
        completed_steps=done,
        failed_steps=failed,
        ready_steps=0,
        execution_status="blocked_by_failures" if failed else "processing",
        recommended_action="handle_failures" if failed else "wait_for_completion",
        completion_percentage=round(100 * done / len(task.steps), 2),
        health_status="blocked" if failed else "healthy",
        steps=[readiness_of(task, step) for step in task.steps] if in_full else [],
    )


def _summary(task: FakeTask, now: datetime) -> SummaryRow:
    return SummaryRow(
        task_uuid=task.uuid,
        name=task.name,
        namespace=task.namespace,
        version="1.0.0",
        status=task.state,
        priority=task.priority,
        total_steps=len(task.steps),
        completed_steps=task.counted(*STEP_SATISFIES),
        failed_steps=task.counted(StepState.ERROR),
        in_progress_steps=task.counted(StepState.IN_PROGRESS),
        retrying_steps=task.counted(StepState.WAITING_FOR_RETRY),
        created_at=task.created_at,
        updated_at=now,
        completed_at=task.completed_at,
    )


def _step(task: FakeTask, step: FakeStep) -> StepDetail:
    began = task.created_at + timedelta(seconds=step.started) if step.attempts else None
    done = step.state in STEP_SATISFIES
    ended = began + timedelta(seconds=step.took) if began and (step.took or done) else None
    results: dict[str, Any] | None = None
    if step.error or done:
        results = record_of(task, step, step.error, int(1000 * step.took))
    return StepDetail(
        step_uuid=str(task.step_uuid(step.name)),
        task_uuid=str(task.uuid),
        name=step.name,
        created_at=task.created_at,
        updated_at=ended or began or task.created_at,
        completed_at=ended if done else None,
        results=results,
        current_state=step.state,
        dependencies_satisfied=all(task.step(p).state in STEP_SATISFIES for p in step.parents),
        retry_eligible=step.attempts < step.max_attempts,
        ready_for_execution=False,
        total_parents=len(step.parents),
        completed_parents=sum(task.step(p).state in STEP_SATISFIES for p in step.parents),
        attempts=step.attempts,
        max_attempts=step.max_attempts,
        last_failure_at=(ended or began) if step.error else None,
        next_retry_at=step.next_retry_at,
        last_attempted_at=began,
        parents=[task.step_uuid(p) for p in step.parents],
        children=[task.step_uuid(s.name) for s in task.steps if step.name in s.parents],
        step_type="standard",
        handler=step.handler,
        timeout_seconds=30,
        parent_names=list(step.parents),
        namespace=task.namespace,
        method="call",
        priority=0,
        initialization={},
        inputs=step.inputs,
        edits=step.edits,
        checkpoint=None,
        last_error=error_of(step.error) if step.error else None,
        worker_uuid=WORKER if step.state is StepState.IN_PROGRESS else None,
        lease_expires_at=None,
    )


def _worker(number: int) -> WorkerInfo:
    return WorkerInfo(
        worker_uuid=UUID(int=number),
        name=f"worker-{number}",
        hostname="here",
        pid=100 + number,
        version="0.1.0",
        namespaces=["example"],
        handlers=["example.step"],
        slots=10,
        busy=1,
        stuck=0,
        state="running",
        started_at=NOW,
        last_heartbeat_at=NOW,
    )


def _log(task: FakeTask, step: FakeStep) -> list[LogRecord]:
    at = task.created_at + timedelta(seconds=step.started)
    return [
        LogRecord(
            id=i, attempt=step.attempts, at=at, stream="log", level=level, logger="app", message=message
        )
        for i, (level, message) in enumerate(step.log, start=1)
    ]


def _audit(task: FakeTask, step: FakeStep) -> list[StepAuditResponse]:
    entries = []
    total = step.earlier + step.attempts - (step.state is StepState.IN_PROGRESS)
    for attempt in range(total):
        last = attempt == total - 1
        failed = bool(step.error) or not last
        error = step.error if last and step.error else {"message": "upstream timed out after 0.7 s"}
        at = task.created_at + timedelta(seconds=step.started + step.took - 15 * (total - 1 - attempt))
        entries.append(
            StepAuditResponse(
                audit_uuid=f"{attempt}",
                workflow_step_uuid=task.step_uuid(step.name),
                transition_uuid=f"t{attempt}",
                task_uuid=task.uuid,
                recorded_at=at,
                worker_uuid=WORKER,
                correlation_id=task.uuid,
                success=not failed,
                execution_time_ms=640 + 110 * attempt,
                result=record_of(task, step, error if failed else None, 640 + 110 * attempt),
                step_name=step.name,
                from_state=StepState.IN_PROGRESS,
                to_state=StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION if failed else StepState.COMPLETE,
            )
        )
    return entries[::-1]


def template(
    name: str, schema: dict[str, Any], steps: Sequence[str] = ("first", "second")
) -> TemplateRevision:
    """A registered template."""
    return revision(
        name=name,
        namespace="example",
        version="1.0.0",
        description="An order from its check to its parcel.",
        configuration={"input_schema": schema},
        steps=[
            StepDefinition(name=s, description=None, default_retryable=True, default_max_attempts=3)
            for s in steps
        ],
    )


SHORT_WAITS = 0.4
"""Seconds: batches, the preview's rest, a task's reload; not the waits before a connection is made again."""


async def settle(pilot: Pilot[None]) -> None:
    """Until nothing is on its way: workers other than the feeds have ended, and short waits are over."""
    clock = pilot.app.services.clock
    for _ in range(8):
        await pilot.pause()
        busy = [w for w in pilot.app.workers if w.group != "feed" and not w.is_finished]
        clock.release(SHORT_WAITS)
        await pilot.pause()
        if not busy and all(w.group == "feed" or w.is_finished for w in pilot.app.workers):
            break
    await pilot.pause()


@asynccontextmanager
async def dashboard(
    client: FakeTasker,
    size: tuple[int, int] = (120, 40),
    locator: Locator | None = None,
    ascii_only: bool = False,
    profile: Profile = LOCAL,
    config: UserConfig = NO_CONFIG,
    stack: StackPort | None = None,
    ends_stack: bool = False,
) -> AsyncIterator[Pilot[None]]:
    """The app on the client, settled."""
    app = TaskerApp(
        client,
        profile,
        locator or Locator(),
        clock=client.clock,
        user="ana",
        ascii_only=ascii_only,
        config=config,
        stack=stack,
        ends_stack=ends_stack,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        await settle(pilot)
        yield pilot
        changes = client.changes + len(getattr(stack, "orders", ()))
        assert len(app.services.commands.entries) == changes, "a change is not in the command log"


def screen_text(pilot: Pilot[None]) -> str:
    """What is on the screen, line by line, without trailing blanks."""
    compositor = pilot.app.screen._compositor
    strips = compositor.render_strips(pilot.app.size)
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"
