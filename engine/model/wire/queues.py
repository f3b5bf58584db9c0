"""What waits for workers and who could take it, as the REST API answers it. Durations are in seconds."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from engine.model.wire.base import Timestamp, WireModel
from engine.model.wire.pauses import Pause

HandlerStatus = Literal["served", "missing", "no_worker"]
"""`missing`: live workers serve the namespace, and none has the handler; `no_worker`: none serves it."""


class HeldSteps(WireModel):
    """Steps that may not be claimed now, by the first reason that holds them."""

    paused_namespace: int
    paused_template: int
    paused_task: int
    batch_failed: int
    batch_limit: int


class QueueLoad(WireModel):
    """Steps on their way to workers: `ready` to be claimed (the oldest for `oldest_seconds`), `held`,
    `in_progress`, and `retrying` after their backoff."""

    ready: int
    oldest_seconds: float | None
    held: HeldSteps
    in_progress: int
    retrying: int


class HandlerQueue(QueueLoad):
    """The part of a queue that needs one handler, and the live workers that have it."""

    handler: str
    status: HandlerStatus
    workers: int
    missing_since: Timestamp | None


class Queue(QueueLoad):
    """A namespace, and the handlers in it that have something to do.

    `workers` are those that are alive and claim from it. They have `slots`, of which `busy` are used: for
    other namespaces too, if a worker serves several.
    """

    namespace: str
    paused: Pause | None
    workers: int
    slots: int
    busy: int
    handlers: list[HandlerQueue]


class Broker(WireModel):
    """What carries the messages, as the engine that answers sees it. While it is not `connected`, for the
    reason in `problem`, workers find steps by polling. PGMQ in the tasks' database always is."""

    name: Literal["pgmq", "rabbitmq"]
    connected: bool
    problem: str | None

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return "RabbitMQ" if self.name == "rabbitmq" else "the queue database"


class QueueList(WireModel):
    """Every namespace by name. Of steps that wait for a retry at most 100,000 are counted."""

    calculated_at: Timestamp
    broker: Broker | None = None
    queues: list[Queue]


class HandlerUser(WireModel):
    """A template whose newest revision has steps with the handler."""

    template: str
    version: str
    steps: list[str]


class HandlerInfo(WireModel):
    """A handler that templates or ready steps of a namespace ask for.

    `worker_names` are the live workers of the namespace that have it, at most twenty of `workers`; `near` are
    names much like it that they have instead. `used_by` are at most twenty of `templates`.
    """

    namespace: str
    handler: str
    status: HandlerStatus
    workers: int
    worker_names: list[str]
    slots: int
    ready: int
    missing_since: Timestamp | None
    near: list[str]
    templates: int
    used_by: list[HandlerUser]


class UnusedHandler(WireModel):
    """A handler that live workers have and nobody asks for."""

    handler: str
    workers: int


class HandlerList(WireModel):
    """Handlers by namespace and name, those first that somebody misses. `unused` is empty where only one
    namespace or only what is missing was asked for."""

    handlers: list[HandlerInfo]
    unused: list[UnusedHandler]


class WorkerStep(WireModel):
    """A step that a worker holds: it runs attempt `attempt` of it since `claimed_at`, and keeps it until
    `expires_at` unless it is heard of again."""

    task_uuid: UUID
    step_uuid: UUID
    step: str
    namespace: str
    template: str
    version: str
    handler: str
    attempt: int
    claimed_at: Timestamp
    expires_at: Timestamp


class WorkerSteps(WireModel):
    """The steps of a worker, the one that it holds for longest first; at most 1,000 of `held`."""

    worker_uuid: UUID
    calculated_at: Timestamp
    held: int
    steps: list[WorkerStep]
