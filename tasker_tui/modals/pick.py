"""Choose a template to start a task of."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from engine.model.wire.tasks import TemplateSummary
from tasker_tui.actions import bindings
from tasker_tui.modals.pick_list import PickList
from tasker_tui.text import fit, plural, printable
from tasker_tui.widgets.painting import palette_for

NAME_WIDTH = 34


class PickDialog(PickList[TemplateSummary]):
    """The template that is preferred comes first."""

    SCOPE = "pick"
    BINDINGS = bindings("pick")

    def __init__(self, templates: Sequence[TemplateSummary], preferred: str | None) -> None:
        ordered = sorted(templates, key=lambda t: (t.name != preferred, t.namespace, t.name))
        super().__init__("Start a task of", ordered)

    def on_mount(self) -> None:
        """Say where templates come from, if there is none."""
        if not self._choices:
            self.tell("No template is registered. A worker registers its templates when it starts.")

    def name_of(self, choice: TemplateSummary) -> str:
        """With its namespace."""
        return f"{choice.namespace}/{choice.name}"

    def line_of(self, choice: TemplateSummary) -> Text:
        """Its name first."""
        palette = palette_for(self)
        return Text.assemble(
            (fit(printable(choice.name), NAME_WIDTH), palette.strong),
            (f" {printable(choice.namespace)}  {printable(choice.version)}", palette.muted),
            (f"  {plural(choice.step_count, 'step')}", palette.muted),
            no_wrap=True,
        )
