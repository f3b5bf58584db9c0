"""Start a task: a form from the template's JSON Schema, or the whole input as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Label, TextArea

from engine.client import ApiError
from engine.client.duplicates import OnDuplicate, existing_task
from engine.model.inputs import InputProblem
from engine.model.wire import TaskResponse, TemplateDetail
from tasker_tui.actions import bindings
from tasker_tui.actions.command_lines import create
from tasker_tui.forms import FormChecker, Path, document_of, fields_of, place_problems, texts_of
from tasker_tui.modals.duplicate import Choice, DuplicateDialog
from tasker_tui.services import Services
from tasker_tui.text import printable
from tasker_tui.trouble import CALL_FAILURES, explain, refused_inputs
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.form import FieldRow, SchemaForm


class StartDialog(Dialog[TaskResponse | None]):
    """Answers the task that was started, None if none was. Stays open while the server refuses it."""

    SCOPE = "start"
    BINDINGS = bindings("start")

    class Refused(Message):
        """The server did not start the task."""

        def __init__(self, reason: str, problems: list[InputProblem]) -> None:
            super().__init__()
            self.reason, self.problems = reason, problems

    class Duplicate(Message):
        """The server has an equal task."""

        def __init__(self, existing: TaskResponse, context: dict[str, Any]) -> None:
            super().__init__()
            self.existing, self.context = existing, context

    class Started(Message):
        """The server has started the task."""

        def __init__(self, task: TaskResponse) -> None:
            super().__init__()
            self.task = task

    def __init__(self, services: Services, template: TemplateDetail) -> None:
        super().__init__(f"Start {printable(template.name)} {printable(template.version)}")
        self._services, self._template = services, template
        schema = _input_schema(template)
        self._fields = fields_of(schema)
        self._checker = FormChecker(schema)
        self._told = False

    def compose_body(self) -> ComposeResult:
        """The form and, hidden behind it, the JSON."""
        if self._template.description:
            yield Label(printable(self._template.description), id="start-about", markup=False)
        if not self._fields:
            yield Label(
                "This template names no inputs; ^o edits them as JSON.", id="start-none", markup=False
            )
        yield SchemaForm(self._fields)
        yield TextArea("{}", id="start-json", show_line_numbers=False, compact=True)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query_one(TextArea).display = False
        self._focus_first()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Start, change to JSON and back, close."""
        return {
            "start.send": self._send,
            "start.json": self._change_side,
            "start.close": partial(self.dismiss, None),
        }

    def _focus_first(self) -> None:
        for widget in self.query("#form Input, #form Select"):
            widget.focus()
            return

    @property
    def _as_json(self) -> bool:
        return bool(self.query_one(TextArea).display)

    def on_field_row_edited(self, event: FieldRow.Edited) -> None:
        """Say at once whether a field is right, once the form has been found wrong."""
        if self._told:
            self._read_form()

    def on_input_submitted(self) -> None:
        """Enter goes to the next field."""
        self.focus_next()

    def on_start_dialog_refused(self, event: Refused) -> None:
        """Show what the server says, at the fields that it names; the inputs stay."""
        placed, _ = place_problems(self._fields, event.problems)
        self.query_one(SchemaForm).tell(placed)
        self.tell(event.reason)

    def on_start_dialog_duplicate(self, event: Duplicate) -> None:
        """Let the operator choose between that task and another one; the inputs stay."""
        self.tell("an equal task exists")

        def choose(choice: Choice | None) -> None:
            if choice == "open":
                self.dismiss(event.existing)
            elif choice == "start":
                self._create(event.context, "start")

        self.app.push_screen(DuplicateDialog(event.existing), choose)

    def on_start_dialog_started(self, event: Started) -> None:
        """Hand the task to the screen below."""
        self.dismiss(event.task)

    def _send(self) -> None:
        if any(worker.group == "create" and not worker.is_finished for worker in self.workers):
            return
        self._told = True
        document = self._read_json() if self._as_json else self._read_form()
        if document is not None:
            self.tell("starting…")
            self._create(document)

    @work(group="create", exclusive=True)
    async def _create(self, context: dict[str, Any], on_duplicate: OnDuplicate = "raise") -> None:
        template, services = self._template, self._services
        call = services.client.create_task(
            template.name,
            namespace=template.namespace,
            version=template.version,
            context=context,
            initiator=services.user,
            on_duplicate=on_duplicate,
        )
        try:
            task = await services.commands.run(create(template, context, on_duplicate), call)
        except CALL_FAILURES as error:
            existing = existing_task(error) if isinstance(error, ApiError) else None
            if existing is None:
                self.post_message(self.Refused(explain(error), refused_inputs(error)))
            else:
                self._look_at(existing, context)
        else:
            self.post_message(self.Started(task))

    @work(group="create", exclusive=True)
    async def _look_at(self, existing: str, context: dict[str, Any]) -> None:
        try:
            task = await self._services.client.get_task(existing)
        except CALL_FAILURES as error:
            self.post_message(self.Refused(explain(error), []))
        else:
            self.post_message(self.Duplicate(task, context))

    def _read_form(self) -> dict[str, Any] | None:
        """The document if it is right; else what is wrong is shown at its fields."""
        form = self.query_one(SchemaForm)
        document, problems = document_of(self._fields, form.texts())
        placed, others = place_problems(self._fields, self._checker.problems(document))
        problems = placed | problems
        form.tell(problems)
        if problems or others:
            self.tell(_count(problems) if problems else "; ".join(others[:3]))
            return None
        self.tell("")
        return document

    def _read_json(self) -> dict[str, Any] | None:
        try:
            document = json.loads(self.query_one(TextArea).text)
        except json.JSONDecodeError as error:
            self.tell(f"not JSON: {error.msg} in line {error.lineno}, column {error.colno}")
            return None
        if not isinstance(document, dict):
            self.tell("the input must be a JSON object, {…}")
            return None
        problems = self._checker.problems(document)
        self.tell("; ".join(f"{p.path.lstrip('/') or 'input'}: {p.message}" for p in problems[:3]))
        return None if problems else document

    def _change_side(self) -> None:
        form, area = self.query_one(SchemaForm), self.query_one(TextArea)
        if self._as_json:
            document = self._read_json_loosely()
            if document is None:
                return
            form.write(texts_of(self._fields, document))
        else:
            document, _ = document_of(self._fields, form.texts())
            area.text = json.dumps(document, indent=2, ensure_ascii=False)
        area.display, form.display = form.display, area.display
        area.focus() if area.display else self._focus_first()

    def _read_json_loosely(self) -> dict[str, Any] | None:
        """What is in the JSON side, whatever the schema says of it."""
        try:
            document = json.loads(self.query_one(TextArea).text or "{}")
        except json.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            self.tell("this is no JSON object yet; the form cannot show it")
            return None
        self.tell("")
        return document


def _count(problems: Mapping[Path, str]) -> str:
    return "one field is not right yet" if len(problems) == 1 else f"{len(problems)} fields are not right yet"


def _input_schema(template: TemplateDetail) -> dict[str, Any]:
    configuration = template.configuration
    schema = configuration.get("input_schema") if isinstance(configuration, dict) else None
    return schema if isinstance(schema, dict) else {}
