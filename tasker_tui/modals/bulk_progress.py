"""Follows a bulk operation; it goes on without being followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from engine.client import bulk
from engine.model.wire.bulk import BulkOperation, BulkState
from tasker_tui.actions import bindings
from tasker_tui.keymap import with_keys
from tasker_tui.services import Services
from tasker_tui.text import count, duration
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.dialog import Dialog
from tasker_tui.widgets.painting import palette_for, progress

POLL_SECONDS = 0.25
BAR_WIDTH = 50


class BulkProgress(Dialog[None]):
    """Shows how far an operation is, and can stop it."""

    SCOPE = "bulk_progress"
    BINDINGS = bindings("bulk_progress")

    class Moved(Message):
        """The server has answered how far it is."""

        def __init__(self, operation: BulkOperation) -> None:
            super().__init__()
            self.operation = operation

    def __init__(self, services: Services, operation: BulkOperation) -> None:
        super().__init__(f"{operation.verb.title()}: {count(operation.items)} in all")
        self._services, self._operation = services, operation

    def compose_body(self) -> ComposeResult:
        """A bar and its figures."""
        yield Static(id="bulk-progress", markup=False)

    def on_mount(self) -> None:
        """Follow it until it ends."""
        self._show()
        self._follow()

    def handlers(self) -> Mapping[str, Callable[[], object]]:
        """Stop it, or leave it to itself."""
        return {"bulk_progress.stop": self._stop, "bulk_progress.close": partial(self.dismiss, None)}

    def on_bulk_progress_moved(self, event: Moved) -> None:
        """Show it."""
        self.tell("")
        self._operation = event.operation
        if event.operation.state is BulkState.COMPLETE:
            self.query_one("#dialog").border_subtitle = Content.from_text(
                with_keys(self.app, "{bulk_progress.close} close"), markup=False
            )
        self._show()

    def _show(self) -> None:
        self.query_one("#bulk-progress", Static).update(_text(self._operation, palette_for(self)))

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        services, uuid = self._services, self._operation.bulk_uuid
        while True:
            try:
                found = await services.client.send(bulk.get(uuid))
            except CALL_FAILURES as error:
                self.tell(f"{explain(error)}; it goes on by itself")
            else:
                self.post_message(self.Moved(found))
                if found.state is BulkState.COMPLETE:
                    return
            await services.clock.sleep(POLL_SECONDS)

    def _stop(self) -> None:
        if self._operation.state is BulkState.COMPLETE:
            self.tell("it is complete: there is nothing to stop")
        else:
            self._ask_to_stop()

    @work(group="stop", exclusive=True)
    async def _ask_to_stop(self) -> None:
        services, command = self._services, f"tasker bulk stop {self._operation.bulk_uuid}"
        stop = bulk.stop(self._operation.bulk_uuid, reason="stopped in the dashboard", actor=services.user)
        try:
            answer = await services.commands.run(command, services.client.send(stop))
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
        text.append(f"\nGo on with: tasker bulk resume {operation.bulk_uuid}\n", palette.muted)
    return text
