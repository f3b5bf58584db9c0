"""The inputs of a form: one line each, with its help, and under it what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Select

from tasker_tui.forms import Field, Path
from tasker_tui.text import printable


class FieldRow(Vertical):
    """One field of a form."""

    class Edited(Message):
        """The field's text is another one."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, field: Field) -> None:
        super().__init__(classes="field")
        self.field = field

    def compose(self) -> ComposeResult:
        """Title and input in a line, help or problem under it."""
        with Horizontal(classes="field-line"):
            star = "*" if self.field.required else " "
            yield Label(f"{printable(self.field.title)} {star}", classes="field-title", markup=False)
            if self.field.kind == "choice":
                yield self._select()
            else:
                yield Input(self.field.default, compact=True, placeholder=_placeholder(self.field))
        yield Label(printable(self.field.help), classes="field-help", markup=False)

    def _select(self) -> Select[str]:
        options = [(printable(_choice_text(choice)), json.dumps(choice)) for choice in self.field.choices]
        known = self.field.default in [value for _, value in options]
        return Select(
            options,
            value=self.field.default if known else Select.NULL,
            allow_blank=not (self.field.required and known),
            prompt="—",
            compact=True,
        )

    @property
    def text(self) -> str:
        """What the field says, JSON for a choice."""
        if self.field.kind == "choice":
            value = self.query_one(Select).value
            return "" if value is Select.NULL else str(value)
        return self.query_one(Input).value

    def write(self, text: str) -> None:
        """Put another text in."""
        if self.field.kind == "choice":
            known = [json.dumps(choice) for choice in self.field.choices]
            self.query_one(Select).value = text if text in known else Select.NULL
        else:
            self.query_one(Input).value = text

    def tell(self, problem: str | None) -> None:
        """Show what is wrong, or the help when nothing is."""
        label = self.query_one(".field-help", Label)
        label.update(printable(problem or self.field.help))
        self.set_class(problem is not None, "-wrong")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on that the text changed."""
        event.stop()
        self.post_message(self.Edited(self.field.path))

    def on_select_changed(self, event: Select.Changed) -> None:
        """Pass on that the choice changed."""
        event.stop()
        self.post_message(self.Edited(self.field.path))


class SchemaForm(Vertical):
    """All fields of a schema, with a heading for each object inside it."""

    def __init__(self, fields: Sequence[Field]) -> None:
        super().__init__(id="form")
        self.fields = fields

    def compose(self) -> ComposeResult:
        """The rows."""
        section = ""
        for field in self.fields:
            if field.section != section:
                section = field.section
                yield Label(printable(section), classes="section", markup=False)
            yield FieldRow(field)

    @property
    def rows(self) -> dict[Path, FieldRow]:
        """The rows by the path of their field."""
        return {row.field.path: row for row in self.query(FieldRow)}

    def texts(self) -> dict[Path, str]:
        """What the fields say."""
        return {path: row.text for path, row in self.rows.items()}

    def write(self, texts: Mapping[Path, str]) -> None:
        """Put other texts in; fields that are not named become empty."""
        for path, row in self.rows.items():
            row.write(texts.get(path, ""))

    def tell(self, problems: Mapping[Path, str]) -> None:
        """Show each problem at its field and take the others back."""
        for path, row in self.rows.items():
            row.tell(problems.get(path))


def _choice_text(choice: object) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _placeholder(field: Field) -> str:
    return {"integer": "whole number", "number": "number", "json": "JSON"}.get(field.kind, "")
