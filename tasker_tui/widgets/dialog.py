"""The frame of the modal dialogs: a title, a body, and the keys in the lower border."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tasker_tui.actions import BY_ID, Scope, key_name, of_scope
from tasker_tui.keymap import keys_of
from tasker_tui.text import printable

if TYPE_CHECKING:
    from tasker_tui.app import TaskerApp

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """`SCOPE` names the dialog's actions in the table; the subclass declares their bindings."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012
    # With priority, so that what is typed in one go, as over a slow line, lands in the right fields.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]
    SCOPE: ClassVar[Scope]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """The frame around the body; it scrolls when the terminal is too small for it."""
        with VerticalScroll(id="dialog", can_focus=False) as frame:
            frame.border_title = Content(self._title)
            frame.border_subtitle = self._keys()
            yield from self.compose_body()
            problem = Static(id="dialog-problem", markup=False)
            problem.display = False  # nothing is wrong yet
            yield problem

    def compose_body(self) -> ComposeResult:
        """What is asked or told."""
        raise NotImplementedError

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """What the dialog's actions do."""
        raise NotImplementedError

    def hints(self) -> Mapping[str, str]:
        """What the keys in the lower border do now, by the ids of their actions."""
        return {action.id: action.title for action in of_scope(self.SCOPE) if action.hint}

    def here(self, command: str) -> str:
        """The command line with what leads it to the server that is shown, as the log has it."""
        return printable(cast("TaskerApp", self.app).services.commands.here(command))

    def show_hints(self) -> None:
        """Write the keys anew, as they do something else now."""
        self.query_one("#dialog").border_subtitle = self._keys()

    def action_do(self, action_id: str) -> None:
        """Do what the action says."""
        self.handlers()[action_id]()

    def tell(self, problem: str) -> None:
        """Show what is wrong at the bottom; an empty text takes it back."""
        label = self.query_one("#dialog-problem", Static)
        label.update(problem)
        label.display = bool(problem)

    def _keys(self) -> Content:
        return Content("   ").join(
            Content.assemble((key_name(keys_of(self.app, BY_ID[name])[0]), "bold $primary"), f" {title}")
            for name, title in self.hints().items()
        )
