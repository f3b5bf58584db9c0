"""The document that the contents of a form make."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tasker_tui.forms.drafts import Draft
from tasker_tui.forms.fields import Field
from tasker_tui.forms.shapes import Group, Path, Schema, Variants, shape_of
from tasker_tui.forms.values import NotAValue, read_text


def document_of(
    schema: Schema, fields: Sequence[Field], draft: Draft
) -> tuple[dict[str, Any], dict[Path, str]]:
    """The document that the draft makes, and what is wrong by path. Fields without a text are left out."""
    document: dict[str, Any] = json.loads(json.dumps(draft.rest))
    problems: dict[Path, str] = {}
    empty: list[Field] = []
    for field in fields:
        text = draft.texts.get(field.path, "")
        if field.kind == "variant":
            continue
        if field.kind == "list":
            _put_list(schema, document, field, draft.lengths.get(field.path))
        elif text.strip():
            try:
                _put(document, field.path, read_text(field.kind, text))
            except NotAValue as error:
                problems[field.path] = str(error)
        elif field.required:
            problems[field.path] = "is required"
        elif field.needed:
            empty.append(field)
    problems |= {field.path: "is required" for field in empty if _has_object_of(document, field.path)}
    return document, problems


def _put_list(schema: Schema, document: dict[str, Any], field: Field, length: int | None) -> None:
    if length is None and not field.required:
        return
    _, shape = shape_of(schema, field.schema, len(field.path) + 1)
    is_object = isinstance(shape, Group | Variants)
    _put(document, field.path, [{} if is_object else None for _ in range(length or 0)])


def _put(document: Any, path: Path, value: Any) -> None:
    for key in path[:-1]:
        document = document.setdefault(key, {}) if isinstance(document, dict) else document[key]
    document[path[-1]] = value


def _has_object_of(document: Any, path: Path) -> bool:
    for key in path[:-1]:
        if isinstance(document, dict):
            if key not in document:
                return False
            document = document[key]
        else:
            document = document[key]  # lists are as long as their draft says
    return True
