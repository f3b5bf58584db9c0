"""What the dashboard's tests use in the server's place gives answers of the same shape as the server's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from enum import Enum
from typing import Any

from pydantic import BaseModel

from engine.client import (
    StreamEvent,
    TaskerClient,
    analytics,
    bulk,
    calls,
    comparison,
    dead_letters,
    failures,
    pauses,
    queues,
    reports,
    reruns,
)
from engine.model.states import StepState, TaskState
from engine.model.wire.bulk import BulkFilter
from engine.model.wire.events import SummaryEvent, SummaryRow
from tasker_tui.client_port import TaskerPort
from tests.integration.api.conftest import NAMESPACE, Failure, World, template
from tests.integration.api.sides import NAME, STEPS, Sides
from tests.support.served import served
from tests.tui import scenes
from tests.tui.fake_letters import letter
from tests.tui.support import template as fake_template

Kinds = dict[str, set[str]]
"""What is found at each place of an answer: `.tasks[].name` is a `str`."""
Probe = Callable[[TaskerPort, str], Awaitable[Any]]
"""Asks about a task whose second step failed for good."""
OTHERS = re.compile(r"\.(results?\.result|context|configuration|task_snapshot|task_states)$")
"""What is in there is not the server's shape, or nobody reads it."""
BY = {"reason": "by the test", "actor": "ana"}


def kinds_of(value: Any) -> Kinds:
    """The shape of an answer; all items of a list are at one place."""
    found: Kinds = {}
    for place, kind in _walk("", value):
        found.setdefault(place, set()).add(kind)
    return found


def _walk(place: str, value: Any) -> Iterator[tuple[str, str]]:
    inside: list[tuple[str, Any]] = []
    kind = "str" if isinstance(value, Enum) else type(value).__name__
    if isinstance(value, BaseModel):
        inside = [(f"{place}.{name}", one) for name, one in value]
    elif isinstance(value, Mapping):
        kind, inside = "object", [(f"{place}.{name}", one) for name, one in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str):
        kind, inside = "list", [(f"{place}[]", one) for one in value]
    yield place, kind
    for within, one in inside if not OTHERS.search(place) else ():
        yield from _walk(within, one)


def differences(double: Kinds, server: Kinds) -> Iterator[str]:
    """Where the double has another kind, lacks what the server has, or has a name that it does not know.

    What the server leaves empty the double may fill in: that depends on what happened before.
    """
    for place in sorted(double.keys() | server.keys()):
        ours, theirs = (side.get(place, set()) - {"NoneType"} for side in (double, server))
        parent = re.sub(r"(\[\]|\.[^.\[]*)$", "", place)
        invented = place not in server and "object" in server.get(parent, ())
        poorer = theirs and not ours and parent in double
        if invented or poorer or (theirs and not ours <= theirs):
            yield f"{place}: {_said(ours)}, the server's {_said(theirs)}"


def _said(kinds: set[str]) -> str:
    return " or ".join(sorted(kinds)) or "nothing"


async def failed_step(port: TaskerPort, uuid: str) -> str:
    return next(str(one.step_uuid) for one in await port.list_steps(uuid) if one.name == "two")


async def _task(port: TaskerPort, uuid: str) -> Any:
    step = await failed_step(port, uuid)
    return [
        await port.list_tasks(limit=2),
        await port.get_task(uuid),
        await port.list_steps(uuid),
        await port.why_task(uuid),
        await port.step_audit(uuid, step),
        await port.task_transitions(uuid),
    ]


async def _whys(port: TaskerPort, uuid: str) -> Any:
    """Of tasks with a step that failed, that is to be retried, and that runs."""
    found = await port.list_tasks(limit=100)
    told = await port.send(calls.why_tasks([task.task_uuid for task in found.tasks]))
    return {one.kind: one for one in told if one.kind in ("failed", "retry", "running")}


async def _logs(port: TaskerPort, uuid: str) -> Any:
    step = await failed_step(port, uuid)
    whole = await port.step_logs(uuid, step)
    return whole, await port.send(calls.step_logs(uuid, step, attempt=None, after=0, limit=10))


async def _reports(port: TaskerPort, uuid: str) -> Any:
    return await port.send(reports.timeline(uuid)), await port.send(reports.summary(uuid))


async def _failures(port: TaskerPort, uuid: str) -> Any:
    first = (await port.send(failures.list_failures())).groups[0]
    call = failures.triage_failures(first.signature, actor="ana", note="looked at", owner="ana")
    return await port.send(call), await port.send(failures.list_failures())


async def _letters(port: TaskerPort, uuid: str) -> Any:
    found = await port.send(dead_letters.queue())
    changed = await port.send(dead_letters.update(found[0].dlq_entry_uuid, assignee="ana"))
    return found, changed, await port.send(dead_letters.queue()), await port.send(dead_letters.stats())


async def _staleness(port: TaskerPort, uuid: str) -> Any:
    return await port.send(dead_letters.staleness())


async def _bulk(port: TaskerPort, uuid: str) -> Any:
    shown = await port.send(bulk.preview("retry", BulkFilter(template=NAME)))
    started = await port.send(bulk.run(shown.bulk_uuid, rate=5, **BY))
    found = await port.send(bulk.get(shown.bulk_uuid))
    return shown, started, found, await port.send(bulk.stop(shown.bulk_uuid, **BY))


async def _queues(port: TaskerPort, uuid: str) -> Any:
    return await port.send(queues.list_queues()), await port.send(queues.list_handlers())


async def _workers(port: TaskerPort, uuid: str) -> Any:
    workers = await port.list_workers()
    return workers, await port.send(queues.worker_steps(workers[0].worker_uuid))


async def _figures(port: TaskerPort, uuid: str) -> Any:
    figures = await port.send(analytics.statistics(bucket="1m"))
    return figures, await port.send(analytics.template_statistics())


async def _health(port: TaskerPort, uuid: str) -> Any:
    return await port.health(), await port.send(calls.detailed_health())


async def _templates(port: TaskerPort, uuid: str) -> Any:
    found = await port.list_templates()
    one = found.templates[0]
    return found, await port.get_template(one.namespace, one.name, one.version)


async def _runs(port: TaskerPort, uuid: str) -> Any:
    grid = await port.send(comparison.grid(NAMESPACE, NAME, "1.0.0", limit=10))
    newest, failed = grid.runs[0].task_uuid, grid.runs[-1].task_uuid
    return grid, await port.send(comparison.diff(newest, failed, differing=True))


async def _acts(port: TaskerPort, uuid: str) -> Any:
    what = pauses.task(uuid)
    return [
        await port.send(pauses.pause(what, **BY)),
        await port.send(pauses.list_pauses()),
        await port.send(pauses.resume(what, **BY)),
        await port.send(reruns.retry(uuid, dry_run=True, **BY)),
        await port.send(reruns.fork(uuid, steps=["two"], **BY)),
        await port.create_task(NAME, namespace=NAMESPACE, context={"amount": 3}, initiator="ana"),
        await port.cancel_task(uuid, cancelled_by="ana"),
    ]


PROBES = [
    _task, _whys, _logs, _reports, _failures, _letters, _staleness, _queues, _workers, _figures, _health,
    _templates, _runs, _bulk, _acts,
]  # fmt: skip


async def prepare(sides: Sides) -> tuple[str, str]:
    """Two runs of which one failed; on the server another step runs and one waits."""
    world = sides.world
    await world.create(NAME)
    await world.worker.run(one=Failure(retryable=True))
    failed = await sides.real_task()
    await write_log(world, failed)
    await world.create(NAME, context={"amount": 12})
    await world.worker.run()
    for _ in range(2):
        await world.create(NAME)
    assert len(await world.worker.claim(1)) == 1
    fake, order = sides.fake, scenes.order_task()
    complete = scenes.small_task(8, TaskState.COMPLETE, 5, NAME)
    complete.created_at = fake.clock.now()
    running = scenes.small_task(10, TaskState.STEPS_IN_PROCESS, 1)
    retrying = scenes.small_task(11, TaskState.WAITING_FOR_RETRY, 1)
    fake.announce(
        order, complete, running, retrying, scenes.small_task(9, TaskState.WAITING_FOR_DEPENDENCIES, 90)
    )
    fake.failures, fake.queues = scenes.failure_groups(order), scenes.queues()
    fake.letters = [letter(order, 5, 3.0)]
    fake.grid, fake.diff = scenes.runs(order, order), scenes.difference(order, order)
    fake.templates = [fake_template(NAME, {})]
    return failed, sides.fake_task()


async def write_log(world: World, uuid: str) -> None:
    async with world.pool.acquire() as conn:
        await conn.execute(
            "INSERT INTO tasker.step_logs "
            "(task_uuid, step_uuid, claim_no, attempt, level, logger, message, at) "
            "SELECT task_uuid, step_uuid, 1, 1, 'INFO', 'shop', 'charging', now() "
            "FROM tasker.steps WHERE task_uuid = $1 AND name = 'two'",
            uuid,
        )


async def test_every_answer_has_the_servers_shape(world: World):
    await world.register(template(NAME, STEPS))
    await world.worker.register()
    async with served(world.app) as url, TaskerClient(url) as real:
        sides = Sides(world, real)
        failed, fake = await prepare(sides)
        found = {
            probe.__name__: list(
                differences(kinds_of(await probe(sides.fake, fake)), kinds_of(await probe(real, failed)))
            )
            for probe in PROBES
        }
    assert found == {probe.__name__: [] for probe in PROBES}


async def first_news(events: AsyncIterator[StreamEvent]) -> StreamEvent:
    """The first event that tells of something: the server begins with one that does not, the double waits."""
    async for event in events:
        told = event.tasks if isinstance(event, SummaryEvent) else event.changes
        if any(isinstance(one, SummaryRow) or one.attempt for one in told):
            return event
    raise AssertionError("the stream has ended")


async def test_the_streams_events_have_the_servers_shape(world: World):
    await world.register(template(NAME, STEPS))
    await world.worker.register()
    async with served(world.app) as url, TaskerClient(url) as real:
        sides = Sides(world, real)

        for scope in ("summary", "transitions", "task"):
            uuid, fake = str((await world.create(NAME))["task_uuid"]), sides.fake_task()
            of_task = scope == "task"
            async with aclosing(real.stream(scope, uuid if of_task else None)) as events:
                await anext(events)
                await world.worker.run()
                theirs = await first_news(events)
            task = sides.fake.tasks[fake]
            async with aclosing(sides.fake.stream(scope, fake if of_task else None)) as events:
                heard = asyncio.create_task(first_news(events))
                await asyncio.sleep(0)  # it listens now
                sides.fake.announce(task)
                sides.fake.transition(task, "two", StepState.ENQUEUED)
                ours = await heard
            assert list(differences(kinds_of(ours), kinds_of(theirs))) == []
