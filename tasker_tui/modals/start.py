"""Start a task: a form from the template's JSON Schema, or the whole input as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from textual import work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input, Label, Static, TextArea

from engine.client import ApiError
from engine.client.duplicates import OnDuplicate, existing_task
from engine.model.inputs import InputProblem
from engine.model.wire.tasks import TaskResponse, TemplateDetail
from tasker_tui.actions import bindings
from tasker_tui.actions.command_lines import create
from tasker_tui.editor import edit
from tasker_tui.forms import FormState, NotAValue, Path, Reading, place_problems
from tasker_tui.modals.duplicate import Choice, DuplicateDialog
from tasker_tui.past_inputs import keep_input
from tasker_tui.programs import ProgramFailed
from tasker_tui.services import Services
from tasker_tui.start_offers import Offer, find_offers
from tasker_tui.text import printable, short_id
from tasker_tui.trouble import CALL_FAILURES, explain, refused_inputs
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.form import AddButton, FieldRow, SchemaForm


class StartDialog(Dialog[TaskResponse | None]):
    """Answers the task that was started, None if none was. Stays open while the server refuses it.

    Begins with the inputs of `like`, if it is a task; else with the template's defaults.
    """

    SCOPE = "start"
    BINDINGS = [  # noqa: RUF012
        *bindings("start"),
        Binding("enter", "next_field", show=False, priority=True),  # what is typed next is for the next field
    ]

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

        def __init__(self, task: TaskResponse, context: dict[str, Any]) -> None:
            super().__init__()
            self.task, self.context = task, context

    class Offered(Message):
        """The newest tasks of the template were loaded."""

        def __init__(self, offers: list[Offer]) -> None:
            super().__init__()
            self.offers = offers

    def __init__(
        self, services: Services, template: TemplateDetail, like: TaskResponse | None = None
    ) -> None:
        super().__init__(f"Start {printable(template.name)} {printable(template.version)}")
        self._services, self._template = services, template
        context = like.context if like and isinstance(like.context, dict) else None
        self._state = FormState(_input_schema(template), context)
        self._like = like
        self._told = False
        self._offers: list[Offer] = []
        self._offer = -1

    def compose_body(self) -> ComposeResult:
        """The form and, hidden behind it, the JSON."""
        if self._template.description:
            yield Label(printable(self._template.description), id="start-about", markup=False)
        yield Static(id="start-source", markup=False)
        yield SchemaForm(self._state.fields, self._state.draft)
        yield TextArea("{}", id="start-json", show_line_numbers=False, compact=True)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query_one(TextArea).display = False
        self._focus_at(())
        self._find_offers()
        self._tell_source()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Start, earlier inputs, items of lists, JSON and back, close."""
        return {
            "start.send": self._send,
            "start.json": self._change_side,
            "start.earlier": self._take_offer,
            "start.editor": self._edit,
            "start.add": self._add,
            "start.remove": self._remove,
            "start.close": partial(self.dismiss, None),
        }

    def action_next_field(self) -> None:
        """Enter goes from a line to the next field; elsewhere it means what it means there."""
        if not isinstance(self.focused, Input):
            raise SkipAction
        self.focus_next("FormInput, Select")

    @property
    def _form(self) -> SchemaForm:
        return self.query_one(SchemaForm)

    @property
    def _as_json(self) -> bool:
        return bool(self.query_one(TextArea).display)

    def on_field_row_edited(self, event: FieldRow.Edited) -> None:
        """Take the text over, and say at once whether it is right."""
        row = event.row
        if not row.is_attached:
            return
        if row.field.kind == "variant":
            if self._state.choose(row.field.path, int(row.text or 0)):
                self.call_next(self._redraw, row.field.path)
            return
        self._state.write(row.field.path, row.text)
        self._check()

    def on_field_row_lines(self, event: FieldRow.Lines) -> None:
        """A text with line breaks is shown as JSON."""
        self._state.write_lines(event.path, event.text)
        self.call_next(self._redraw, event.path)

    def on_add_button_pressed(self, event: AddButton.Pressed) -> None:
        """One more item."""
        self._take_texts()
        self.call_next(self._redraw, self._state.add_item(event.path))

    def on_text_area_changed(self) -> None:
        """Say at once whether the JSON is right."""
        if self._as_json:
            self._read_json()

    def on_start_dialog_offered(self, event: Offered) -> None:
        """Offer the inputs."""
        self._offers = event.offers
        self._tell_source()

    def on_start_dialog_refused(self, event: Refused) -> None:
        """Show what the server says, at the fields that it names; the inputs stay."""
        placed, _ = place_problems(self._state.fields, event.problems)
        self._form.tell(placed)
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
        """Keep the inputs for the next time, and hand the task to the screen below."""
        template = self._template
        try:
            keep_input(template.namespace, template.name, event.context, self._services.clock.now())
        except OSError as error:
            said = f"these inputs will not be offered again: {error.strerror}: {error.filename}"
            self.app.notify(said, severity="warning", markup=False)
        self.dismiss(event.task)

    def _send(self) -> None:
        if any(worker.group == "create" and not worker.is_finished for worker in self.workers):
            return
        self._told = True
        reading = self._read_json() if self._as_json else self._check()
        if reading is not None and reading.right:
            self.tell("starting…")
            self._create(reading.document)

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
            self.post_message(self.Started(task, context))

    @work(group="create", exclusive=True)
    async def _look_at(self, existing: str, context: dict[str, Any]) -> None:
        try:
            task = await self._services.client.get_task(existing)
        except CALL_FAILURES as error:
            self.post_message(self.Refused(explain(error), []))
        else:
            self.post_message(self.Duplicate(task, context))

    @work(group="offers", exclusive=True)
    async def _find_offers(self) -> None:
        services, template = self._services, self._template
        found = await find_offers(services.client, template.namespace, template.name, services.clock.now())
        self.post_message(self.Offered(found))

    def _take_texts(self) -> None:
        """What is in the fields now; the messages about the last keys may still be on their way."""
        for path, row in self._form.rows.items():
            if row.field.kind not in ("list", "variant"):
                self._state.write(path, row.text)

    def _check(self) -> Reading:
        """Read the form, and show what is wrong: of all fields once it was sent, else of those written in."""
        self._take_texts()
        reading, told = self._state.read(), self._told
        shown = {path: text for path, text in reading.problems.items() if told or path in self._state.touched}
        self._form.tell(shown)
        others = "; ".join(reading.others[:3]) if told else ""
        self.tell(_count(reading.problems) if told and reading.problems else others)
        return reading

    def _read_json(self) -> Reading | None:
        try:
            reading = self._state.read_json(self.query_one(TextArea).text)
        except NotAValue as error:
            self.tell(str(error))
            return None
        self.tell("; ".join(reading.others[:3]))
        return reading

    def _change_side(self) -> None:
        area = self.query_one(TextArea)
        if self._as_json:
            reading = self._read_json()
            if reading is None:
                return
            self._state.fill(reading.document)
            self.tell("")
            self.call_next(self._redraw, ())
        else:
            self._take_texts()
            area.text = self._state.json()
        area.display, self._form.display = self._form.display, area.display
        if area.display:
            area.focus()

    def _take_offer(self) -> None:
        if not self._offers:
            self.tell("no earlier inputs of this template are known")
            return
        self._offer = (self._offer + 1) % len(self._offers)
        self._fill(self._offers[self._offer].context)
        self._tell_source()

    def _fill(self, context: dict[str, Any]) -> None:
        self._state.fill(context)
        if self._as_json:
            self.query_one(TextArea).text = self._state.json()
        else:
            self.call_next(self._redraw, ())

    def _edit(self) -> None:
        self._take_texts()
        area = self.query_one(TextArea)
        try:
            text = edit(self.app, area.text if self._as_json else self._state.json(), ".json")
        except ProgramFailed as error:
            self.tell(str(error))
            return
        if not self._as_json:
            self._change_side()
        area.text = text

    def _add(self) -> None:
        found = self._state.list_at(self._path())
        if found is None:
            lists = [field.path for field in self._state.fields if field.kind == "list"]
            found = lists[0] if len(lists) == 1 else None
        if self._as_json or found is None:
            self.tell("put the cursor into a list to add an item")
            return
        self._take_texts()
        self.call_next(self._redraw, self._state.add_item(found))

    def _remove(self) -> None:
        found = self._state.item_at(self._path())
        if self._as_json or found is None:
            self.tell("put the cursor into an item of a list to take it away")
            return
        self._take_texts()
        self.call_next(self._redraw, self._state.remove_item(found))

    def _path(self) -> Path:
        around = self.focused.ancestors if self.focused else ()
        row = next((widget for widget in around if isinstance(widget, FieldRow)), None)
        return row.field.path if row else ()

    async def _redraw(self, path: Path) -> None:
        await self._form.show(self._state.fields, self._state.draft)
        self._check()
        self._tell_source()
        self._focus_at(path)

    def _focus_at(self, path: Path) -> None:
        if not self._as_json:
            self._form.focus_at(path)

    def _tell_source(self) -> None:
        label = self.query_one("#start-source", Static)
        lines = []
        if self._offer >= 0:
            lines.append(f"inputs of {self._offers[self._offer].source}")
        elif self._like is not None:
            lines.append(f"inputs of task {short_id(str(self._like.task_uuid))}, to be changed")
        if self._offers:
            lines.append(f"^r {'next' if self._offer >= 0 else 'earlier'} inputs ({len(self._offers)})")
        lines = ["   ".join(lines)] if lines else []
        if not self._state.fields:
            lines.append("this template names no inputs; ^o edits them as JSON")
        elif others := self._state.others:
            names = ", ".join(printable(name) for name in others[:4])
            lines.append(f"only in the JSON (^o): {names}{'…' if len(others) > 4 else ''}")
        label.update("\n".join(lines))
        label.display = bool(lines)


def _count(problems: Mapping[Path, str]) -> str:
    return "one field is not right yet" if len(problems) == 1 else f"{len(problems)} fields are not right yet"


def _input_schema(template: TemplateDetail) -> dict[str, Any]:
    configuration = template.configuration
    schema = configuration.get("input_schema") if isinstance(configuration, dict) else None
    return schema if isinstance(schema, dict) else {}
