"""What is wrong with data that somebody wrote: pydantic's findings as sentences with a path and a hint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from engine.model.wire.fields import NO_NUL, OTHER_NAMES

PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")
Location = tuple[int | str, ...]


@dataclass(frozen=True)
class FieldProblem:
    """One wrong field: where it stands, what is wrong, and what to do (or None)."""

    location: Location
    message: str
    hint: str | None = None

    @property
    def path(self) -> str:
        """As people write it: `steps[2].handler.callable`."""
        return path_text(self.location)


def path_text(location: Iterable[int | str]) -> str:
    """`("steps", 2, "name")` as `steps[2].name`, odd keys as `["a b"]`; the whole is the empty text."""
    return "".join(map(_path_part, location)).removeprefix(".")


def _path_part(part: int | str) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if PLAIN_KEY.fullmatch(part) else f"[{json.dumps(part)}]"


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean 'a' or 'b'?` for the nearest of the known names, None when none is near."""
    near = get_close_matches(word, list(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(name) for name in near)}?" if near else None


def field_problems(error: ValidationError, model: Any) -> list[FieldProblem]:
    """All findings of a failed validation of `model`: a model class, or a union told apart by a tag."""
    return [_problem(finding, model) for finding in error.errors(include_url=False)]


def _problem(finding: ErrorDetails, model: Any) -> FieldProblem:
    location, owner = _resolve(model, finding["loc"])
    kind = finding["type"]
    if kind == "extra_forbidden":
        return _unknown_field(location, owner)
    if kind == "missing":
        return FieldProblem(location, "is required")
    if kind == "string_pattern_mismatch" and finding["ctx"]["pattern"] == NO_NUL:
        return FieldProblem(location, "must not contain a NUL character")
    message = finding["msg"].removeprefix("Value error, ")
    return FieldProblem(location, message[:1].lower() + message[1:], _hint(finding))


def _hint(finding: ErrorDetails) -> str | None:
    context = finding.get("ctx", {})
    match finding["type"]:
        case "string_type" if isinstance(finding["input"], bool | int | float):
            return "put it in quotes"
        case "bool_type":
            return "write true or false"
        case "literal_error":
            return did_you_mean(str(finding["input"]), re.findall(r"'([^']*)'", context["expected"]))
    return context.get("hint")


def _unknown_field(location: Location, owner: type[BaseModel] | None) -> FieldProblem:
    name = str(location[-1])
    known = list(_fields(owner)) if owner else []
    if OTHER_NAMES.get(name) in known:
        return FieldProblem(location, f"is another name of '{OTHER_NAMES[name]}'; give one of the two")
    hint = did_you_mean(name, known) or (f"known here: {', '.join(sorted(known))}" if known else None)
    return FieldProblem(location, f"unknown field '{name}'", hint)


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _resolve(model: Any, location: Location) -> tuple[Location, type[BaseModel] | None]:
    """The location without the tags of unions, and the model that its last part belongs to."""
    here, owner, visible = _bare(model), None, []
    for part in location:
        if get_origin(here) in (Union, UnionType):
            here = next((member for member in get_args(here) if part in _tags(member)), None)
            continue
        visible.append(part)
        owner = here if _is_model(here) else None
        here = _inside(here, part)
    return tuple(visible), owner


def _inside(annotation: Any, part: int | str) -> Any:
    """What a field of a model, an item of a list or a value of a map is annotated with; None if unknown."""
    if _is_model(annotation):
        field = _fields(annotation).get(str(part))
        return _bare(field.annotation) if field else None
    arguments = get_args(annotation)
    return _bare(arguments[-1]) if arguments else None


def _tags(member: Any) -> set[Any]:
    fields = member.model_fields.values() if _is_model(member) else ()
    literals = [field.annotation for field in fields if get_origin(field.annotation) is Literal]
    return {tag for literal in literals for tag in get_args(literal)}


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _bare(annotation: Any) -> Any:
    """Without `Annotated`, and without `None` where there is only one other choice."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        others = [item for item in get_args(annotation) if item is not type(None)]
        return _bare(others[0]) if len(others) == 1 else annotation
    return annotation
