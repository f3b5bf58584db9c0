"""Domain events: what a handler's template declares, and who publishes it (reference 7.3).

Objects without a transport: workers/runtime/domain_events.py publishes by them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from workers.errors import ConfigurationError

Condition: TypeAlias = Literal["success", "failure", "retryable_failure", "permanent_failure", "always"]
DeliveryMode: TypeAlias = Literal["durable", "fast", "broadcast"]
EventSink: TypeAlias = Callable[[str, dict[str, Any], dict[str, Any]], None]
"""Takes an event's name, payload and metadata to where it is delivered; raises if it cannot."""

_log = logging.getLogger("tasker.workers.events")


@dataclass(slots=True)
class EventDeclaration:
    """An entry of a step's `publishes_events` (reference 1.4). `None` stands for the reference's default."""

    name: str
    condition: Condition | None = None
    delivery_mode: DeliveryMode | None = None
    publisher: str | None = None
    schema_: dict[str, Any] | None = None

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the payload."""
        return self.schema_


@dataclass(slots=True)
class StepResult:
    """How the step ended."""

    success: bool
    result: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None


@dataclass(slots=True)
class StepEventContext:
    """The step that an event is about."""

    task_uuid: str
    step_uuid: str
    step_name: str
    namespace: str
    correlation_id: str
    result: dict[str, Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_step_context(
        cls,
        step_context: Any,
        result: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StepEventContext:
        """Take the ids from a `StepContext`."""
        return cls(
            str(step_context.task_uuid),
            str(step_context.step_uuid),
            step_context.step_name or step_context.handler_name,
            step_context.namespace,
            str(step_context.correlation_id),
            result,
            metadata or {},
        )


@dataclass(slots=True)
class PublishContext:
    """All that is known when an event may be published."""

    event_name: str
    step_result: StepResult
    event_declaration: EventDeclaration | None = None
    step_context: StepEventContext | None = None


class BasePublisher:
    """Publishes a step's events; override what should be different.

    A worker calls the hooks for the events that a template declares, in a thread and with a time limit:
    `should_publish`, `transform_payload`, `additional_metadata`, `before_publish`, then, once the step's
    result is accepted, `after_publish`; what raises goes to `on_publish_error`. `publish` does the same for
    events by hand, which go to `sink`.
    """

    sink: EventSink | None = None

    @property
    def publisher_name(self) -> str:
        """The name that a template's `publisher` gives."""
        return type(self).__name__

    def should_publish(self, ctx: StepEventContext) -> bool:
        """Say whether there is something to publish."""
        return True

    def transform_payload(self, ctx: StepEventContext) -> dict[str, Any]:
        """Make the payload, by default the step's result."""
        return dict(ctx.result or {})

    def additional_metadata(self, ctx: StepEventContext) -> dict[str, Any]:
        """Add to the event's metadata."""
        return {}

    def before_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> bool:
        """See the event before it goes out; `False` holds it back."""
        return True

    def after_publish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> None:
        """See the event after it went out."""

    def on_publish_error(self, event_name: str, error: Exception, payload: dict[str, Any]) -> None:
        """See what went wrong; it is logged anyhow. The step is not touched by it."""

    def prepare(
        self, ctx: StepEventContext, event_name: str, deliver: EventSink
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Call the hooks before an event goes out, and `deliver`; `None` if one holds it back.

        Returns payload and metadata. Raises whatever one of them raised, after `on_publish_error`.
        """
        payload: dict[str, Any] = {}
        try:
            if not self.should_publish(ctx):
                return None
            payload = self.transform_payload(ctx)
            metadata = {**ctx.metadata, **self.additional_metadata(ctx), **_ids(ctx)}
            if not self.before_publish(event_name, payload, metadata):
                return None
            deliver(event_name, payload, metadata)
        except Exception as error:
            self._tell(event_name, error, payload)
            raise
        return payload, metadata

    def publish(self, ctx: StepEventContext, event_name: str | None = None) -> bool:
        """Publish an event, by default `{step}.completed`; say whether it went out. Never raises."""
        name = event_name or f"{ctx.step_name}.completed"
        try:
            prepared = self.prepare(ctx, name, self._to_sink)
        except Exception as error:
            _log.warning("event %s was not published: %s: %s", name, type(error).__name__, error)
            return False
        if prepared is not None:
            self.finish(name, *prepared)
        return prepared is not None

    def finish(self, event_name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Call `after_publish`. Never raises: the event is out."""
        try:
            self.after_publish(event_name, payload, metadata)
        except Exception as error:
            kind = type(error).__name__
            _log.warning("after_publish of event %s failed: %s: %s", event_name, kind, error)
            self._tell(event_name, error, payload)

    def _tell(self, name: str, error: Exception, payload: dict[str, Any]) -> None:
        try:
            self.on_publish_error(name, error, payload)
        except Exception as another:
            kind = type(another).__name__
            _log.warning("on_publish_error of event %s failed: %s: %s", name, kind, another)

    def _to_sink(self, name: str, payload: dict[str, Any], metadata: dict[str, Any]) -> None:
        if self.sink is None:
            raise ConfigurationError(f"{self.publisher_name!r} has no sink: set `sink` to publish by hand")
        self.sink(name, payload, metadata)


class DefaultPublisher(BasePublisher):
    """Publishes the step's result as it is."""

    @property
    def publisher_name(self) -> str:
        """`default`."""
        return "default"


class PublisherRegistry:
    """The publishers that templates can name."""

    _instance: ClassVar[PublisherRegistry | None] = None

    def __init__(self) -> None:
        self._publishers: dict[str, BasePublisher] = {}
        self._default = DefaultPublisher()
        self._frozen = False

    @classmethod
    def instance(cls) -> PublisherRegistry:
        """The registry of the process."""
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

    @classmethod
    def reset(cls) -> None:
        """Forget the registry of the process."""
        cls._instance = None

    def register(self, publisher: BasePublisher, name: str | None = None) -> None:
        """Register under a name, by default the publisher's own. Raises `RuntimeError` when frozen."""
        key = name or publisher.publisher_name
        if self._frozen:
            raise RuntimeError(f"{key!r} comes too late: the registry is frozen; register at import")
        self._publishers[key] = publisher

    def get(self, name: str) -> BasePublisher | None:
        """Return the publisher of that name."""
        return self._publishers.get(name)

    def get_or_default(self, name: str) -> BasePublisher:
        """Return the publisher of that name, else the one that publishes results as they are."""
        return self._publishers.get(name, self._default)

    def validate_required(self, names: list[str]) -> list[str]:
        """Return those names that no publisher has."""
        return [name for name in names if name not in self._publishers]

    def freeze(self) -> None:
        """Refuse further publishers."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Accept publishers again."""
        self._frozen = False

    @property
    def is_frozen(self) -> bool:
        """Say whether it refuses further publishers."""
        return self._frozen

    def list_publishers(self) -> list[str]:
        """The names, sorted."""
        return sorted(self._publishers)

    def clear(self) -> None:
        """Forget all publishers."""
        self._publishers.clear()


def _ids(ctx: StepEventContext) -> dict[str, Any]:
    return {
        "task_uuid": ctx.task_uuid,
        "step_uuid": ctx.step_uuid,
        "step_name": ctx.step_name,
        "namespace": ctx.namespace,
        "correlation_id": ctx.correlation_id,
    }
