"""Reading failures in groups, as a call for either client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic_core import to_json

from engine.client.calls import Call, given
from engine.model.wire.failures import FailureList, FailureTriage, TriageRequest


def list_failures(
    *,
    namespace: str | None = None,
    template: str | None = None,
    since: datetime | None = None,
    limit: int = 100,
) -> Call[FailureList]:
    """Failed steps of tasks that have not ended, grouped by signature, the largest group first."""
    params = given(namespace=namespace, template=template, since=since, limit=limit)
    return Call("GET", "/v1/failures", FailureList.model_validate_json, params)


def triage_failures(signature: str, **fields: Any) -> Call[FailureTriage]:
    """Say whose a group of failures is, how far it is, or what was found: the fields of `TriageRequest`."""
    body = TriageRequest.model_validate({"signature": signature, **fields})
    content = to_json(body.model_dump(mode="json", exclude_unset=True))
    return Call("PATCH", "/v1/failures", FailureTriage.model_validate_json, content=content)
