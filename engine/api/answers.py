"""Answers as JSON, written by the models themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from engine.model.wire.requests import ErrorBody

JSON = "application/json"


def answer(model: BaseModel, status: int = 200) -> Response:
    """One object."""
    return Response(model.__pydantic_serializer__.to_json(model), status, media_type=JSON)


def answer_list(models: Sequence[BaseModel]) -> Response:
    """A list of objects."""
    items = (model.__pydantic_serializer__.to_json(model) for model in models)
    return Response(b"[" + b",".join(items) + b"]", media_type=JSON)


def documented(*errors: int, **success: Any) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the OpenAPI document: `ok=Model` or `created=Model`, and errors."""
    statuses = {"ok": 200, "created": 201}
    found: dict[int | str, dict[str, Any]] = {
        statuses[name]: {"model": model, "description": "Done"} for name, model in success.items()
    }
    return found | {status: {"model": ErrorBody, "description": _MEANINGS[status]} for status in errors}


def json_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body itself: what the OpenAPI document says of it."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": required, "content": {JSON: {"schema": schema}}}}


_MEANINGS = {
    400: "A parameter is wrong, or the body is no JSON, or the state forbids it",
    404: "It does not exist",
    409: "It exists already",
    413: "The body is too large",
    415: "The body is of another type",
    422: "The body is not what is asked for",
    503: "The server cannot take work now",
}
