"""The dead letters: tasks that need somebody, the most urgent first, and what closes them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any

from rich.text import Text
from textual import work

from engine.client import dead_letters
from engine.model.wire.dead_letters import DlqAction, DlqInvestigationQueueEntry
from tasker_tui.actions import Focus, bindings
from tasker_tui.actions.command_lines import with_options
from tasker_tui.keymap import with_keys
from tasker_tui.locator import Locator, to_task
from tasker_tui.modals.letter import LetterAnswer, LetterDialog
from tasker_tui.modals.letter_notes import LONGEST_NOTES, LetterNotesDialog
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.states import TASK_MARKS, Mark
from tasker_tui.text import duration, folded, plural, printable, printable_lines, short_id
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.virtual_table import Column, Runs

WIDE = 90
SHOWN_LETTERS = 1_000
CAUSES = {
    "retries_exhausted": "its retries are used up",
    "permanent_failure": "a step failed for good",
    "worker_lost": "its worker was lost too often",
    "handler_missing": "no worker has a handler",
    "stale": "it passed a limit of its template",
    "by_hand": "put here by hand",
}

Letter = DlqInvestigationQueueEntry


class LettersScreen(ListScreen[Letter]):
    """Lists the open dead letters."""

    SCOPES = ("letters",)
    BINDINGS = bindings("letters")
    TITLE_WORD = "Dead letters"
    PLACE = "letters"

    def focus_state(self) -> Focus:
        """The dead letter under the cursor."""
        return Focus(connected=self.services.link.live, letter=self.table.cursor_row)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "letters.open": self.open_selected,
            "letters.close": self._ask,
            "letters.take": self._take,
            "letters.note": self._ask_notes,
            "letters.back": self.app.pop_screen,
        }

    def place_of(self, row: Letter) -> Locator:
        """Its task."""
        return to_task(str(row.task_uuid))

    def key_of(self, row: Letter) -> str:
        """Its id."""
        return str(row.dlq_entry_uuid)

    def columns(self, width: int) -> Sequence[Column[Letter]]:
        """Which task, why, since when, whose it is."""
        task = Column("TASK", 20, _task, rank=lambda row: row.task_name)
        since = Column("SINCE", 6, _since, "right", rank=lambda row: row.minutes_in_dlq)
        why = Column("WHY", 0, _why, rank=_reason)
        if width < WIDE:
            return [task, why, since]
        state = Column("STATE", 11, _state, rank=lambda row: _mark(row).word)
        owner = Column("OWNER", 10, _owner, rank=lambda row: row.assignee)
        return [task, Column("ID", 8, _id), state, why, since, owner]

    async def fetch(self) -> Sequence[Letter]:
        """The open ones, the most urgent first."""
        return await self.services.client.send(dead_letters.queue(limit=SHOWN_LETTERS))

    def told(self, row: Letter, width: int, palette: Palette) -> Text:
        """What is known of it."""
        text = Text()
        facts = [
            (
                "task",
                f"{printable(row.namespace_name or '')}/{printable(row.task_name or '')}  {row.task_uuid}",
            ),
            ("why", f"{CAUSES.get(row.cause, row.cause)} ({row.dlq_reason})"),
            *([("error", _error(row))] if row.failed_step else []),
            ("since", f"{duration(row.minutes_in_dlq * 60)} ago, when it was {row.original_state}"),
            ("now", str(row.current_state or "no longer kept")),
            ("owner", printable(row.assignee or with_keys(self.app, "nobody; {letters.take} takes it"))),
            ("urgency", f"{row.priority_score:.0f}"),
            *([("notes", row.resolution_notes)] if row.resolution_notes else []),
        ]
        for name, value in facts:
            lines = [
                piece for line in printable_lines(value) for piece in folded(line, max(20, width - 10), "")
            ]
            text.append(f"{name:<10}", palette.muted)
            text.append(
                "\n          ".join(lines), palette.tone("failed") if name == "error" else palette.text
            )
            text.append("\n")
        return text

    def summary(self, rows: Sequence[Letter]) -> str:
        """How many, and how many are nobody's."""
        free = sum(row.assignee is None for row in rows)
        return f"{plural(len(rows), 'letter')}, {free} without an owner"

    def when_empty(self) -> list[str]:
        """All is well."""
        return [
            "There is no dead letter.",
            "",
            "A task becomes one when it fails for good or passes a limit.",
            "{letters.back} leads back to the tasks.",
        ]

    def _ask(self) -> None:
        row = self.table.cursor_row
        if row is None:
            return

        def answered(answer: LetterAnswer | None) -> None:
            if answer is not None:
                self._close(row, answer)

        self.app.push_screen(LetterDialog(row), answered)

    @work(group="operations")
    async def _close(self, row: Letter, answer: LetterAnswer) -> None:
        fields = {"action": answer.action, "resolved_by": self.services.user}
        if notes := closing_notes(row, answer):
            fields["resolution_notes"] = notes
        command = with_options(f"tasker dlq update {row.task_uuid}", action=str(answer.action), notes=notes)
        if await self._update(row, command, **fields):
            what = "goes on" if answer.action is DlqAction.RETRY else f"is closed ({answer.action})"
            self.notify(f"{short_id(str(row.task_uuid))} {what}", markup=False)

    @work(group="operations")
    async def _take(self) -> None:
        row, user = self.table.cursor_row, self.services.user
        if row is None:
            return
        command = f"tasker dlq assign {row.task_uuid} {shlex.quote(user)}"
        if await self._update(row, command, assignee=user):
            self.notify(f"{short_id(str(row.task_uuid))} is {user}'s", markup=False)

    def _ask_notes(self) -> None:
        row = self.table.cursor_row
        if row is None:
            return

        def answered(fields: dict[str, Any] | None) -> None:
            if fields is not None:
                self._keep(row, fields)

        self.app.push_screen(LetterNotesDialog(row), answered)

    @work(group="operations")
    async def _keep(self, row: Letter, fields: dict[str, Any]) -> None:
        user = self.services.user
        command = notes_command(row, fields, self.services.commands.here)
        if await self._update(row, command, **fields, resolved_by=user):
            owner = printable(fields.get("assignee", row.assignee) or "nobody")
            self.notify(f"{short_id(str(row.task_uuid))} is kept, with {owner}", markup=False)

    async def _update(self, row: Letter, command: str, **fields: object) -> bool:
        try:
            call = dead_letters.update(row.dlq_entry_uuid, **fields)
        except ValueError:
            self.notify(f"notes have at most {LONGEST_NOTES:,} characters", severity="error", markup=False)
            return False
        try:
            await self.services.commands.run(command, self.services.client.send(call))
        except CALL_FAILURES as error:
            self.notify(explain(error), severity="error", markup=False)
            return False
        self.reload()
        return True


def closing_notes(row: Letter, answer: LetterAnswer) -> str:
    """What is written with the end of a dead letter; what was found out before stays."""
    if row.resolution_notes:
        return f"{row.resolution_notes}\n{answer.notes}" if answer.notes else ""
    return answer.notes or "closed from the dashboard"


def notes_command(row: Letter, fields: dict[str, Any], here: Callable[[str], str]) -> str:
    """The command lines that do the same; `here` leads all but the last to the server: the log does that."""
    lines = []
    if "assignee" in fields:
        owner = f" {shlex.quote(fields['assignee'])}" if fields["assignee"] else ""
        lines.append(f"tasker dlq assign {row.task_uuid}{owner}")
    if "resolution_notes" in fields:
        lines.append(f"tasker dlq update {row.task_uuid} --notes {shlex.quote(fields['resolution_notes'])}")
    return "; ".join([*map(here, lines[:-1]), *lines[-1:]])


def _task(row: Letter, width: int, palette: Palette) -> Runs:
    return [(printable(row.task_name or "?"), palette.text)]


def _id(row: Letter, width: int, palette: Palette) -> Runs:
    return [(short_id(str(row.task_uuid)), palette.muted)]


def _state(row: Letter, width: int, palette: Palette) -> Runs:
    mark = _mark(row)
    return [(f"{mark.glyph(False)} {mark.word}", palette.tone(mark.tone))]


def _mark(row: Letter) -> Mark:
    return TASK_MARKS[row.current_state or row.original_state]


def _why(row: Letter, width: int, palette: Palette) -> Runs:
    return [(printable(_reason(row)), palette.tone("failed"))]


def _reason(row: Letter) -> str:
    return _error(row) or CAUSES.get(row.cause, row.cause)


def _error(row: Letter) -> str:
    """The step that failed and what it said; empty where none did."""
    return f"{row.failed_step}: {row.error_message or 'it gave no message'}" if row.failed_step else ""


def _since(row: Letter, width: int, palette: Palette) -> Runs:
    return [(duration(row.minutes_in_dlq * 60), palette.muted)]


def _owner(row: Letter, width: int, palette: Palette) -> Runs:
    return [(printable(row.assignee or "–"), palette.muted)]
