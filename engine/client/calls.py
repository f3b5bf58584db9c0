"""Each call of the REST API as data: what is sent, and how the answer is read. Both clients make them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json, to_json

from engine.model.payload import dump_json
from engine.model.wire.details import (
    LogPage,
    StepDetail,
    StepWhy,
    TaskWhy,
    TemplateRegistration,
    TemplateRevision,
    TransitionPage,
)
from engine.model.wire.tasks import (
    StepAuditResponse,
    TaskListResponse,
    TaskResponse,
    TemplateListResponse,
)

if TYPE_CHECKING:  # each takes its time to import
    from engine.model.wire.health import DetailedHealthResponse, HealthResponse, ReadinessResponse
    from engine.model.wire.requests import (
        BulkCreateResponse,
        CompleteManually,
        ResetForRetry,
        ResolveManually,
        Skip,
    )
    from engine.model.wire.worker import WorkerInfo

    Action = ResetForRetry | ResolveManually | CompleteManually | Skip

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)

Id = UUID | str
Count = Literal["exact", "estimate", "none"]

JSON = "application/json"
YAML = "application/yaml"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request; `read` makes its result of the answer's body."""

    method: str
    path: str
    read: Callable[[bytes], T]
    params: Mapping[str, str | list[str]] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = JSON
    also: Collection[int] = ()
    """Failures whose body is an answer all the same, if it is JSON."""
    only_asks: bool = False
    """Whether it is a question in spite of its method, such as a preview."""

    @property
    def changes(self) -> bool:
        """Whether the server does something when it gets it: it is neither a question nor a dry run."""
        if self.method == "GET" or self.only_asks or "dry_run" in self.params:
            return False
        body = from_json(self.content) if self.content and self.content_type == JSON else None
        return not (isinstance(body, dict) and body.get("dry_run") is True)


def given(**params: Any) -> dict[str, str | list[str]]:
    """Query parameters as text, without those that are None."""
    return {name: _text(value) for name, value in params.items() if value is not None}


def _text(value: Any) -> str | list[str]:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple | set | frozenset):
        return [str(item) for item in value]
    return str(value)


def _one(model: type[Model]) -> Callable[[bytes], Model]:
    return model.model_validate_json


@cache
def _list_of(model: type[Model]) -> TypeAdapter[list[Model]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def create_task(name: str, **fields: Any) -> Call[TaskResponse]:
    """`fields` are those of `TaskRequest`; None leaves one out."""
    body = {"name": name} | {key: value for key, value in fields.items() if value is not None}
    return Call("POST", "/v1/tasks", _one(TaskResponse), content=_body(body))


def create_tasks_bulk(tasks: Sequence[Mapping[str, Any]]) -> Call[BulkCreateResponse]:
    from engine.model.wire.requests import BulkCreateResponse

    content = _body({"tasks": [dict(task) for task in tasks]}, limit_bytes=64 * 1024 * 1024)
    return Call("POST", "/v1/tasks/bulk", _one(BulkCreateResponse), content=content)


def _body(value: Any, limit_bytes: int = 4 * 1024 * 1024) -> bytes:
    return dump_json(value, limit_bytes=limit_bytes).encode()


def list_tasks(**filters: Any) -> Call[TaskListResponse]:
    return Call("GET", "/v1/tasks", _one(TaskListResponse), params=given(**filters))


def get_task(task_uuid: Id) -> Call[TaskResponse]:
    return Call("GET", f"/v1/tasks/{task_uuid}", _one(TaskResponse))


def cancel_task(
    task_uuid: Id, reason: str | None, cancelled_by: str | None, *, dry_run: bool = False
) -> Call[TaskResponse]:
    params = given(reason=reason, cancelled_by=cancelled_by, dry_run=dry_run or None)
    return Call("DELETE", f"/v1/tasks/{task_uuid}", _one(TaskResponse), params=params)


def task_transitions(task_uuid: Id, *, step_uuid: Id | None, after: int, limit: int) -> Call[TransitionPage]:
    params = given(step_uuid=step_uuid, after=after, limit=limit)
    return Call("GET", f"/v1/tasks/{task_uuid}/transitions", _one(TransitionPage), params=params)


def why_task(task_uuid: Id) -> Call[list[StepWhy]]:
    return Call("GET", f"/v1/tasks/{task_uuid}/why", _list_of(StepWhy).validate_json)


def why_tasks(task_uuids: Sequence[Id]) -> Call[list[TaskWhy]]:
    params = given(task_uuid=list(task_uuids))
    return Call("GET", "/v1/tasks/why", _list_of(TaskWhy).validate_json, params=params)


def _step_path(task_uuid: Id, step_uuid: Id) -> str:
    return f"/v1/tasks/{task_uuid}/workflow_steps/{step_uuid}"


def list_steps(task_uuid: Id) -> Call[list[StepDetail]]:
    return Call("GET", f"/v1/tasks/{task_uuid}/workflow_steps", _list_of(StepDetail).validate_json)


def get_step(task_uuid: Id, step_uuid: Id) -> Call[StepDetail]:
    return Call("GET", _step_path(task_uuid, step_uuid), _one(StepDetail))


def act_on_step(task_uuid: Id, step_uuid: Id, action: Action) -> Call[StepDetail]:
    content = to_json(action.model_dump(exclude_none=True), inf_nan_mode="constants")
    return Call("PATCH", _step_path(task_uuid, step_uuid), _one(StepDetail), content=content)


def step_audit(task_uuid: Id, step_uuid: Id) -> Call[list[StepAuditResponse]]:
    return Call("GET", f"{_step_path(task_uuid, step_uuid)}/audit", _list_of(StepAuditResponse).validate_json)


def step_logs(task_uuid: Id, step_uuid: Id, *, attempt: int | None, after: int, limit: int) -> Call[LogPage]:
    params = given(attempt=attempt, after=after, limit=limit)
    return Call("GET", f"{_step_path(task_uuid, step_uuid)}/logs", _one(LogPage), params=params)


def list_templates(namespace: str | None) -> Call[TemplateListResponse]:
    return Call("GET", "/v1/templates", _one(TemplateListResponse), params=given(namespace=namespace))


def get_template(namespace: str, name: str, version: str | None) -> Call[TemplateRevision]:
    parts = [namespace, name] if version is None else [namespace, name, version]
    return Call("GET", "/v1/templates/" + "/".join(map(_quoted, parts)), _one(TemplateRevision))


def _quoted(part: str) -> str:
    return quote(part, safe="")


def register_template(template: str | Mapping[str, Any], *, replace: bool) -> Call[TemplateRegistration]:
    """`template` is YAML text, or the data of one."""
    is_text = isinstance(template, str)
    content = template.encode() if isinstance(template, str) else _body(dict(template), 8 * 1024 * 1024)
    return Call(
        "POST", "/v1/templates", _one(TemplateRegistration), params=given(replace=replace or None),
        content=content, content_type=YAML if is_text else JSON,
    )  # fmt: skip


def list_workers(namespace: str | None) -> Call[list[WorkerInfo]]:
    from engine.model.wire.worker import WorkerInfo

    return Call("GET", "/v1/workers", _list_of(WorkerInfo).validate_json, params=given(namespace=namespace))


def health() -> Call[HealthResponse]:
    from engine.model.wire.health import HealthResponse

    return Call("GET", "/health", _one(HealthResponse))


def readiness() -> Call[ReadinessResponse]:
    from engine.model.wire.health import ReadinessResponse

    return Call("GET", "/health/ready", _one(ReadinessResponse))


def detailed_health() -> Call[DetailedHealthResponse]:
    """Answered by a server that cannot take work as well."""
    from engine.model.wire.health import DetailedHealthResponse

    return Call("GET", "/health/detailed", _one(DetailedHealthResponse), also=(503,))
