"""Every error of the REST API in the envelope of the reference (5.1): `{"error": {"code", "message", …}}`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine.model.inputs import InputProblem
from engine.model.payload import PayloadRejected
from engine.model.problems import FieldProblem, field_problems, path_text
from engine.model.template_errors import TemplateProblem
from engine.model.wire.requests import ErrorBody, ErrorDetail, ErrorProblem
from engine.store.pool import PASSING, RECONNECTABLE

log = logging.getLogger("tasker.api")

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "TIMEOUT",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_ERROR",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


class ApiProblem(Exception):
    """An answer other than success. `code` is that of the status unless given."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        existing_task_uuid: UUID | None = None,
        retry_after_seconds: int | None = None,
        problems: list[ErrorProblem] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        if retry_after_seconds is not None:
            self.headers["Retry-After"] = str(retry_after_seconds)
        self.detail = ErrorDetail(
            code=code or CODES[status],
            message=message,
            hint=hint,
            existing_task_uuid=existing_task_uuid,
            retry_after_seconds=retry_after_seconds,
            problems=problems,
        )

    def response(self) -> Response:
        """The answer in the envelope."""
        body = ErrorBody(error=self.detail).model_dump_json()
        return Response(body, self.status, self.headers, media_type="application/json")


def not_found(what: str, hint: str | None = None) -> ApiProblem:
    """404."""
    return ApiProblem(404, f"{what} does not exist", hint=hint)


def bad_body(error: ValidationError, model: Any) -> ApiProblem:
    """400 for a body that is no JSON, 422 for JSON that is not the object asked for."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return bad_json(first["msg"])
    problems = field_problems(error, model)
    return ApiProblem(422, _first_and_more(problems), problems=_fields(problems))


def bad_json(message: str) -> ApiProblem:
    """400: the body is no JSON."""
    return ApiProblem(
        400, f"the body is not valid JSON: {message.removeprefix('Invalid JSON: ')}", code="JSON_ERROR"
    )


def bad_payload(where: str, error: PayloadRejected) -> ApiProblem:
    """422: JSON that cannot be kept; `where` is the field that holds it."""
    at_root = not error.location
    path = where if at_root else path_text((where, *error.location))
    problem = ErrorProblem(path=path, message=error.reason, hint=error.hint)
    return ApiProblem(422, f"{path}: {error.reason}", hint=error.hint, problems=[problem])


def bad_context(problems: Iterable[InputProblem]) -> ApiProblem:
    """422: the template's input schema refuses the context."""
    found = [ErrorProblem(path=_in_context(one.path), message=one.message) for one in problems]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return ApiProblem(
        422,
        f"the context does not fit the template's input_schema: {found[0].path}: {found[0].message}{more}",
        problems=found,
    )


def _in_context(pointer: str) -> str:
    """A JSON pointer into the context as `context.items[2].price`."""
    parts = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return path_text(("context", *(int(part) if part.isdecimal() else part for part in parts)))


def bad_template(problems: Iterable[TemplateProblem]) -> ApiProblem:
    """422: all that is wrong with a template, each with its place in the text."""
    found = [
        ErrorProblem(path=one.path, message=one.message, hint=one.hint, line=one.line, column=one.column)
        for one in problems
    ]
    place = f"line {found[0].line}: " if found[0].line else ""
    more = f" (and {len(found) - 1} more problems)" if len(found) > 1 else ""
    return ApiProblem(
        422, f"the template cannot be used: {place}{found[0].path}: {found[0].message}{more}", problems=found
    )


def unexpected(error: Exception) -> ApiProblem:
    """500, or 503 where the database can't answer for a while. What happened goes to the log alone."""
    if isinstance(error, PASSING):
        away = isinstance(error, RECONNECTABLE)
        said = "the database cannot be reached" if away else "the database can't answer now"
        log.warning("a request failed, %s: %s", said, error)
        return ApiProblem(503, said, hint="try again in a moment", retry_after_seconds=1)
    correlation_id = uuid4()
    log.error("a request failed unexpectedly", exc_info=error, extra={"correlation_id": str(correlation_id)})
    what = (
        "the database refused a statement" if isinstance(error, asyncpg.PostgresError) else "internal error"
    )
    return ApiProblem(
        500,
        f"{what}; correlation id {correlation_id}",
        code="DATABASE_ERROR" if isinstance(error, asyncpg.PostgresError) else None,
        hint="the server's log tells more under this id",
    )


def install_error_handlers(app: FastAPI) -> None:
    """Have everything that routes raise answered in the envelope."""
    app.add_exception_handler(ApiProblem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_parameters)


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem)
    return error.response()


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    messages = {
        404: f"there is nothing at {request.url.path}",
        405: f"{request.method} is not possible at {request.url.path}",
    }
    code = CODES.get(error.status_code, "BAD_REQUEST")
    message = messages.get(error.status_code, str(error.detail))
    return ApiProblem(error.status_code, message, code=code, headers=error.headers).response()


async def _answer_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return parameter_problem(error.errors()).response()


def parameter_problem(findings: Iterable[ErrorDetails]) -> ApiProblem:
    """400 for parameters of the path or the query."""
    found = list(findings)
    for one in found:
        if one["type"] == "uuid_parsing":
            where = path_text(one["loc"][1:])
            return ApiProblem(400, f"{where}: {one['input']!r} is not a uuid", code="INVALID_UUID")
    problems = [
        ErrorProblem(path=path_text(one["loc"][1:]), message=one["msg"][:1].lower() + one["msg"][1:])
        for one in found
    ]
    return ApiProblem(400, f"{problems[0].path}: {problems[0].message}", problems=problems)


def _fields(problems: Iterable[FieldProblem]) -> list[ErrorProblem]:
    return [ErrorProblem(path=one.path, message=one.message, hint=one.hint) for one in problems]


def _first_and_more(problems: list[FieldProblem]) -> str:
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{first.path}: {first.message}{more}" if first.path else f"{first.message}{more}"
