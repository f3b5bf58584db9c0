"""Publishers and subscribers of the tests' workers.

What they see goes to `$TEST_FOLDER/seen`, a JSON line each.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from tests.support.step_handlers import FOLDER
from workers import (
    BasePublisher,
    BaseSubscriber,
    Decision,
    PublisherRegistry,
    StepContext,
    StepEventContext,
    SubscriberRegistry,
    decision_handler,
)

Json = dict[str, Any]


def saw(what: str, **fields: Any) -> None:
    with (FOLDER / "seen").open("a") as file:
        file.write(json.dumps({"what": what, **fields}) + "\n")


@decision_handler("choose")
async def choose(context: StepContext) -> Decision:
    """Decide for the steps that the settings name."""
    return Decision.route(context.get_config("steps"))


class Receipts(BasePublisher):
    def transform_payload(self, ctx: StepEventContext) -> Json:
        return {"of": ctx.step_name, "attempt": (ctx.result or {})["attempt"]}

    def additional_metadata(self, ctx: StepEventContext) -> Json:
        return {"source": "receipts", "namespace": "elsewhere"}

    def after_publish(self, event_name: str, payload: Json, metadata: Json) -> None:
        saw("after", event=event_name, payload=payload, task=metadata["task_uuid"])


class Reluctant(BasePublisher):
    def should_publish(self, ctx: StepEventContext) -> bool:
        return False


class Raising(BasePublisher):
    def before_publish(self, event_name: str, payload: Json, metadata: Json) -> bool:
        print("about to raise")
        raise RuntimeError("no ink")

    def on_publish_error(self, event_name: str, error: Exception, payload: Json) -> None:
        saw("error", event=event_name, error=str(error), payload=payload)
        raise RuntimeError("no paper either")


class Exiting(BasePublisher):
    def transform_payload(self, ctx: StepEventContext) -> Json:
        sys.exit("I quit")


class Hanging(BasePublisher):
    def before_publish(self, event_name: str, payload: Json, metadata: Json) -> bool:
        threading.Event().wait()
        return True


class Nul(BasePublisher):
    def transform_payload(self, ctx: StepEventContext) -> Json:
        return {"text": "a\0b"}


class Regretful(BasePublisher):
    def after_publish(self, event_name: str, payload: Json, metadata: Json) -> None:
        raise RuntimeError("too late")


for publisher in (Receipts, Reluctant, Raising, Exiting, Hanging, Nul, Regretful):
    PublisherRegistry.instance().register(publisher())


class Seeing(BaseSubscriber):
    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["stock.*", "order.made"]

    def handle(self, event: Json) -> None:
        saw("event", event=event)


class Failing(BaseSubscriber):
    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["stock.bad"]

    def handle(self, event: Json) -> None:
        raise RuntimeError("can't")


class Stopping(BaseSubscriber):
    @classmethod
    def subscribes_to(cls) -> list[str]:
        return ["stock.endless"]

    def handle(self, event: Json) -> None:
        threading.Event().wait()


for subscriber in (Seeing, Failing, Stopping):
    SubscriberRegistry.instance().register(subscriber)
