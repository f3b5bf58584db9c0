"""Verbs on all that a filter selects, the same from every screen: preview, confirm, run, follow."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable

from textual.screen import Screen

from engine.client import bulk
from engine.model.wire.bulk import BulkDetail, BulkFilter, BulkOperation, BulkVerb
from tasker_tui.actions.command_lines import with_options
from tasker_tui.modals.bulk import BulkAnswer, BulkDialog
from tasker_tui.modals.bulk_progress import BulkProgress
from tasker_tui.services import Services
from tasker_tui.text import printable
from tasker_tui.trouble import CALL_FAILURES, explain

NAMED_IN_COMMAND = 10
"""Tasks or signatures that a command line names one by one; more are meant by the id of the preview."""


class BulkOperations:
    """Runs on one screen. `changed` is called when an operation has ended, or is left to itself."""

    def __init__(self, screen: Screen[None], services: Services, changed: Callable[[], object]) -> None:
        self._screen, self._services, self._changed = screen, services, changed

    def ask(self, verb: BulkVerb, wanted: BulkFilter) -> None:
        """Freeze what the filter selects, and ask whether to do it."""
        self._screen.run_worker(self._guarded(self._preview(verb, wanted)), group="look", exclusive=True)

    async def _preview(self, verb: BulkVerb, wanted: BulkFilter) -> None:
        found = await self._services.client.send(bulk.preview(verb, wanted))
        if found.items == 0:
            self._say(f"there is nothing to {verb} any more")
            self._screen.call_next(self._changed)
            return
        many = max(len(wanted.task_uuids), len(wanted.signatures)) > NAMED_IN_COMMAND
        command = f"tasker bulk run {found.bulk_uuid}" if many else command_line(verb, wanted)
        self._screen.call_next(self._confirm, found, command)

    def _confirm(self, found: BulkDetail, command: str) -> None:
        if self._screen.app.screen is not self._screen:
            return  # the operator has gone elsewhere before the answer came

        def answered(answer: BulkAnswer | None) -> None:
            if answer is not None:
                self._work(self._run(found, answer, command))

        self._screen.app.push_screen(BulkDialog(found, command), answered)

    async def _run(self, found: BulkDetail, answer: BulkAnswer, command: str) -> None:
        reason = answer.reason or "bulk operation from the dashboard"
        call = bulk.run(found.bulk_uuid, reason=reason, actor=self._services.user, rate=answer.rate)
        rate = f"{answer.rate:g}" if answer.rate else None
        command = with_options(command, rate=rate, reason=answer.reason)
        started = await self._services.commands.run(command, self._services.client.send(call))
        self._services.sent.begin(started.operation)
        self._screen.app.notify(printable(self._services.commands.here(command)), markup=False)
        if self._screen.is_attached:
            self._screen.call_next(self._follow, started.operation)

    def _follow(self, operation: BulkOperation) -> None:
        if self._screen.app.screen is self._screen:  # else its keys would be taken from what is in front
            follow: BulkProgress = BulkProgress(self._services, operation)
            self._screen.app.push_screen(follow, lambda _: self._ended())

    def _ended(self) -> None:
        self._changed()

    def _work(self, call: Awaitable[None]) -> None:
        """Of the app, not of the screen: what was confirmed goes on when the operator goes elsewhere."""
        self._screen.app.run_worker(self._guarded(call), group="operations")

    async def _guarded(self, call: Awaitable[None]) -> None:
        try:
            await call
        except CALL_FAILURES as error:
            self._say(explain(error))

    def _say(self, text: str) -> None:
        self._screen.app.notify(text, severity="warning", markup=False)


def command_line(verb: BulkVerb, wanted: BulkFilter) -> str:
    """The command that does the same."""
    words = ["tasker", "bulk", _COMMANDS.get(verb, verb.replace("_", "-"))]
    for name, value in wanted.model_dump(mode="json", exclude_none=True, exclude_defaults=True).items():
        option = f"--{_OPTIONS.get(name, name.replace('_', '-'))}"
        for one in value if isinstance(value, list) else [value]:
            words += [option, str(one)]
    return shlex.join(words)


_COMMANDS = {BulkVerb.PAUSE: "pause-tasks", BulkVerb.RESUME: "resume-tasks"}
_OPTIONS = {"task_uuids": "task", "states": "state", "step_states": "step-state", "signatures": "signature"}
