"""Reading failures in groups, as a call for either client."""

from __future__ import annotations

from datetime import datetime

from engine.client.calls import Call, given
from engine.model.wire.failures import FailureList


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
