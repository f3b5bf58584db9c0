"""Reading queues and handlers, as calls for either client."""

from __future__ import annotations

from engine.client.calls import Call, given
from engine.model.wire.queues import HandlerList, QueueList


def list_queues(*, namespace: str | None = None) -> Call[QueueList]:
    """What waits in each namespace, and who takes it."""
    return Call("GET", "/v1/queues", QueueList.model_validate_json, given(namespace=namespace))


def list_handlers(*, namespace: str | None = None, missing: bool = False) -> Call[HandlerList]:
    """The handlers that are asked for, and who has them."""
    params = given(namespace=namespace, missing=missing or None)
    return Call("GET", "/v1/handlers", HandlerList.model_validate_json, params)
