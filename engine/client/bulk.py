"""Operators' verbs on many tasks, as calls for either client: preview, then run what was selected."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from engine.client.calls import Call, Id, given
from engine.model.payload import dump_json
from engine.model.wire.bulk import (
    BulkAnswer,
    BulkChangeRequest,
    BulkDetail,
    BulkFilter,
    BulkItemPage,
    BulkList,
    BulkOutcome,
    BulkRunRequest,
    BulkState,
    BulkVerb,
)


def preview(verb: BulkVerb | str, wanted: BulkFilter, *, result: Any = None) -> Call[BulkDetail]:
    """Select what a filter wants, and say what the verb would do; `run` takes the answer's `bulk_uuid`."""
    body = {"verb": str(verb), "filter": wanted.model_dump(mode="json", exclude_defaults=True)}
    if result is not None:
        body["result"] = result
    content = dump_json(body, limit_bytes=4 * 1024 * 1024).encode()
    read = BulkDetail.model_validate_json
    return Call("POST", "/v1/bulk/preview", read, content=content, only_asks=True)


def run(
    bulk_uuid: Id, *, reason: str, actor: str, rate: float | None = None, dry_run: bool = False
) -> Call[BulkAnswer]:
    """Have the engines do it, at most `rate` items a second."""
    body = BulkRunRequest(rate=rate, reason=reason, actor=actor, dry_run=dry_run)
    return _post(bulk_uuid, "run", body)


def stop(bulk_uuid: Id, *, reason: str, actor: str, dry_run: bool = False) -> Call[BulkAnswer]:
    """Stop after the items that are being done."""
    return _post(bulk_uuid, "stop", BulkChangeRequest(reason=reason, actor=actor, dry_run=dry_run))


def resume(bulk_uuid: Id, *, reason: str, actor: str, dry_run: bool = False) -> Call[BulkAnswer]:
    """Let a stopped operation go on."""
    return _post(bulk_uuid, "resume", BulkChangeRequest(reason=reason, actor=actor, dry_run=dry_run))


def get(bulk_uuid: Id) -> Call[BulkDetail]:
    """One operation, with its preview and how far it is."""
    return Call("GET", f"/v1/bulk/{bulk_uuid}", BulkDetail.model_validate_json)


def list_operations(*, state: BulkState | str | None = None, limit: int = 100) -> Call[BulkList]:
    """Operations that were run, the newest first; with a state those in it."""
    return Call("GET", "/v1/bulk", BulkList.model_validate_json, given(state=state, limit=limit))


def list_items(
    bulk_uuid: Id, *, after: int = 0, outcome: BulkOutcome | str | None = None, limit: int = 1_000
) -> Call[BulkItemPage]:
    """Items whose number is higher than `after`, with what became of each."""
    params = given(after=after, outcome=outcome, limit=limit)
    return Call("GET", f"/v1/bulk/{bulk_uuid}/items", BulkItemPage.model_validate_json, params)


def _post(bulk_uuid: Id, what: str, body: BulkRunRequest | BulkChangeRequest) -> Call[BulkAnswer]:
    return Call("POST", f"/v1/bulk/{bulk_uuid}/{what}", BulkAnswer.model_validate_json, content=to_json(body))
