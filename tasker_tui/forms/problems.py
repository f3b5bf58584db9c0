"""What the schema refuses, and the fields that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.model.inputs import InputProblem, InputValidator, SchemaInvalid
from tasker_tui.forms.fields import Field
from tasker_tui.forms.shapes import Path


class FormChecker:
    """Checks documents against the schema. One that cannot be used checks nothing: the server decides."""

    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        self._validator: InputValidator | None = None
        if schema:
            try:
                self._validator = InputValidator(dict(schema))
            except SchemaInvalid:
                self._validator = None

    def problems(self, document: Any) -> list[InputProblem]:
        """What the schema refuses."""
        return self._validator.errors(document) if self._validator else []


def place_problems(
    fields: Sequence[Field], problems: Sequence[InputProblem]
) -> tuple[dict[Path, str], list[str]]:
    """Problems at the fields that they are about, and the rest as sentences."""
    placed: dict[Path, str] = {}
    others = []
    for problem in problems:
        at = tuple(part.replace("~1", "/").replace("~0", "~") for part in problem.path.split("/")[1:])
        field = _nearest(fields, at)
        if field is None:
            others.append(f"{'.'.join(at)}: {problem.message}" if at else problem.message)
        elif field.path not in placed:
            inner = ".".join(at[len(field.path) :])
            placed[field.path] = f"{inner}: {problem.message}" if inner else problem.message
    return placed, others


def _nearest(fields: Sequence[Field], at: tuple[str, ...]) -> Field | None:
    """The field with the longest path that leads there."""
    found = [field for field in fields if field.path and at[: len(field.path)] == tuple(map(str, field.path))]
    return max(found, key=lambda field: len(field.path), default=None)
