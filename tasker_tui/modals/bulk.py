"""A verb on many steps or tasks: shows what was selected, and wants its number typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label, Static

from engine.model.wire.bulk import BulkDetail, BulkPreview
from tasker_tui.actions import bindings
from tasker_tui.text import clock_time, count, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for

SHOWN_LINES = 6


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """How it is to be done: `rate` in items a second, None as fast as it goes."""

    rate: float | None
    reason: str


class BulkDialog(Dialog[BulkAnswer | None]):
    """Answers how to do it, None to leave everything as it is. What is shown is what is selected."""

    SCOPE = "bulk"
    BINDINGS = bindings("bulk")

    def __init__(self, found: BulkDetail, command: str) -> None:
        super().__init__(f"{found.verb.title()} {plural(found.items, _item(found))}")
        self._found, self._command = found, command

    def compose_body(self) -> ComposeResult:
        """What was selected, how fast, why, and the number."""
        yield Static(id="bulk-facts", markup=False)
        with Horizontal(classes="labelled"):
            yield Label("rate      ")
            yield Input(id="bulk-rate", placeholder="a second; empty: as fast as it goes", compact=True)
        with Horizontal(classes="labelled"):
            yield Label("reason    ")
            yield Input(id="bulk-reason", placeholder="kept in the audit of every one", compact=True)
        with Horizontal(classes="labelled"):
            yield Label("confirm   ")
            yield Input(id="bulk-confirm", placeholder=f"type {self._found.items}", compact=True)

    def on_mount(self) -> None:
        """Tell what was selected."""
        facts = _facts(self._found, self.here(self._command), palette_for(self))
        self.query_one("#bulk-facts", Static).update(facts)
        self.query_one("#bulk-reason", Input).focus()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Send or leave."""
        return {"bulk.send": self._send, "bulk.close": partial(self.dismiss, None)}

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field; in the last one it sends."""
        if event.input.id == "bulk-confirm":
            self._send()
        else:
            self.focus_next()

    def _send(self) -> None:
        rate, problem = _read_rate(self.query_one("#bulk-rate", Input).value)
        typed = self.query_one("#bulk-confirm", Input).value.strip().replace(",", "")
        if problem:
            self.tell(problem)
        elif typed != str(self._found.items):
            self.tell(f"type {self._found.items} to confirm")
            self.query_one("#bulk-confirm", Input).focus()
        else:
            self.dismiss(BulkAnswer(rate, self.query_one("#bulk-reason", Input).value.strip()))


def _read_rate(text: str) -> tuple[float | None, str]:
    text = text.strip()
    if not text:
        return None, ""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    return (rate, "") if 0 < rate <= 100_000 else (None, "the rate is a number above 0, or empty")


def _item(found: BulkDetail) -> str:
    return "step" if found.verb.takes_steps else "task"


def _facts(found: BulkDetail, command: str, palette: Palette) -> Text:
    preview = found.preview
    text = Text()
    for line in _what(found):
        text.append(f"{line}\n", palette.text)
    _will_run(text, preview, palette)
    if preview.left_out:
        text.append(f"left out  {plural(preview.left_out, 'task')} that cannot be acted on\n", palette.muted)
    text.append(
        f"frozen    at {clock_time(found.created_at)}; who went on meanwhile is left alone\n", palette.muted
    )
    text.append(f"same as   {command}\n", palette.muted)
    return text


def _what(found: BulkDetail) -> list[str]:
    preview = found.preview
    where = [
        f"          {count(place.items):>7}  {printable(place.step or place.template)}  "
        f"{printable(place.namespace)}/{printable(place.template)} {printable(place.version)}"
        for place in preview.places[:SHOWN_LINES]
    ]
    if len(preview.places) > SHOWN_LINES:
        where.append(f"          and {len(preview.places) - SHOWN_LINES} more places")
    return [f"selected  {plural(found.items, _item(found))} of {plural(preview.tasks, 'task')}", *where]


def _will_run(text: Text, preview: BulkPreview, palette: Palette) -> None:
    steps = sum(line.steps for line in preview.will_run)
    if not steps:
        text.append("runs      nothing at once\n", palette.muted)
        return
    text.append(f"runs      {plural(steps, 'step')} at once\n", palette.text)
    unsafe = sum(line.steps for line in preview.will_run if line.idempotent is False)
    unknown = sum(line.unknown_outcome for line in preview.will_run)
    if unsafe:
        text.append(
            f"beware    {plural(unsafe, 'of them is', 'of them are')} not idempotent\n",
            palette.tone("failed"),
        )
    if unknown:
        lost = plural(unknown, "attempt was", "attempts were")
        text.append(
            f"beware    {lost} lost or timed out; what they did may be done again\n", palette.tone("failed")
        )
