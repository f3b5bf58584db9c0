"""Bodies that clients send (reference 1.2, 5.1), and the answers that belong to them alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import to_json

from engine.model.wire.base import RequestModel, Timestamp, WireModel
from engine.model.wire.fields import OTHER_NAMES, Name, Reason, Text255, Version

MAX_BULK = 1_000
"""Tasks in one call of `POST /v1/tasks/bulk`."""


def _zero_if_null(value: object) -> object:
    return 0 if value is None else value


def _as_list(tags: object) -> object:
    """Old clients may send an object; `{"team": "billing"}` becomes `["team:billing"]`."""
    if tags is None:
        return []
    if isinstance(tags, dict):
        return [f"{key}:{_tag_text(value)}" for key, value in tags.items()]
    return tags


def _tag_text(value: object) -> str:
    return value if isinstance(value, str) else to_json(value).decode()


TagList = Annotated[list[Name], Field(max_length=1000)]
Tags = Annotated[TagList, BeforeValidator(_as_list, json_schema_input_type=TagList | dict[str, Any] | None)]
PriorityRange = Annotated[int, Field(ge=-100, le=100)]
Priority = Annotated[
    PriorityRange, BeforeValidator(_zero_if_null, json_schema_input_type=PriorityRange | None)
]


def _declare_other_names(schema: dict[str, Any]) -> None:
    properties = schema["properties"]
    properties |= {other: properties[name] for other, name in OTHER_NAMES.items()}
    del schema["required"]
    schema["oneOf"] = [{"required": ["name"]}, {"required": ["template_name"]}]
    schema["not"] = {"required": ["context", "configuration"]}


class TaskRequest(RequestModel):
    """Body of `POST /v1/tasks` (reference 1.2). Only the template's name is required.

    `template_name` is another name of `name`, `configuration` another name of `context`; both at once are
    refused. `version` null means the newest registered one; `correlation_id` null means that the server
    makes one. `options` and `requested_at` are read for the sake of old clients and have no effect.
    """

    model_config = ConfigDict(json_schema_extra=_declare_other_names)

    name: Name
    namespace: Name = "default"
    version: Version | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    initiator: Text255 = "system"
    source_system: Text255 = "tasker-core"
    reason: Reason = "Task requested"
    tags: Tags = Field(default_factory=list)
    priority: Priority = 0
    correlation_id: UUID | None = None
    parent_correlation_id: UUID | None = None
    idempotency_key: Name | None = None
    options: dict[str, Any] | None = Field(default=None, exclude=True)
    requested_at: Any = Field(default=None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _read_other_names(cls, data: Any) -> Any:
        if not isinstance(data, dict) or OTHER_NAMES.keys().isdisjoint(data):
            return data
        renamed = {other: name for other, name in OTHER_NAMES.items() if name not in data}
        return {renamed.get(key, key): value for key, value in data.items()}


class ResetForRetry(RequestModel):
    """A failed step is set back to pending with no attempts spent; its task goes on."""

    action_type: Literal["reset_for_retry"]
    reason: Reason
    reset_by: Text255
    dry_run: bool = False


class ResolveManually(RequestModel):
    """The step counts as done without a result."""

    action_type: Literal["resolve_manually"]
    reason: Reason
    resolved_by: Text255
    dry_run: bool = False


class ManualCompletionData(RequestModel):
    """The result that an operator gives in place of the handler."""

    result: Any
    metadata: Any = None


class CompleteManually(RequestModel):
    """The step is complete with the given result, which its dependants read."""

    action_type: Literal["complete_manually"]
    completion_data: ManualCompletionData
    reason: Reason
    completed_by: Text255
    dry_run: bool = False


class Skip(RequestModel):
    """The step counts as resolved, with the given result, which its dependants read."""

    action_type: Literal["skip"]
    result: Any = None
    reason: Reason
    skipped_by: Text255
    dry_run: bool = False


StepAction = Annotated[
    ResetForRetry | ResolveManually | CompleteManually | Skip, Field(discriminator="action_type")
]
"""Body of `PATCH /v1/tasks/{task}/workflow_steps/{step}`. With `dry_run` the answer is the same, and nothing
is changed."""


class BulkCreateRequest(RequestModel):
    """Body of `POST /v1/tasks/bulk`: each item is a `TaskRequest`, checked by itself, answered by itself."""

    tasks: list[Any] = Field(min_length=1, max_length=MAX_BULK)


class CreatedTask(WireModel):
    """What a bulk creation answers of one task: enough to find it again."""

    task_uuid: UUID
    name: str
    namespace: str
    version: str
    status: str
    correlation_id: UUID
    created_at: Timestamp
    total_steps: int


class ErrorProblem(WireModel):
    """One wrong field of a body: `path` as in `context.items[2].price`, `hint` what to do about it.

    `line` and `column` count from 1 and are told of a template alone, whose text has lines.
    """

    path: str
    message: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None


class ErrorDetail(WireModel):
    """What went wrong: `code` of reference 5.1, a sentence, and where it helps more. Nulls are not sent."""

    code: str
    message: str
    hint: str | None = None
    path: str | None = None
    existing_task_uuid: UUID | None = None
    retry_after_seconds: int | None = None
    problems: list[ErrorProblem] | None = None

    @model_serializer(mode="wrap")
    def _without_nulls(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class ErrorBody(WireModel):
    """The envelope of every error."""

    error: ErrorDetail


class BulkItemResult(WireModel):
    """The answer to one item: `task` with 201, `error` with every other status."""

    index: int
    status: Literal[201, 400, 404, 409, 422, 500, 503]
    task: CreatedTask | None = None
    error: ErrorDetail | None = None


class BulkCreateResponse(WireModel):
    """One result an item, in the order of the request."""

    results: list[BulkItemResult]
