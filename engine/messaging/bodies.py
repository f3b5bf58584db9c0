"""What a message says: three uuids, whatever carries it (reference 4)."""

from __future__ import annotations

from uuid import UUID

import orjson

from engine.store.messages import StepMessage


def encode(message: StepMessage) -> bytes:
    """The body of a step's message, as JSON."""
    return orjson.dumps(
        {
            "task_uuid": str(message.task_uuid),
            "step_uuid": str(message.step_uuid),
            "correlation_id": str(message.correlation_id),
        }
    )


def step_of(body: bytes | str) -> UUID | None:
    """The step that a message is about; None if it is no message of ours."""
    try:
        return UUID(orjson.loads(body)["step_uuid"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
