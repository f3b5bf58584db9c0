"""The state of one open form: its draft, its fields, and what is wrong with them now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasker_tui.forms.documents import document_of
from tasker_tui.forms.drafts import (
    draft_of,
    new_draft,
    with_item,
    with_raw,
    with_text,
    with_variant,
    without_item,
)
from tasker_tui.forms.fields import Field, fields_of
from tasker_tui.forms.problems import FormChecker, place_problems
from tasker_tui.forms.shapes import Path, Schema
from tasker_tui.forms.values import json_document


@dataclass(frozen=True, slots=True)
class Reading:
    """The document of a form. `problems` stand at fields, `others` are about the whole."""

    document: dict[str, Any]
    problems: Mapping[Path, str]
    others: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether it may be sent."""
        return not self.problems and not self.others


class FormState:
    """A form of a schema, filled in with a document or else with the schema's defaults."""

    def __init__(self, schema: Schema, document: Mapping[str, Any] | None = None) -> None:
        self.schema = schema
        self._checker = FormChecker(schema)
        self.draft = new_draft(schema) if document is None else draft_of(schema, document)
        self.fields = fields_of(schema, self.draft)
        self.touched: set[Path] = set()

    @property
    def others(self) -> list[str]:
        """The names of what the input has beside the fields."""
        return list(self.draft.rest)

    def fill(self, document: Mapping[str, Any]) -> None:
        """Put a whole document in."""
        self.draft = draft_of(self.schema, document)
        self._redraw()

    def write(self, path: Path, text: str) -> None:
        """Put a text into a field."""
        if text != self.draft.texts.get(path, ""):
            self.draft = with_text(self.draft, path, text)
            self.touched.add(path)

    def write_lines(self, path: Path, text: str) -> None:
        """Put a text with line breaks into a field: as JSON, which can show them."""
        self.draft = with_raw(self.draft, path, text)
        self._redraw()

    def choose(self, path: Path, number: int) -> bool:
        """Take another alternative. Answers whether it is another one."""
        if number == self.draft.variants.get(path, 0):
            return False
        self.draft = with_variant(self.schema, self.draft, self._at(path), number)
        self._redraw()
        return True

    def add_item(self, path: Path) -> Path:
        """One more item in the list there; answers its path."""
        self.draft = with_item(self.schema, self.draft, self._at(path))
        self._redraw()
        return (*path, self.draft.lengths[path] - 1)

    def remove_item(self, path: Path) -> Path:
        """Take the item there away; answers the path of what to look at next."""
        *_, number = path
        assert isinstance(number, int)
        self.draft = without_item(self.draft, path[:-1], number)
        self._redraw()
        left = self.draft.lengths.get(path[:-1], 0)
        return (*path[:-1], min(number, left - 1)) if left else path[:-1]

    def list_at(self, path: Path) -> Path | None:
        """The innermost list that the field at `path` is, or is in."""
        lists = {field.path for field in self.fields if field.kind == "list"}
        return next((path[:n] for n in range(len(path), -1, -1) if path[:n] in lists), None)

    def item_at(self, path: Path) -> Path | None:
        """The innermost item of a list that the field at `path` is in."""
        found = self.list_at(path[:-1]) if path else None
        return path[: len(found) + 1] if found is not None else None

    def read(self) -> Reading:
        """The document of the form, checked."""
        document, problems = document_of(self.schema, self.fields, self.draft)
        placed, others = place_problems(self.fields, self._checker.problems(document))
        return Reading(document, placed | problems, tuple(others))

    def read_json(self, text: str) -> Reading:
        """The document of a JSON text, checked. Raises NotAValue."""
        document = json_document(text)
        found = self._checker.problems(document)
        return Reading(document, {}, tuple(f"{p.path.lstrip('/') or 'input'}: {p.message}" for p in found))

    def json(self) -> str:
        """The document of the form as indented JSON."""
        return json.dumps(self.read().document, indent=2, ensure_ascii=False)

    def _at(self, path: Path) -> Field:
        return next(field for field in self.fields if field.path == path)

    def _redraw(self) -> None:
        self.fields = fields_of(self.schema, self.draft)
