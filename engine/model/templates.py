"""Templates: the whole YAML of reference 1.4 as checked, unchangeable objects."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from engine.model.canonical import canonical_json
from engine.model.problems import FieldProblem, field_problems
from engine.model.template_checks import ALL_STEPS, check_template
from engine.model.template_errors import TemplateInvalid, TemplateProblem, explain
from engine.model.template_yaml import Mark, read_yaml

__all__ = [
    "BatchConfig", "DomainEvent", "EnvironmentOverride", "EventDeclaration", "Handler", "HandlerOverride",
    "Lifecycle", "Metadata", "Retry", "StepDefinition", "StepOverride", "SystemDependencies", "Template",
    "TemplateInvalid", "TemplateProblem", "content_hash", "explain", "for_environment", "load_template",
    "template_from_dict",
]  # fmt: skip

DEFAULT_TIMEOUT_SECONDS = 30

StepType = Literal["standard", "decision", "deferred_convergence", "batchable", "batch_worker"]
Backoff = Literal["exponential", "linear", "fibonacci", "none"]
IdentityStrategy = Literal["strict", "caller_provided", "always_unique"]


def _matching(pattern: str, what: str, hint: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise PydanticCustomError(
                "name", "'{given}' is not {what}", {"given": value, "what": what, "hint": hint}
            )
        return value

    return AfterValidator(check)


def _read_timeout(value: Any) -> Any:
    if value is None:
        raise PydanticCustomError("timeout", "is empty", {"hint": "write a number of seconds, or `none`"})
    return None if value == "none" else value


Name = Annotated[
    str,
    Field(min_length=1, max_length=255),
    _matching(r"[^\x00-\x1f\x7f-\x9f]*", "a name", "leave control characters out"),
]
Namespace = Annotated[
    str,
    _matching(
        r"[A-Za-z_][A-Za-z0-9_]{0,28}",
        "a namespace",
        "use at most 29 letters, digits and underscores, the first no digit",
    ),
]
Version = Annotated[
    str,
    Field(max_length=50),
    _matching(
        r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?",
        "a semantic version",
        "write three numbers, as 1.0.0",
    ),
]
EventName = Annotated[
    str,
    Field(max_length=255),
    _matching(
        r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+",
        "an event name",
        "write lower-case words with dots, as order.created",
    ),
]
Timeout = Annotated[
    Annotated[int, Field(ge=1)] | None,
    BeforeValidator(_read_timeout, json_schema_input_type=int | Literal["none"]),
    PlainSerializer(
        lambda value: "none" if value is None else value, return_type=int | str, when_used="json"
    ),
]
"""Seconds, or None for no limit; in YAML and JSON None is the word `none`."""

JsonObject = dict[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Handler(_Part):
    """What runs a step: a class path or a registered name, and what it is set up with."""

    callable: Annotated[str, Field(min_length=1, max_length=500)]
    method: Annotated[str, Field(min_length=1, max_length=255)] = "call"
    resolver: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    initialization: JsonObject = {}


class Retry(_Part):
    """`max_attempts` counts the first attempt, which 0 allows too. The reference's lower bounds of the waits
    (100 and 1,000 ms) are not enforced: its own scenarios use less."""

    retryable: bool = True
    max_attempts: Annotated[int, Field(ge=0, le=100)] = 3
    backoff: Backoff = "exponential"
    backoff_base_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 1_000
    max_backoff_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 30_000


class EventDeclaration(_Part):
    """A domain event that a step publishes."""

    name: EventName
    schema_: JsonObject = Field(alias="schema")
    condition: Literal["success", "failure", "retryable_failure", "permanent_failure", "always"] = "success"
    delivery_mode: Literal["durable", "fast", "broadcast"] = "durable"
    publisher: str | None = None


class BatchConfig(_Part):
    """How a batchable step's work is cut and what a failed batch does to the others."""

    worker_template: Name
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    parallelism: Annotated[int, Field(ge=1, le=1_000)] = 10
    cursor_field: Annotated[str, Field(min_length=1, max_length=255)] = "id"
    failure_strategy: Literal["continue_on_failure", "fail_fast", "isolate"] = "continue_on_failure"


class StepDefinition(_Part):
    """One step of the graph (reference 1.4, 1.5)."""

    name: Name
    handler: Handler
    description: str | None = None
    type: StepType = Field(default="standard", validation_alias=AliasChoices("type", "step_type"))
    system_dependency: str | None = None
    dependencies: list[str] = []
    retry: Retry = Retry()
    timeout_seconds: Timeout = DEFAULT_TIMEOUT_SECONDS
    publishes_events: list[EventDeclaration] = []
    batch_config: BatchConfig | None = None
    result_schema: JsonObject | None = None


class HandlerOverride(_Part):
    """Merged into the handler's own initialization, mapping by mapping."""

    initialization: JsonObject = {}


class StepOverride(_Part):
    """What an environment changes of one step, or of every step (`ALL`): only what is given."""

    name: Name
    handler: HandlerOverride | None = None
    retry: Retry | None = None
    timeout_seconds: Timeout = DEFAULT_TIMEOUT_SECONDS


class EnvironmentOverride(_Part):
    task_handler: HandlerOverride | None = None
    steps: list[StepOverride] = []


class Lifecycle(_Part):
    """Limits in minutes, and what happens to a task that is past one (reference 8.4)."""

    max_duration_minutes: Annotated[int, Field(ge=1, le=43_200)] | None = None
    max_waiting_for_dependencies_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    max_waiting_for_retry_minutes: Annotated[int, Field(ge=1, le=10_080)] = 30
    max_steps_in_process_minutes: Annotated[int, Field(ge=1, le=10_080)] = 30
    staleness_action: Literal["dlq", "error", "none"] = "dlq"
    auto_fail_on_timeout: bool | None = None
    auto_dlq_on_timeout: bool | None = None


class Metadata(_Part):
    """For people; times are kept as they are written."""

    author: str | None = None
    tags: list[str] = []
    documentation_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class SystemDependencies(_Part):
    primary: str = "default"
    secondary: list[str] = []


class DomainEvent(_Part):
    """An event that the template's steps may publish."""

    name: EventName
    description: str | None = None
    schema_: JsonObject | None = Field(default=None, alias="schema")


class Template(_Part):
    """A workflow. Made by `load_template` or `template_from_dict`, which check it as a whole."""

    name: Name
    namespace_name: Namespace
    version: Version
    steps: list[StepDefinition]
    description: str | None = None
    metadata: Metadata | None = None
    task_handler: Handler | None = None
    system_dependencies: SystemDependencies = SystemDependencies()
    domain_events: list[DomainEvent] = []
    input_schema: JsonObject | None = None
    environments: dict[str, EnvironmentOverride] = {}
    lifecycle: Lifecycle = Lifecycle()
    identity_strategy: IdentityStrategy = "strict"
    identity_ttl_seconds: Annotated[int, Field(ge=1)] | None = None

    def configuration(self) -> JsonObject:
        """What its author wrote, as JSON; `template_from_dict` reads it again."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def load_template(text: str, source: str = "<template>") -> Template:
    """Read YAML. Raises `TemplateInvalid` with all problems, each with its line."""
    document = read_yaml(text, source)
    return _checked(document.value, source, document.mark, document.problems)


def template_from_dict(data: Any, source: str = "<template>") -> Template:
    """As `load_template`, of data already read; its problems have no lines."""
    return _checked(data, source, None, [])


def _checked(data: Any, source: str, mark: Mark | None, known: list[TemplateProblem]) -> Template:
    template, problems = _validated(data)
    if problems or known:
        raise TemplateInvalid([*known, *(_placed(problem, source, mark) for problem in problems)])
    assert template is not None
    return template


def _validated(data: Any) -> tuple[Template | None, list[FieldProblem]]:
    if not isinstance(data, dict):
        return None, [
            FieldProblem((), "a template is a mapping", "start with `name:`, `namespace_name:`, `steps:`")
        ]
    problems = check_template(data)
    try:
        return Template.model_validate(data), problems
    except ValidationError as error:
        return None, [*field_problems(error, Template), *problems]


def _placed(problem: FieldProblem, source: str, mark: Mark | None) -> TemplateProblem:
    at = mark.at(problem.location) if mark else None
    line, column = (at.line, at.column) if at else (None, None)
    return TemplateProblem(source, line, column, problem.path, problem.message, problem.hint)


def content_hash(template: Template) -> str:
    """SHA-256 in hex over what the template means: a default that is written out changes nothing."""
    meaning = template.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return hashlib.sha256(canonical_json(meaning)).hexdigest()


def for_environment(template: Template, environment: str) -> Template:
    """The template with `environments.{environment}` applied, `ALL` before the steps named one by one.

    Initialization is merged mapping by mapping, time-out and retry are replaced (reference 1.4). An
    environment that the template does not name changes nothing.
    """
    overrides = template.environments.get(environment)
    if overrides is None:
        return template
    by_name: dict[str, list[StepOverride]] = {}
    for override in overrides.steps:
        by_name.setdefault(override.name, []).append(override)
    for_all = by_name.pop(ALL_STEPS, [])
    steps = [_overridden(step, [*for_all, *by_name.get(step.name, [])]) for step in template.steps]
    handler = template.task_handler and _merged_handler(template.task_handler, overrides.task_handler)
    return template.model_copy(update={"steps": steps, "task_handler": handler, "environments": {}})


def _overridden(step: StepDefinition, overrides: list[StepOverride]) -> StepDefinition:
    for override in overrides:
        changes: dict[str, Any] = {"handler": _merged_handler(step.handler, override.handler)}
        if override.retry is not None:
            changes["retry"] = override.retry
        if "timeout_seconds" in override.model_fields_set:
            changes["timeout_seconds"] = override.timeout_seconds
        step = step.model_copy(update=changes)
    return step


def _merged_handler(handler: Handler, override: HandlerOverride | None) -> Handler:
    if override is None:
        return handler
    merged = _merged(handler.initialization, override.initialization)
    return handler.model_copy(update={"initialization": merged})


def _merged(base: JsonObject, over: JsonObject) -> JsonObject:
    result = base | over
    for key in base.keys() & over.keys():
        if isinstance(base[key], dict) and isinstance(over[key], dict):
            result[key] = _merged(base[key], over[key])
    return result
