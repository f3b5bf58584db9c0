"""What is paused, as the server would answer for it from memory, by its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import UUID

from engine.client.calls import Call
from engine.model.wire.pauses import Pause, PauseAnswer, PauseList, PauseRequest, PauseScope
from tests.tui.fake_answers import answers

if TYPE_CHECKING:
    from tests.tui.support import FakeTasker


@answers("GET", "/v1/pauses")
def _pauses(tasker: FakeTasker, call: Call[Any]) -> PauseList:
    return PauseList(pauses=list(tasker.pauses.values()))


@answers("POST", "/v1/(tasks|templates|namespaces)/(.+)/(pause|resume)")
def _pause(tasker: FakeTasker, call: Call[Any], kind: str, place: str, verb: str) -> PauseAnswer:
    asked = PauseRequest.model_validate_json(call.content or b"")
    tasker.pauses.pop(place, None)
    if verb == "pause":
        tasker.pauses[place] = Pause(
            scope=PauseScope(kind.removesuffix("s")), **_names(kind, place), paused_by=asked.actor,
            reason=asked.reason, paused_at=tasker.clock.now(),
        )  # fmt: skip
    tasker.queues = [
        queue.model_copy(update={"paused": tasker.pauses.get(queue.namespace)}) for queue in tasker.queues
    ]
    return PauseAnswer(paused=verb == "pause", changed=True, dry_run=False)


def _names(kind: str, place: str) -> dict[str, Any]:
    if kind == "tasks":
        return {"namespace": None, "template": None, "version": None, "task_uuid": UUID(place)}
    namespace, name, version = (*map(unquote, place.split("/")), None, None)[:3]
    return {"namespace": namespace, "template": name, "version": version, "task_uuid": None}
