"""Inputs that the form of a new task offers: those of the last starts here, and of the newest tasks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasker_tui.client_port import TaskerPort
from tasker_tui.past_inputs import past_inputs
from tasker_tui.text import age, short_id
from tasker_tui.trouble import CALL_FAILURES

OFFERED_TASKS = 5
"""So many of the newest tasks of the template offer their inputs."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Inputs that the form can be filled in with, and where they come from."""

    context: dict[str, Any]
    source: str


async def find_offers(client: TaskerPort, namespace: str, name: str, now: datetime) -> list[Offer]:
    """Distinct inputs of a template: what was started here, then the newest tasks; newest first."""
    offers = [
        Offer(past.context, f"a start from here, {age(past.at, now)} ago")
        for past in past_inputs(namespace, name)
    ]
    try:
        newest = (await client.list_tasks(namespace=namespace, template=name, limit=OFFERED_TASKS)).tasks
    except CALL_FAILURES:
        newest = []  # what was started here is offered all the same
    for task in newest:
        source = f"task {short_id(str(task.task_uuid))}, {age(task.created_at, now)} ago"
        offers.append(Offer(task.context, source))
    found = {json.dumps(offer.context): offer for offer in reversed(offers) if offer.context}
    return list(reversed(found.values()))
