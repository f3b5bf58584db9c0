"""Choose a template to start a task of; typing narrows the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from engine.model.wire.tasks import TemplateSummary
from tasker_tui.actions import bindings
from tasker_tui.text import fit, plural, printable
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

NAME_WIDTH = 34


class PickDialog(Dialog[TemplateSummary | None]):
    """Answers the chosen template, None if none."""

    SCOPE = "pick"
    BINDINGS = bindings("pick")

    def __init__(self, templates: Sequence[TemplateSummary], preferred: str | None) -> None:
        super().__init__("Start a task of")
        self._templates = sorted(templates, key=lambda t: (t.name != preferred, t.namespace, t.name))
        self._shown: list[TemplateSummary] = []

    def compose_body(self) -> ComposeResult:
        """A line to type in, the list below."""
        yield Input(placeholder="type to narrow", id="pick-text", compact=True)
        yield OptionList(id="pick-list", markup=False, compact=True)

    def on_mount(self) -> None:
        """Show all of them."""
        self.query_one(OptionList).can_focus = False
        self._show("")
        self.query_one(Input).focus()
        if not self._templates:
            self.tell("No template is registered. A worker registers its templates when it starts.")

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Choose or close."""
        return {"pick.choose": self._choose, "pick.close": partial(self.dismiss, None)}

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """Enter takes the highlighted template."""
        self._choose()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click takes it too."""
        self.dismiss(self._shown[event.option_index])

    def on_key(self, event: events.Key) -> None:
        """The arrows move the list while the text has the focus."""
        moves = {"down": OptionList.action_cursor_down, "up": OptionList.action_cursor_up}
        if event.key in moves:
            event.stop()
            moves[event.key](self.query_one(OptionList))

    def _show(self, text: str) -> None:
        words = text.lower().split()
        self._shown = [
            template
            for template in self._templates
            if all(word in f"{template.namespace}/{template.name}".lower() for word in words)
        ]
        options = self.query_one(OptionList)
        options.set_options(Option(self._line(template)) for template in self._shown)
        options.highlighted = 0 if self._shown else None

    def _line(self, template: TemplateSummary) -> Text:
        palette = palette_for(self)
        return Text.assemble(
            (fit(printable(template.name), NAME_WIDTH), palette.strong),
            (f" {printable(template.namespace)}  {printable(template.version)}", palette.muted),
            (f"  {plural(template.step_count, 'step')}", palette.muted),
            no_wrap=True,
        )

    def _choose(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._shown[highlighted])
