"""Reading queues, handlers and the steps of workers, as calls for either client."""

from __future__ import annotations

from engine.client.calls import Call, Id, given
from engine.model.wire.queues import HandlerList, QueueList, WorkerSteps


def list_queues(*, namespace: str | None = None) -> Call[QueueList]:
    """What waits in each namespace, and who takes it."""
    return Call("GET", "/v1/queues", QueueList.model_validate_json, given(namespace=namespace))


def list_handlers(*, namespace: str | None = None, missing: bool = False) -> Call[HandlerList]:
    """The handlers that are asked for, and who has them."""
    params = given(namespace=namespace, missing=missing or None)
    return Call("GET", "/v1/handlers", HandlerList.model_validate_json, params)


def worker_steps(worker_uuid: Id) -> Call[WorkerSteps]:
    """The steps that a worker holds now."""
    return Call("GET", f"/v1/workers/{worker_uuid}/steps", WorkerSteps.model_validate_json)
