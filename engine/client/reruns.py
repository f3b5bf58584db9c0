"""Retrying and forking, as calls for either client: `client.send(retry(uuid, steps=["charge"], …))`."""

from __future__ import annotations

from typing import Any

from engine.client.calls import Call, Id
from engine.model.payload import dump_json
from engine.model.wire.reruns import ForkAnswer, ForkList, RetryAnswer

LIMIT = 4 * 1024 * 1024


def retry(task_uuid: Id, **fields: Any) -> Call[RetryAnswer]:
    """`fields` are those of `RetryRequest`; None leaves one out. Without `steps`: those that failed."""
    return _post(task_uuid, "retry", RetryAnswer, fields)


def fork(task_uuid: Id, *, steps: list[str] | None = None, **fields: Any) -> Call[ForkAnswer]:
    """`steps` is `from`, `fields` are the others of `ForkRequest`; None leaves one out."""
    return _post(task_uuid, "fork", ForkAnswer, {"from": steps} | fields)


def list_forks(task_uuid: Id) -> Call[ForkList]:
    """What a task was forked from, and its own forks."""
    return Call("GET", f"/v1/tasks/{task_uuid}/forks", ForkList.model_validate_json)


def _post(task_uuid: Id, verb: str, model: Any, fields: dict[str, Any]) -> Call[Any]:
    body = {name: value for name, value in fields.items() if value is not None}
    content = dump_json(body, limit_bytes=LIMIT).encode()
    return Call("POST", f"/v1/tasks/{task_uuid}/{verb}", model.model_validate_json, content=content)
