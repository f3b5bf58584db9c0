"""What failed, grouped by what the errors have in common: the largest group first, each repaired at once."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, Literal

from rich.text import Text
from textual import work

from engine.client.failures import list_failures, triage_failures
from engine.model.wire.bulk import BulkFilter, BulkVerb
from engine.model.wire.failures import FailureGroup
from tasker_tui.actions import Focus, bindings
from tasker_tui.actions.command_lines import with_options
from tasker_tui.bulk_operations import BulkOperations
from tasker_tui.filters import format_filter, of_group
from tasker_tui.keymap import with_keys
from tasker_tui.locator import Locator, to_task
from tasker_tui.modals.triage import TriageDialog
from tasker_tui.row_marking import RowMarking
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import ListScreen
from tasker_tui.services import Services
from tasker_tui.text import plural, printable
from tasker_tui.themes import Palette
from tasker_tui.trouble import CALL_FAILURES, explain
from tasker_tui.widgets.failure_columns import FailureColumns, group_text
from tasker_tui.widgets.virtual_table import Column, VirtualTable

SHOWN_GROUPS = 500


class FailuresScreen(ListScreen[FailureGroup]):
    """Lists the groups."""

    SCOPES = ("failures",)
    BINDINGS = bindings("failures")
    TITLE_WORD = "Failures"
    PLACE = "failures"

    def __init__(self, services: Services, query: str) -> None:
        super().__init__(services, query)
        self._columns = FailureColumns(services.clock, services.ascii_only)
        self._bulk = BulkOperations(self, services, self._done)
        self._marking = RowMarking(self._shown, self._marks_changed)

    def focus_state(self) -> Focus:
        """The group under the cursor."""
        return Focus(
            connected=self.services.link.live,
            group=self.table.cursor_row,
            marked=len(self._marking.marks.keys),
        )

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "failures.open": self.open_selected,
            "failures.newest": self._open_newest,
            "failures.retry": lambda: self._do(BulkVerb.RETRY),
            "failures.resolve": lambda: self._do(BulkVerb.RESOLVE),
            "failures.assign": lambda: self._care("owner"),
            "failures.note": lambda: self._care("note"),
            "failures.mark": self._toggle_mark,
            "failures.range": lambda: self._marking.range(self._key_here),
            "failures.mark_all": self._marking.mark_all,
            "failures.unmark": self._marking.unmark,
            "failures.back": self.app.pop_screen,
        }

    def heading(self) -> str:
        """With how many are marked."""
        return self.TITLE_WORD + with_keys(self.app, self._marking.describe("failures.range"))

    def is_marked(self, row: FailureGroup) -> bool:
        """By its signature."""
        return row.signature in self._marking.marks

    def on_virtual_table_highlighted(self, event: VirtualTable.Highlighted) -> None:
        """A range reaches to where the cursor went."""
        if event.chosen:
            self._marking.extend(self._key_here)

    def on_list_screen_arrived(self, event: ListScreen.Arrived) -> None:
        """Groups that are gone are not marked any more."""
        self._marking.keep([group.signature for group in event.rows if isinstance(group, FailureGroup)])

    def place_of(self, row: FailureGroup) -> Locator:
        """The list of its tasks."""
        return Locator("tasks", query=format_filter(of_group(row.signature)))

    def open_selected(self) -> None:
        """Over the groups, so that the way back leads to them."""
        if self.place is not None:
            self.services.go_over(self.place)

    def key_of(self, row: FailureGroup) -> str:
        """Its signature."""
        return row.signature

    def columns(self, width: int) -> Sequence[Column[FailureGroup]]:
        """How many, what, where, since when."""
        return self._columns(width)

    async def fetch(self) -> Sequence[FailureGroup]:
        """The groups, the largest first."""
        return (await self.services.client.send(list_failures(limit=SHOWN_GROUPS))).groups

    def told(self, row: FailureGroup, width: int, palette: Palette) -> Text:
        """Where it failed, and the newest failure in full."""
        assigns, opens = (
            with_keys(self.app, text)
            for text in ("{failures.assign} assigns it", "{failures.newest} opens it")
        )
        return group_text(row, width, palette, self.services.clock.now(), assigns, opens)

    def summary(self, rows: Sequence[FailureGroup]) -> str:
        """How much failed."""
        steps = sum(group.failed_steps for group in rows)
        free = sum(group.triage.owner is None for group in rows)
        return f"{plural(steps, 'step')} in {plural(len(rows), 'group')}, {free} without an owner"

    def when_empty(self) -> list[str]:
        """All is well."""
        return ["Nothing has failed.", "", "{failures.back} leads back to the tasks."]

    def _open_newest(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            self.services.go(to_task(str(row.sample.task_uuid), row.sample.step))

    @property
    def _key_here(self) -> str:
        row = self.table.cursor_row
        return row.signature if row is not None else ""

    def _shown(self) -> list[str]:
        return [group.signature for group in self._rows.rows]

    def _toggle_mark(self) -> None:
        self._marking.toggle(self._key_here)
        self.table.action_do("list.down")

    def _marks_changed(self) -> None:
        self._title()
        self.table.refresh()
        self.show_state()

    def _done(self) -> None:
        self._marking.unmark()
        self.reload()

    def _chosen(self) -> list[FailureGroup]:
        """The groups that are marked, also where the filter hides them; with none marked the one here."""
        marked = [group for group in self._rows.all if self.is_marked(group)]
        here = self.table.cursor_row
        return marked or ([here] if here is not None else [])

    def _do(self, verb: BulkVerb) -> None:
        signatures = [group.signature for group in self._chosen()]
        if len(signatures) == 1:
            self._bulk.ask(verb, BulkFilter(signature=signatures[0]))
        elif signatures:
            self._bulk.ask(verb, BulkFilter(signatures=signatures))

    def _care(self, first: Literal["owner", "note"]) -> None:
        groups = self._chosen()
        if not groups:
            return

        def answered(fields: dict[str, Any] | None) -> None:
            if fields is not None:
                self._triage([group.signature for group in groups], fields)

        self.app.push_screen(TriageDialog(groups, self.services.user, first), answered)

    @work(group="operations")
    async def _triage(self, signatures: Sequence[str], fields: dict[str, Any]) -> None:
        user, services = self.services.user, self.services
        try:
            for signature in signatures:
                call = services.client.send(triage_failures(signature, actor=user, **fields))
                now = await services.commands.run(
                    triage_command(signature, fields, services.commands.here), call
                )
        except CALL_FAILURES as error:
            self.notify(explain(error), severity="error", markup=False)
        else:
            one = len(signatures) == 1
            what = f"{printable(signatures[0])} is" if one else f"{len(signatures)} groups are"
            self.notify(f"{what} {now.state}, with {printable(now.owner or 'nobody')}", markup=False)
            self._marking.unmark()
        self.reload()


def triage_command(signature: str, fields: dict[str, Any], here: Callable[[str], str]) -> str:
    """The command lines that do the same; `here` leads all but the last to the server: the log does that."""
    lines = []
    group = shlex.quote(signature)
    if "owner" in fields:
        owner = f" {shlex.quote(fields['owner'])}" if fields["owner"] else ""
        lines.append(f"tasker failures assign {group}{owner}")
    if "note" in fields or "state" in fields:
        note = f" {shlex.quote(fields['note'])}" if "note" in fields else ""
        lines.append(with_options(f"tasker failures note {group}{note}", state=fields.get("state")))
    return "; ".join([*map(here, lines[:-1]), *lines[-1:]])
