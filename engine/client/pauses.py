"""Pausing and resuming, as calls for either client: `client.send(pause(task(uuid), reason=…, actor=…))`."""

from __future__ import annotations

from urllib.parse import quote

from pydantic_core import to_json

from engine.client.calls import Call, Id
from engine.model.wire.pauses import PauseAnswer, PauseList, PauseRequest


def task(task_uuid: Id) -> str:
    """The address of a task."""
    return f"/v1/tasks/{task_uuid}"


def template(namespace: str, name: str, version: str) -> str:
    """The address of one version of a template."""
    return f"/v1/templates/{quote(namespace, safe='')}/{quote(name, safe='')}/{quote(version, safe='')}"


def namespace(name: str) -> str:
    """The address of a namespace."""
    return f"/v1/namespaces/{quote(name, safe='')}"


def pause(what: str, *, reason: str, actor: str, dry_run: bool = False) -> Call[PauseAnswer]:
    """Let nothing of a task, a template or a namespace (its address) be claimed any more."""
    return _change(f"{what}/pause", reason, actor, dry_run)


def resume(what: str, *, reason: str, actor: str, dry_run: bool = False) -> Call[PauseAnswer]:
    """Let it go on."""
    return _change(f"{what}/resume", reason, actor, dry_run)


def list_pauses() -> Call[PauseList]:
    """Everything that is paused."""
    return Call("GET", "/v1/pauses", PauseList.model_validate_json)


def _change(path: str, reason: str, actor: str, dry_run: bool) -> Call[PauseAnswer]:
    body = PauseRequest(reason=reason, actor=actor, dry_run=dry_run)
    return Call("POST", path, PauseAnswer.model_validate_json, content=to_json(body))
