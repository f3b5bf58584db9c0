"""The registered templates, and how their tasks did in the last day."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from engine.client.analytics import template_statistics
from engine.client.pauses import list_pauses
from engine.model.wire.pauses import Pause
from engine.model.wire.statistics import TemplateFigures
from engine.model.wire.tasks import TemplateSummary
from tasker_tui.actions import Focus, bindings
from tasker_tui.locator import Locator, to_task
from tasker_tui.operations import Operations
from tasker_tui.pause_targets import of_template
from tasker_tui.screens.base import Handlers
from tasker_tui.screens.listing import NO_TEMPLATE, ListScreen
from tasker_tui.services import Services
from tasker_tui.text import count, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.template_columns import TemplateColumns, TemplateRow
from tasker_tui.widgets.virtual_table import Column


class TemplatesScreen(ListScreen[TemplateRow]):
    """Lists every version of every template."""

    SCOPES = ("templates",)
    BINDINGS = bindings("templates")
    TITLE_WORD = "Templates"
    PLACE = "templates"

    def __init__(self, services: Services, query: str) -> None:
        super().__init__(services, query)
        self._columns = TemplateColumns(services.clock)
        self._operations = Operations(self, services, lambda step: None)

    def focus_state(self) -> Focus:
        """Where the template under the cursor leads."""
        row = self.table.cursor_row
        target = of_template(*row.path) if row else None
        return Focus(connected=self.services.link.live, place=self.place, pausing=target)

    def handlers(self) -> Handlers:
        """What the keys do."""
        return {
            "templates.open": self.open_selected,
            "templates.start": self._start,
            "templates.runs": self._runs,
            "templates.pause": self._pause,
            "templates.back": self.app.pop_screen,
        }

    def place_of(self, row: TemplateRow) -> Locator:
        """Its screen."""
        return Locator("template", row.path)

    def key_of(self, row: TemplateRow) -> str:
        """Its name in full."""
        return row.full_name

    def columns(self, width: int) -> Sequence[Column[TemplateRow]]:
        """What it is, how much it is used, how it does."""
        return self._columns(width)

    async def fetch(self) -> Sequence[TemplateRow]:
        """The templates by namespace, name and version."""
        client = self.services.client
        known = (await client.list_templates()).templates
        found = {_key(one): one for one in (await client.send(template_statistics())).templates}
        paused = (await client.send(list_pauses())).pauses
        rows = [TemplateRow(one, found.get(_key(one)), _pauses_of(one, paused)) for one in known]
        return sorted(rows, key=lambda row: row.path)

    def told(self, row: TemplateRow, width: int, palette: Palette) -> Text:
        """What it is for, and its figures in words."""
        text = Text.assemble((f"{printable(row.full_name)}\n", palette.strong))
        for pause in row.pauses:
            what = "paused" if pause.template else "its namespace is paused"
            why = f"{printable(pause.reason)} ({printable(pause.paused_by)})"
            text.append(f"{what}: {why}\n", palette.tone("waiting", bold=True))
        if row.summary.description:
            text.append(f"{printable(row.summary.description)}\n", palette.text)
        figures = row.figures
        if figures is None or not figures.tasks_created:
            text.append("no task in the last 24 hours; s starts one\n", palette.muted)
        if figures is not None and figures.tasks_created:
            ended = f"{count(figures.tasks_completed)} complete, {count(figures.tasks_failed)} failed"
            text.append(
                f"{plural(figures.tasks_created, 'task')} in the last 24 hours: {ended}\n", palette.muted
            )
        return text

    def summary(self, rows: Sequence[TemplateRow]) -> str:
        """How many there are."""
        return f"{plural(len(rows), 'template')}   the last 24 hours"

    def when_empty(self) -> list[str]:
        """No template yet."""
        return list(NO_TEMPLATE)

    def _start(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            go = self.services.go
            self._operations.start_of(row.full_name, lambda task: go(to_task(str(task.task_uuid))))

    def _pause(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            self._operations.pause(of_template(*row.path), self.reload)

    def _runs(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            self.services.go(Locator("runs", row.path))


def _key(one: TemplateSummary | TemplateFigures) -> tuple[str, str, str]:
    return one.namespace, one.name, one.version


def _pauses_of(one: TemplateSummary, paused: Sequence[Pause]) -> tuple[Pause, ...]:
    """By `(namespace, None, None)` a whole namespace is paused."""
    places = (_key(one), (one.namespace, None, None))
    return tuple(pause for pause in paused if (pause.namespace, pause.template, pause.version) in places)
