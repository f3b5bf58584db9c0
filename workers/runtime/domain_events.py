"""The domain events that a step's end publishes, as its template declares them (reference 7.3).

They are made before the step's result is submitted, so that the durable ones are stored in its transaction;
what follows, in-process delivery and `after_publish`, waits until the result is accepted. Whatever goes wrong
with an event is counted and logged, in the step's log too, and touches neither the step nor its other events.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any
from uuid import uuid4

from prometheus_client.core import CounterMetricFamily, Metric

from engine.model.inputs import InputValidator
from engine.model.payload import PayloadTooLarge, dump_json, load_json
from engine.model.wire.worker import EventRouterStats
from engine.store.claims import FinishedStep
from engine.store.step_definitions import StepDefinition
from workers.errors import ConfigurationError
from workers.events import BasePublisher, DefaultPublisher, PublisherRegistry, StepEventContext
from workers.results import StepHandlerResult
from workers.runtime.event_bus import EventBus, EventQueue
from workers.runtime.publisher_threads import PublisherThreads
from workers.runtime.running import RunningStep

log = logging.getLogger("tasker.workers.events")

EVENT_VERSION = "1.0"
EVENT_BYTES = 4 * 1024 * 1024
"""Of one event: a task's context, a result and a payload, 1 MiB each, fit in."""
EVENTS_BYTES = 16 * 1024 * 1024
"""Of the stored events of one step's end."""

_DEFAULT = DefaultPublisher()


class EventRefused(Exception):
    """The payload does not fit the schema that the template declares."""


@dataclass(slots=True)
class EventCounts:
    """Of one worker since its start. `routed` counts by delivery mode what was accepted with its result;
    `failed` what could not be made, `held_back` what a publisher did not want, `withdrawn` what was made for
    a result that was refused."""

    routed: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    held_back: int = 0
    withdrawn: int = 0

    def stats(self) -> EventRouterStats:
        """For people and scripts."""
        return EventRouterStats(
            total_routed=self.routed.total(),
            durable_routed=self.routed["durable"],
            fast_routed=self.routed["fast"],
            broadcast_routed=self.routed["broadcast"],
            failed=self.failed,
            held_back=self.held_back,
            withdrawn=self.withdrawn,
        )


class Declaration:
    """One event that a template declares for a step; `validator` is compiled once."""

    def __init__(self, declared: dict[str, Any]) -> None:
        self.name: str = declared["name"]
        self.condition: str = declared["condition"]
        self.mode: str = declared["delivery_mode"]
        self.publisher: str = declared["publisher"] or _DEFAULT.publisher_name
        self._schema: dict[str, Any] = declared["schema"]

    @cached_property
    def validator(self) -> InputValidator:
        """Of the payload."""
        return InputValidator(self._schema)

    def is_met(self, outcome: str) -> bool:
        """Whether an end publishes it: `success`, `retryable_failure` or `permanent_failure`."""
        return self.condition in ("always", outcome) or (self.condition == "failure" and outcome != "success")

    def check(self, name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Raise `EventRefused` if the payload does not fit."""
        problems = self.validator.errors(load_json(dump_json(payload, limit_bytes=EVENT_BYTES)))
        if problems:
            where = problems[0].path or "the payload"
            raise EventRefused(f"it does not fit the event's schema: {where}: {problems[0].message}")


@dataclass(frozen=True, slots=True)
class MadeEvent:
    """An event that is ready to go; `text` is its JSON."""

    declaration: Declaration
    publisher: BasePublisher
    text: str

    @property
    def is_stored(self) -> bool:
        """Whether it goes through the database."""
        return self.declaration.mode != "fast"


class DomainEvents:
    """Makes the events of this worker's steps, and sends them on once their results are accepted."""

    def __init__(self) -> None:
        self.counts = EventCounts()
        self.bus = EventBus()
        self._threads = PublisherThreads()
        self._after: dict[str, EventQueue] = {}
        self._declared: dict[int, list[Declaration]] = {}

    async def prepare(self, step: RunningStep, result: StepHandlerResult) -> StepEvents | None:
        """Make the events of a step's end; None if there are none."""
        outcome = _outcome(step, result)
        due = [one for one in self._declarations(step.definition) if one.is_met(outcome)]
        if not due:
            return None
        about = _task_and_step(step, result)
        made = await asyncio.gather(*(self._make(one, step, result, about) for one in due))
        return StepEvents(self, result.is_success, [event for event in made if event is not None])

    async def drain(self, seconds: float) -> None:
        """Let publishers and subscribers handle what waits for them, at most so long."""
        waits = [queue.wait_until_idle for queue in self._after.values()]
        await asyncio.gather(*(asyncio.to_thread(wait, seconds) for wait in (*waits, self.bus.drain)))

    def collect(self) -> Iterator[Metric]:
        """The families of Prometheus (reference 8.6)."""
        published = CounterMetricFamily(
            "tasker_domain_events_published", "Events accepted with their result.", labels=("delivery_mode",)
        )
        for mode, count in self.counts.routed.items():
            published.add_metric((mode,), count)
        yield published
        for name, help_text, count in (
            ("failed", "Events that could not be made.", self.counts.failed),
            ("dispatched", "Fast events given to subscribers.", self.bus.dispatched),
            ("dropped", "Fast events that found a subscriber's queue full.", self.bus.dropped),
        ):
            yield CounterMetricFamily(f"tasker_domain_events_{name}", help_text, count)

    def accepted(self, event: MadeEvent) -> None:
        """The result is stored, and with it the event, if it goes through the database."""
        declaration, publisher = event.declaration, event.publisher
        self.counts.routed[declaration.mode] += 1
        if declaration.mode != "durable":
            self.bus.dispatch(event.text)
        if type(publisher).after_publish is not BasePublisher.after_publish:
            queue = self._after.get(declaration.publisher)
            if queue is None:
                queue = self._after[declaration.publisher] = EventQueue(partial(_finish, publisher))
            if not queue.put(event.text):
                log.warning("after_publish of event %s is left out: too many wait", declaration.name)

    def failed(self, name: str, error: Exception) -> None:
        """An event could not be published."""
        self.counts.failed += 1
        log.warning("event %s was not published: %s: %s", name, type(error).__name__, error)

    def _declarations(self, definition: StepDefinition) -> list[Declaration]:
        known = self._declared.get(definition.template_step_id)
        if known is None:
            known = [Declaration(one) for one in definition.events]
            self._declared[definition.template_step_id] = known
        return known

    async def _make(
        self, declaration: Declaration, step: RunningStep, result: StepHandlerResult, about: dict[str, Any]
    ) -> MadeEvent | None:
        try:
            publisher = publisher_of(declaration.publisher)
            context = _context(step, result, publisher)
            prepare = partial(publisher.prepare, context, declaration.name, declaration.check)
            ours = type(publisher) is DefaultPublisher
            prepared = prepare() if ours else await self._threads.run(declaration.publisher, prepare)
            if prepared is None:
                self.counts.held_back += 1
                return None
            payload, metadata = prepared
            text = _event(declaration.name, about | {"payload": payload}, metadata)
            return MadeEvent(declaration, publisher, text)
        except Exception as error:
            self.failed(declaration.name, error)
            return None


class StepEvents:
    """The events of one step's end; `stored` is what is submitted with its result: a JSON array, or None."""

    def __init__(self, owner: DomainEvents, success: bool, made: Iterable[MadeEvent]) -> None:
        self._owner = owner
        self._success = success
        self._made: list[MadeEvent] = []
        texts: list[str] = []
        room = EVENTS_BYTES
        for event in made:
            if event.is_stored:
                room -= len(event.text.encode())
                if room < 0:
                    owner.failed(event.declaration.name, _too_much())
                    continue
                texts.append(event.text)
            self._made.append(event)
        self.stored = f"[{','.join(texts)}]" if texts else None

    def settle(self, stored: FinishedStep, accepted: bool) -> None:
        """The database has answered: `stored` is what it was given in the end."""
        for event in self._made:
            if not accepted or stored.success != self._success:
                self._owner.counts.withdrawn += 1
            elif event.is_stored and stored.events is None:
                self._owner.failed(event.declaration.name, EventRefused("PostgreSQL can't keep it"))
            else:
                self._owner.accepted(event)


def publisher_problem(name: str | None) -> str | None:
    """What is wrong with the publisher that a template names for an event; None if it is there."""
    try:
        publisher_of(name or _DEFAULT.publisher_name)
    except ConfigurationError as error:
        return str(error)
    return None


def publisher_of(name: str) -> BasePublisher:
    """The publisher that a template names; raises `ConfigurationError` if this worker lacks it."""
    publisher = PublisherRegistry.instance().get(name)
    if publisher is None and name != _DEFAULT.publisher_name:
        raise ConfigurationError(
            f"this worker has no publisher {name!r}; register it in a module of the handlers: "
            "PublisherRegistry.instance().register(…)"
        )
    return publisher or _DEFAULT


def _outcome(step: RunningStep, result: StepHandlerResult) -> str:
    """What the engine will make of it (migrations/functions/process_results.sql)."""
    if result.is_success:
        return "success"
    definition = step.definition
    again = result.retryable and definition.retryable and step.claimed.attempt < definition.max_attempts
    return "retryable_failure" if again else "permanent_failure"


def _context(step: RunningStep, result: StepHandlerResult, publisher: BasePublisher) -> StepEventContext:
    claimed = step.claimed
    return StepEventContext(
        str(claimed.task_uuid),
        str(claimed.step_uuid),
        claimed.name,
        step.definition.namespace,
        str(claimed.correlation_id),
        load_json(dump_json(result.result or {})) if result.is_success else _error(result),
        {"fired_at": datetime.now(UTC).isoformat(), "fired_by": publisher.publisher_name},
    )


def _event(name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> str:
    event = {
        "event_id": str(uuid4()),
        "event_name": name,
        "event_version": EVENT_VERSION,
        "payload": payload,
        "metadata": metadata,
    }
    return dump_json(event, limit_bytes=EVENT_BYTES)


def _task_and_step(step: RunningStep, result: StepHandlerResult) -> dict[str, Any]:
    claimed = step.claimed
    return {
        "task": {"task_uuid": str(claimed.task_uuid), "context": load_json(claimed.context)},
        "step": {"step_uuid": str(claimed.step_uuid), "name": claimed.name, "attempt": claimed.attempt},
        "result": {
            "success": result.is_success,
            "result": result.result if result.is_success else None,
            "error": None if result.is_success else _error(result),
        },
    }


def _error(result: StepHandlerResult) -> dict[str, Any]:
    return {
        "error_type": result.error_type or "handler_error",
        "error_message": result.error_message or "",
        "error_code": result.error_code,
        "retryable": result.retryable,
    }


def _too_much() -> PayloadTooLarge:
    limit = f"the events of one step's end are more than {EVENTS_BYTES // 2**20} MiB together"
    return PayloadTooLarge((), limit, "publish references to large data")


def _finish(publisher: BasePublisher, event: dict[str, Any]) -> None:
    publisher.finish(event["event_name"], event["payload"]["payload"], event["metadata"])
