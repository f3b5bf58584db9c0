"""The inputs of a form: one line each, with its help, and under it what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from tasker_tui.forms import Draft, Field, Path
from tasker_tui.forms.values import json_text
from tasker_tui.text import plural, printable

LIST_HELP = "^n adds an item, ^g takes the one with the cursor away"


class FormInput(Input):
    """A line of text. What is pasted with line breaks stays in this field."""

    class Pasted(Message):
        """Lines were pasted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def _on_paste(self, event: events.Paste) -> None:
        text = re.sub(r"\r\n?", "\n", event.text).strip("\n")  # terminals send line breaks as returns
        if "\n" in text:
            event.prevent_default()
            event.stop()
            self.post_message(self.Pasted(text))


class AddButton(Static, can_focus=True):
    """Adds an item to a list."""

    DEFAULT_CSS = """
    AddButton { width: auto; color: $primary; }
    AddButton:focus { text-style: reverse; }
    """

    class Pressed(Message):
        """One more, please."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(self, path: Path) -> None:
        super().__init__(" + add ", markup=False)
        self.path = path

    def on_click(self) -> None:
        """A click adds."""
        self.post_message(self.Pressed(self.path))

    def on_key(self, event: events.Key) -> None:
        """So do enter and the space bar."""
        if event.key in ("enter", "space"):
            event.stop()
            self.post_message(self.Pressed(self.path))


class FieldRow(Vertical):
    """One field of a form, with its text, choice or number of items in the draft."""

    class Edited(Message):
        """The field's text is another one."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    class Lines(Message):
        """Text with line breaks was pasted into the field."""

        def __init__(self, path: Path, text: str) -> None:
            super().__init__()
            self.path, self.text = path, text

    def __init__(self, field: Field, draft: Draft) -> None:
        super().__init__(classes="field")
        self.field, self._draft = field, draft
        self._help = field.help
        if field.kind == "list":
            self._help = "; ".join(part for part in (field.help, LIST_HELP) if part)

    def compose(self) -> ComposeResult:
        """Title and input in a line, help or problem under it."""
        path, draft = self.field.path, self._draft
        with Horizontal(classes="field-line"):
            star = "*" if self.field.required else " "
            yield Label(f"{printable(self.field.title)} {star}", classes="field-title", markup=False)
            match self.field.kind:
                case "list":
                    items = plural(draft.lengths.get(path, 0), "item")
                    yield Label(items, classes="field-items", markup=False)
                    yield AddButton(path)
                case "choice" | "variant":
                    yield self._select()
                case _:
                    example = self.field.example
                    yield FormInput(draft.texts.get(path, ""), compact=True, placeholder=example)
        yield Label(printable(self._help), classes="field-help", markup=False)

    def _select(self) -> Select[str]:
        path, draft = self.field.path, self._draft
        options = [
            (Content(printable(choice.label)), json_text(choice.value)) for choice in self.field.choices
        ]
        variant = self.field.kind == "variant"
        text = str(draft.variants.get(path, 0)) if variant else draft.texts.get(path, "")
        known = text in [value for _, value in options]
        return Select(
            options,
            value=text if known else Select.NULL,
            allow_blank=not ((variant or self.field.required) and known),
            prompt="—",
            compact=True,
        )

    @property
    def text(self) -> str:
        """What the field says, JSON for a choice; empty for a list."""
        for select in self.query(Select):
            return "" if select.value is Select.NULL else str(select.value)
        for line in self.query(FormInput):
            return line.value
        return ""

    def tell(self, problem: str | None) -> None:
        """Show what is wrong, or the help when nothing is."""
        label = self.query_one(".field-help", Label)
        label.update(printable(problem or self._help))
        self.set_class(problem is not None, "-wrong")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Pass on that the text changed."""
        event.stop()
        self.post_message(self.Edited(self))

    def on_select_changed(self, event: Select.Changed) -> None:
        """Pass on that the choice changed."""
        event.stop()
        self.post_message(self.Edited(self))

    def on_form_input_pasted(self, event: FormInput.Pasted) -> None:
        """JSON goes on one line; a text keeps its line breaks."""
        event.stop()
        if self.field.kind == "text":
            self.post_message(self.Lines(self.field.path, event.text))
        else:
            self.query_one(FormInput).insert_text_at_cursor(" ".join(event.text.split()))


class SchemaForm(Vertical):
    """All fields of a schema, with a heading for each object inside it."""

    DEFAULT_CSS = """
    SchemaForm .field-items { width: 1fr; }
    """

    def __init__(self, fields: Sequence[Field], draft: Draft) -> None:
        super().__init__(id="form")
        self._children_wanted = list(_rows(fields, draft))

    def compose(self) -> ComposeResult:
        """The rows."""
        yield from self._children_wanted

    async def show(self, fields: Sequence[Field], draft: Draft) -> None:
        """Other fields, or other texts in them."""
        async with self.batch():
            await self.remove_children()
            await self.mount_all(_rows(fields, draft))

    @property
    def rows(self) -> dict[Path, FieldRow]:
        """The rows by the path of their field."""
        return {row.field.path: row for row in self.query(FieldRow)}

    def tell(self, problems: Mapping[Path, str]) -> None:
        """Show each problem at its field and take the others back."""
        for path, row in self.rows.items():
            row.tell(problems.get(path))

    def focus_at(self, path: Path) -> None:
        """Put the cursor into the field there, or the first one below."""
        for at, row in self.rows.items():
            if at[: len(path)] == path:
                row.query(f"{FormInput.__name__}, Select, {AddButton.__name__}").first(Widget).focus()
                return


def _rows(fields: Sequence[Field], draft: Draft) -> list[Widget]:
    rows: list[Widget] = []
    section = ""
    for field in fields:
        if field.section != section:
            section = field.section
            if section:
                rows.append(Label(printable(section), classes="section", markup=False))
        rows.append(FieldRow(field, draft))
    return rows
