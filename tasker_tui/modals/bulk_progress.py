"""Follows a bulk operation; it goes on without being followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Static

from engine.client import bulk
from engine.model.wire.bulk import BulkOperation, BulkState
from tasker_tui.actions import BY_ID, bindings
from tasker_tui.services import Services
from tasker_tui.text import count, duration, printable
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for, progress

POLL_SECONDS = 0.25
BAR_WIDTH = 50
CLOSE = "bulk_progress.close"
HINTS: Mapping[BulkState, Mapping[str, str]] = {
    BulkState.PREVIEWED: {CLOSE: "close"},
    BulkState.RUNNING: {"bulk_progress.stop": "stop", CLOSE: "let it go on"},
    BulkState.STOPPED: {"bulk_progress.resume": "resume", CLOSE: "leave it stopped"},
    BulkState.COMPLETE: {CLOSE: "close"},
}
"""What the keys do in each state."""
Change = Literal["stop", "resume"]
CHANGES = {
    "stop": (bulk.stop, "stopped in the dashboard"),
    "resume": (bulk.resume, "resumed in the dashboard"),
}


class BulkProgress(Dialog[None]):
    """Shows how far an operation is, and can stop it or let it go on."""

    SCOPE = "bulk_progress"
    BINDINGS = bindings("bulk_progress")

    class Moved(Message):
        """The server has answered how far it is."""

        def __init__(self, operation: BulkOperation) -> None:
            super().__init__()
            self.operation = operation

    def __init__(self, services: Services, operation: BulkOperation) -> None:
        verb = operation.verb.replace("_", " ").capitalize()
        super().__init__(f"{verb}: {count(operation.items)} in all")
        self._services, self._operation = services, operation
        self._lost = False

    def compose_body(self) -> ComposeResult:
        """A bar and its figures."""
        yield Static(id="bulk-progress", markup=False)

    def on_mount(self) -> None:
        """Follow it until it ends."""
        self._services.sent.shown = self._operation.bulk_uuid
        self._show()
        self._follow()

    def on_unmount(self) -> None:
        """From here on it is followed in the background."""
        self._services.sent.shown = None

    def hints(self) -> Mapping[str, str]:
        """What can be done in its state."""
        shown = HINTS[self._operation.state]
        read_only = self._services.link.read_only
        return {name: title for name, title in shown.items() if not read_only or BY_ID[name].risk == "safe"}

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Stop it, let it go on, or leave it to itself."""
        return {
            "bulk_progress.stop": partial(self._change, "stop"),
            "bulk_progress.resume": partial(self._change, "resume"),
            "bulk_progress.close": partial(self.dismiss, None),
        }

    def on_bulk_progress_moved(self, event: Moved) -> None:
        """Show it."""
        before, now = self._operation.state, event.operation.state
        if self._lost or now is not before:
            self.tell("")
        self._operation, self._lost = event.operation, False
        if before is BulkState.STOPPED and now is BulkState.RUNNING:
            self._services.sent.begin(event.operation)
        else:
            self._services.sent.learn(event.operation)
        self._show()

    def _show(self) -> None:
        self.query_one("#bulk-progress", Static).update(_text(self._operation, palette_for(self)))
        self.show_hints()

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        services, uuid = self._services, self._operation.bulk_uuid
        while True:
            try:
                found = await services.client.send(bulk.get(uuid))
            except CALL_FAILURES as error:
                self._lost = True
                self.tell(f"{explain(error)}; it goes on by itself")
            else:
                self.post_message(self.Moved(found))
                if found.state is BulkState.COMPLETE:
                    return
            await services.clock.sleep(POLL_SECONDS)

    def _change(self, what: Change) -> None:
        action, state = f"bulk_progress.{what}", self._operation.state
        if action not in HINTS[state]:
            self.tell(f"it is {state}: there is nothing to {what}")
        elif self._services.link.read_only:
            self.tell(self._services.link.read_only)
        else:
            self._ask_to(what)

    @work(group="change", exclusive=True)
    async def _ask_to(self, what: Change) -> None:
        services, uuid = self._services, self._operation.bulk_uuid
        call, reason = CHANGES[what]
        change = services.client.send(call(uuid, reason=reason, actor=services.user))
        try:
            answer = await services.commands.run(f"tasker bulk {what} {uuid}", change)
        except CALL_FAILURES as error:
            self.tell(explain(error))
        else:
            self.post_message(self.Moved(answer.operation))


def _text(operation: BulkOperation, palette: Palette) -> Text:
    text = Text()
    for part, style in progress(
        operation.done + operation.skipped, 0, operation.failed, operation.items, BAR_WIDTH, palette
    ):
        text.append(part, style)
    text.append(f"  {operation.state}\n\n", palette.strong)
    text.append(f"done      {count(operation.done)}\n", palette.text)
    text.append(f"skipped   {count(operation.skipped)}  went on meanwhile\n", palette.muted)
    text.append(
        f"failed    {count(operation.failed)}\n",
        palette.tone("failed") if operation.failed else palette.muted,
    )
    eta = f", {duration(operation.eta_seconds)} to go" if operation.eta_seconds is not None else ""
    text.append(f"remaining {count(operation.remaining)}{eta}\n", palette.muted)
    if operation.state is BulkState.STOPPED:
        why = f"by {operation.stopped_by or 'somebody'}: {operation.stop_reason or 'no reason was given'}"
        text.append(f"stopped   {printable(why)}\n", palette.text)
    return text
