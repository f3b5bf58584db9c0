"""The health of the whole system in one reading, and what of it needs an operator first.

Pure but for `read_pulse`. (Reference tui 5.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.client import ApiError, analytics, calls, dead_letters, failures, queues
from engine.model.states import TaskState
from engine.model.wire.dead_letters import DlqStats, StalenessMonitoring
from engine.model.wire.failures import FailureGroup
from engine.model.wire.health import DetailedHealthResponse
from engine.model.wire.queues import Queue
from engine.model.wire.statistics import Statistics
from engine.model.wire.worker import WorkerInfo
from tasker_tui.client_port import TaskerPort
from tasker_tui.dev.door import StackPort
from tasker_tui.dev.errors import StackError
from tasker_tui.locator import Locator, to_task
from tasker_tui.states import TASK_MARKS, Tone
from tasker_tui.text import age, count, duration, plural, printable, short_id

SHOWN_GROUPS = 3
STALE = "stale"


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the server answered. Without `health` it does not say how it is, `unfit` why.

    `stuck` is the task that is stale for longest, if one is.
    """

    statistics: Statistics
    queues: Sequence[Queue]
    workers: Sequence[WorkerInfo]
    failures: Sequence[FailureGroup]
    letters: Sequence[DlqStats]
    stuck: StalenessMonitoring | None
    health: DetailedHealthResponse | None
    unfit: str = ""
    stack_problems: Sequence[str] = ()
    """What `tasker dev` behind the server finds wrong, if there is one."""

    @property
    def alive(self) -> list[WorkerInfo]:
        """The workers that were heard of lately."""
        return [worker for worker in self.workers if worker.state in ("running", "draining")]

    @property
    def lost(self) -> list[WorkerInfo]:
        """Those that went silent without saying goodbye."""
        return [worker for worker in self.workers if worker.state == "lost"]

    @property
    def open_letters(self) -> int:
        """Dead letters that nobody has closed."""
        return sum(one.pending for one in self.letters)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that needs an operator, and the place where it is repaired."""

    key: str
    tone: Tone
    words: str
    place: Locator | None


async def read_pulse(client: TaskerPort, stack: StackPort | None = None) -> Pulse:
    """Ask for everything at once. Raises what the client raises."""
    load = asyncio.gather(
        client.send(analytics.statistics(bucket="1m")),
        client.send(queues.list_queues()),
        client.list_workers(),
        read_health(client),
    )
    trouble = asyncio.gather(
        client.send(failures.list_failures(limit=SHOWN_GROUPS)),
        client.send(dead_letters.stats()),
        client.send(dead_letters.staleness(limit=1)),
    )
    (statistics, found, workers, health), (groups, letters, stale), problems = await asyncio.gather(
        load, trouble, _stack_problems(stack)
    )
    stuck = next((one for one in stale if one.health_status == STALE), None)
    return Pulse(statistics, found.queues, workers, groups.groups, letters, stuck, *health, problems)


async def _stack_problems(stack: StackPort | None) -> Sequence[str]:
    try:
        return (await stack.report()).problems if stack is not None else ()
    except StackError:
        return ()


async def read_health(client: TaskerPort) -> tuple[DetailedHealthResponse | None, str]:
    """How the server is, or None and why it does not say; raises ServerUnreachable."""
    try:
        return await client.send(calls.detailed_health()), ""
    except ApiError as error:
        return None, error.message


def troubles(pulse: Pulse, now: datetime) -> list[Trouble]:
    """What needs an operator: what stands still or has failed before what may wait."""
    found = [
        *_server(pulse),
        *_stack(pulse),
        *_workers(pulse, now),
        *_queues(pulse),
        *_failures(pulse),
        *_tasks(pulse),
        *_letters(pulse),
    ]
    return sorted(found, key=lambda one: one.tone != "failed")


def _server(pulse: Pulse) -> Iterator[Trouble]:
    if pulse.health is None:
        yield Trouble("server", "failed", f"the server takes no work: {printable(pulse.unfit)}", None)
    else:
        yield from server_troubles(pulse.health)


def server_troubles(health: DetailedHealthResponse) -> Iterator[Trouble]:
    """Checks that are not well; the breakers that are not closed are one of them."""
    told: set[str] = set()
    for name, check in health.checks:
        message = printable(check.message or check.status)
        # Two checks may be of one thing, such as both databases that are the same.
        if check.status == "healthy" or message in told:
            continue
        told.add(message)
        tone: Tone = "failed" if check.status == "unhealthy" else "waiting"
        yield Trouble(f"server {name}", tone, f"{name.replace('_', ' ')}: {message}", None)


def _stack(pulse: Pulse) -> Iterator[Trouble]:
    if pulse.stack_problems:
        number = plural(len(pulse.stack_problems), "problem")
        words = f"{number} in the local stack: {printable(pulse.stack_problems[0])}"
        yield Trouble("stack", "failed", words, Locator("stack"))


def _workers(pulse: Pulse, now: datetime) -> Iterator[Trouble]:
    if not pulse.alive and pulse.statistics.backlog.open_tasks:
        yield Trouble("nobody", "failed", "no worker is alive: nothing goes on", Locator("workers"))
    for worker in pulse.lost[:SHOWN_GROUPS]:
        silent = age(worker.last_heartbeat_at, now)
        words = f"worker {printable(worker.name)} is silent for {silent}"
        yield Trouble(f"lost {worker.worker_uuid}", "failed", words, Locator("workers"))
    for worker in pulse.alive:
        if worker.stuck:
            words = f"worker {printable(worker.name)}: {plural(worker.stuck, 'slot')} held after a time-out"
            yield Trouble(f"stuck {worker.worker_uuid}", "waiting", words, Locator("workers"))


def _queues(pulse: Pulse) -> Iterator[Trouble]:
    for queue in pulse.queues:
        name = printable(queue.namespace)
        place = Locator("queues")
        if queue.paused:
            by = f"by {printable(queue.paused.paused_by)}: {printable(queue.paused.reason)}"
            yield Trouble(f"paused {name}", "waiting", f"{name} is paused {by}", place)
        elif queue.ready and not queue.workers:
            words = f"{name}: {plural(queue.ready, 'step')} ready and no worker serves it"
            yield Trouble(f"unserved {name}", "failed", words, place)
        for handler in queue.handlers:
            if handler.status == "missing":
                words = f"{name}: no worker has {printable(handler.handler)}; {count(handler.ready)} ready"
                yield Trouble(f"missing {name} {handler.handler}", "failed", words, place)


def _failures(pulse: Pulse) -> Iterator[Trouble]:
    for group in pulse.failures:
        words = f"{plural(group.failed_steps, 'step')} failed: {printable(group.signature)}"
        yield Trouble(f"failed {group.signature}", "failed", words, Locator("failures"))


def _tasks(pulse: Pulse) -> Iterator[Trouble]:
    blocked = pulse.statistics.backlog.blocked_tasks
    if blocked:
        words = f"{plural(blocked, 'task')} blocked by failures"
        yield Trouble("blocked", "failed", words, tasks_in(TaskState.BLOCKED_BY_FAILURES))
    if stuck := pulse.stuck:
        stands = duration(stuck.time_in_state_minutes * 60)
        name = f"{printable(stuck.task_name or '')} {short_id(str(stuck.task_uuid))}".strip()
        words = f"{name} is {TASK_MARKS[stuck.current_state].word} for {stands}, the longest of all"
        yield Trouble("stuck", "waiting", words, to_task(str(stuck.task_uuid)))


def _letters(pulse: Pulse) -> Iterator[Trouble]:
    if pulse.open_letters:
        words = plural(pulse.open_letters, "open dead letter")
        yield Trouble("letters", "waiting", words, Locator("letters"))


def tasks_in(state: TaskState) -> Locator:
    """The tasks in a state."""
    return Locator("tasks", query=f"state:{state.value}")


def of_last_minute(statistics: Statistics, name: str) -> float:
    """How many of a count there were in the last 60 seconds, about: the minute that is not over counts in
    full, the one before it for the rest."""
    buckets = statistics.buckets
    if not buckets:
        return 0.0
    begun = min(60.0, (statistics.end - buckets[-1].at).total_seconds())
    before = getattr(buckets[-2], name) if len(buckets) > 1 else 0
    return float(getattr(buckets[-1], name) + before * (1 - begun / 60))
