"""What to do when a task is to be created and an equal one exists (reference 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

from engine.client import calls
from engine.client.calls import Call
from engine.client.errors import ApiError
from engine.model.wire.tasks import TaskResponse

OnDuplicate = Literal["raise", "open", "start"]
"""`raise` the server's refusal (409), `open` the task that exists, or `start` another one all the same."""


def existing_task(error: ApiError) -> str | None:
    """The uuid of the task that made the server refuse an equal one; None for any other refusal."""
    found = error.details.get("existing_task_uuid") if error.status == 409 else None
    return found if isinstance(found, str) else None


def second_call(
    error: ApiError, on_duplicate: OnDuplicate, name: str, fields: Mapping[str, Any]
) -> Call[TaskResponse]:
    """The call to make after `create_task(name, **fields)` was refused; raises the refusal if there is none.

    To start another one takes an idempotency key that nobody has, whatever the first call's was.
    """
    existing = existing_task(error)
    if existing is None or on_duplicate == "raise":
        raise error
    if on_duplicate == "open":
        return calls.get_task(existing)
    return calls.create_task(name, **{**fields, "idempotency_key": str(uuid4())})
