"""A form from a template's JSON Schema: which fields it has, and the document that their texts make.

What a form cannot show as one field (arrays, alternatives, very deep objects) is a field of JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.model.inputs import InputProblem, InputValidator, SchemaInvalid

Kind = Literal["text", "integer", "number", "choice", "json"]
Path = tuple[str, ...]
DEEPEST = 4
"""Objects nested deeper than this are written as JSON."""


class NotAValue(ValueError):
    """A text that is no value of its field's kind; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input. `path` leads to its place in the document; `choices` are JSON values."""

    path: Path
    title: str
    kind: Kind
    required: bool
    help: str
    default: str
    choices: tuple[Any, ...] = ()

    @property
    def section(self) -> str:
        """The object that it is part of, as a heading; empty at the top."""
        return " › ".join(self.path[:-1])


def fields_of(schema: Mapping[str, Any]) -> list[Field]:
    """The fields of an object schema, in its order, nested objects flattened."""
    return list(_object_fields(schema, schema, (), True))


def read_text(field: Field, text: str) -> Any:
    """The value that a text means. Raises NotAValue."""
    if field.kind == "text":
        return text
    if field.kind == "integer":
        return _number(text, int, "a whole number, such as 3")
    if field.kind == "number":
        return _number(text, float, "a number, such as 12.9")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise NotAValue(f"not JSON: {error.msg} at column {error.colno}") from None


def document_of(fields: list[Field], texts: Mapping[Path, str]) -> tuple[dict[str, Any], dict[Path, str]]:
    """The document that the texts make, and what is wrong by path. Empty texts are left out."""
    document: dict[str, Any] = {}
    problems: dict[Path, str] = {}
    for field in fields:
        text = texts.get(field.path, "")
        if not text.strip():
            if field.required:
                problems[field.path] = "is required"
            continue
        try:
            _put(document, field.path, read_text(field, text))
        except NotAValue as error:
            problems[field.path] = str(error)
    return document, problems


def texts_of(fields: list[Field], document: Mapping[str, Any]) -> dict[Path, str]:
    """The texts that make the document, for the fields that it has a value for."""
    texts = {}
    for field in fields:
        value: Any = document
        for key in field.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            texts[field.path] = _text_of(field.kind, value)
    return texts


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


def place_problems(fields: list[Field], problems: list[InputProblem]) -> tuple[dict[Path, str], list[str]]:
    """Problems at the fields that they are about, and the rest as sentences."""
    placed: dict[Path, str] = {}
    others = []
    for problem in problems:
        at = tuple(part.replace("~1", "/").replace("~0", "~") for part in problem.path.split("/")[1:])
        field = next((f for f in fields if at[: len(f.path)] == f.path), None)
        if field is None:
            others.append(f"{'.'.join(at)}: {problem.message}" if at else problem.message)
        elif field.path not in placed:
            inner = ".".join(at[len(field.path) :])
            placed[field.path] = f"{inner}: {problem.message}" if inner else problem.message
    return placed, others


def _object_fields(
    root: Mapping[str, Any], schema: Mapping[str, Any], path: Path, required_here: bool
) -> Iterator[Field]:
    required = set(schema.get("required") or ()) if required_here else set()
    for name, part in (schema.get("properties") or {}).items():
        part = _resolved(root, part)
        if "properties" in part and len(path) < DEEPEST:
            yield from _object_fields(root, part, (*path, name), name in required)
        else:
            yield _field(part, (*path, name), name in required)


def _resolved(root: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    """A schema with its reference into the document followed; what leads nowhere is any JSON."""
    for _ in range(DEEPEST):
        if not isinstance(part, Mapping):
            return {}
        reference = part.get("$ref")
        if not isinstance(reference, str):
            return part
        target: Any = root
        for key in reference.removeprefix("#/").split("/"):
            target = target.get(key) if isinstance(target, Mapping) else None
        part = target
    return {}


def _field(schema: Mapping[str, Any], path: Path, required: bool) -> Field:
    kind, choices = _kind(schema)
    default = schema.get("default", choices[0] if required and choices else None)
    return Field(
        path=path,
        title=str(schema.get("title") or path[-1]),
        kind=kind,
        required=required,
        help=_help(schema, kind),
        default="" if default is None else _text_of(kind, default),
        choices=choices,
    )


def _kind(schema: Mapping[str, Any]) -> tuple[Kind, tuple[Any, ...]]:
    if "const" in schema:
        return "choice", (schema["const"],)
    if schema.get("enum"):
        return "choice", tuple(schema["enum"])
    types = schema.get("type")
    names = [name for name in ([types] if isinstance(types, str) else types or []) if name != "null"]
    if names == ["boolean"]:
        return "choice", (True, False)
    kinds: dict[str, Kind] = {"string": "text", "integer": "integer", "number": "number"}
    return (kinds.get(names[0], "json") if len(names) == 1 else "json"), ()


def _help(schema: Mapping[str, Any], kind: Kind) -> str:
    limits = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"),
                          ("exclusiveMaximum", "below"), ("format", "as"))
        if key in schema
    ]  # fmt: skip
    words = [str(schema.get("description") or ""), "JSON" if kind == "json" else "", ", ".join(limits)]
    return "; ".join(word.rstrip(".") for word in words if word)


def _text_of(kind: Kind, value: Any) -> str:
    if kind == "text" and isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _number(text: str, kind: type[int] | type[float], example: str) -> int | float:
    try:
        return kind(text.strip())
    except ValueError:
        raise NotAValue(f"must be {example}") from None


def _put(document: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        document = document.setdefault(key, {})
    document[path[-1]] = value
