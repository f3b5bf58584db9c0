"""A template's `input_schema`, enforced when a task is created (reference 1.4; 11.1 row 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

import jsonschema_rs

from engine.model.problems import Location, did_you_mean

MAX_PROBLEMS = 50
MAX_MESSAGE = 500
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


@dataclass(frozen=True)
class InputProblem:
    """One refused value: `path` is its JSON pointer, as `/items/0/price` (empty: the whole context)."""

    path: str
    message: str


class SchemaInvalid(ValueError):
    """A JSON Schema that cannot be used; `location` points into it."""

    def __init__(self, location: Location, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.location = location
        self.message = message
        self.hint = hint


class _Validator(Protocol):
    def iter_errors(self, instance: Any) -> Any: ...


class InputValidator:
    """A compiled schema; make one a template revision and keep it. Raises `SchemaInvalid`.

    The draft is that of `$schema`, 2020-12 without one; `format` is checked; references lead nowhere but
    into the schema itself, so that checking an input never goes to the network.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._validator = _compile(schema)

    def errors(self, context: Any) -> list[InputProblem]:
        """What the schema refuses, at most 50 problems; empty if the context is good."""
        found = self._validator.iter_errors(context)
        return [_problem(error) for error, _ in zip(found, range(MAX_PROBLEMS), strict=False)]


def _compile(schema: dict[str, Any]) -> _Validator:
    try:
        return jsonschema_rs.validator_for(schema, validate_formats=True, retriever=_refuse_to_fetch)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        message = str(getattr(error, "message", error))
        location = tuple(getattr(error, "instance_path", ()))
        raise SchemaInvalid(location, _shorten(message), _schema_hint(schema, location, message)) from None


def _refuse_to_fetch(uri: str) -> NoReturn:
    raise ValueError("a schema may refer to its own parts only")


def _schema_hint(schema: Any, location: Location, message: str) -> str | None:
    if location and location[-1] == "type":
        for part in location:
            schema = schema[part]
        return did_you_mean(str(schema), _TYPES) or f"the types are {', '.join(_TYPES)}"
    if "Resource" in message:
        return "put the definition under $defs and refer to it as '#/$defs/NAME'"
    return None


def _problem(error: jsonschema_rs.ValidationError) -> InputProblem:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in error.instance_path)
    return InputProblem("".join(f"/{part}" for part in parts), _shorten(error.message))


def _shorten(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
