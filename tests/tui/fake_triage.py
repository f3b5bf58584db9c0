"""Groups of failures that somebody cares for, as the server would keep them."""

from __future__ import annotations

from datetime import datetime

from engine.client.calls import Call
from engine.model.wire.failures import FailureGroup, FailureNote, FailureTriage, TriageRequest


def triage(groups: list[FailureGroup], call: Call[FailureTriage], now: datetime) -> FailureTriage:
    """Change what is known of the group."""
    asked = TriageRequest.model_validate_json(call.content or b"")
    index = next(i for i, group in enumerate(groups) if group.signature == asked.signature)
    old = groups[index].triage
    note = [FailureNote(note=asked.note, noted_by=asked.actor, noted_at=now)] if asked.note else []
    new = FailureTriage(
        state=asked.state or old.state,
        owner=asked.owner if "owner" in asked.model_fields_set else old.owner,
        changed_by=asked.actor,
        changed_at=now,
        notes=[*note, *old.notes],
    )
    groups[index] = groups[index].model_copy(update={"triage": new})
    return new
