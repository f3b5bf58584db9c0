"""Reading what clients send, bounded, and exact for big whole numbers."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError

from engine.api.errors import ApiProblem, bad_body

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")

TASK_LIMIT = 4 * 1024 * 1024
"""Bytes of a body; the context in it may be 1 MiB (`engine.model.payload`)."""

BULK_LIMIT = 64 * 1024 * 1024
TEMPLATE_LIMIT = 8 * 1024 * 1024


async def read_body(request: Request, limit: int) -> bytes:
    """The body; raises 413 as soon as it is known to be larger than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _too_large(limit)
    return b"".join(parts)


def _too_large(limit: int) -> ApiProblem:
    return ApiProblem(413, f"the body is larger than {limit:,} bytes", hint="pass a reference to the data")


async def read_json(request: Request, limit: int = TASK_LIMIT) -> bytes:
    """The body of a request that says that it is JSON, or says nothing; raises 413 and 415."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise ApiProblem(
            415, f"the body is {kind}, not JSON", hint="send the header Content-Type: application/json"
        )
    return await read_body(request, limit)


def parse(model: type[Model], raw: bytes) -> Model:
    """Read an object; raises 400 for what is no JSON and 422 for other JSON."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise bad_body(error, model) from None


def parse_union(adapter: TypeAdapter[T], union: object, raw: bytes) -> T:
    """As `parse`, of models that are told apart by a field; `union` is what `adapter` is made of."""
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        raise bad_body(error, union) from None
