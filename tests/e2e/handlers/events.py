"""Who listens to events, and a step that says what was heard."""

from __future__ import annotations

from typing import Any

from workers import (
    BasePublisher,
    BaseSubscriber,
    PublisherRegistry,
    StepContext,
    StepEventContext,
    SubscriberRegistry,
    step_handler,
)

heard: dict[str, list[dict[str, Any]]] = {}


class Ear(BaseSubscriber):
    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["order.*", "notification.sent"]

    def handle(self, event: dict[str, Any]) -> None:
        heard.setdefault(event["metadata"]["task_uuid"], []).append(event)


class DeafEar(BaseSubscriber):
    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["e2e.*"]

    def handle(self, event: dict[str, Any]) -> None:
        raise RuntimeError("what?")


class BrokenPress(BasePublisher):
    @property
    def publisher_name(self) -> str:
        return "e2e.BrokenPress"

    def transform_payload(self, ctx: StepEventContext) -> dict[str, Any]:
        raise RuntimeError("no paper")


PublisherRegistry.instance().register(BrokenPress())
SubscriberRegistry.instance().register(Ear)
SubscriberRegistry.instance().register(DeafEar)


@step_handler("e2e.events.heard")
def what_was_heard(context: StepContext) -> dict[str, Any]:
    """The events of the task that the context names."""
    return {"events": heard.get(context.get_input("of"), [])}


@step_handler("e2e.events.speak")
def speak(context: StepContext) -> dict[str, Any]:
    return {"spoken": context.get_input("words")}
