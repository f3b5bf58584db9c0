"""What the list of tasks asks the server for; the answers come as messages."""

from __future__ import annotations

from contextlib import suppress

from textual.message import Message
from textual.screen import Screen

from tasker_tui.services import Services
from tasker_tui.task_list import TaskList
from tasker_tui.task_pages import Page, Want, count_tasks, fetch
from tasker_tui.trouble import CALL_FAILURES, explain


class PageArrived(Message):
    """A page of the list was loaded."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page


class PageFailed(Message):
    """A page of the list could not be loaded."""

    def __init__(self, request: int, reason: str) -> None:
        super().__init__()
        self.request, self.reason = request, reason


class TasksCounted(Message):
    """The tasks that the filter finds were counted."""

    def __init__(self, request: int, total: int) -> None:
        super().__init__()
        self.request, self.total = request, total


class ListLoader:
    """Loads what `tasks` wants for a screen, in the screen's workers; the latest question counts."""

    def __init__(self, screen: Screen[None], services: Services, tasks: TaskList) -> None:
        self._screen, self._services, self._tasks = screen, services, tasks

    def fetch(self, want: Want) -> None:
        """Load a page: `PageArrived` or `PageFailed`."""
        self._screen.run_worker(self._fetch(want, self._tasks.request), group="pages", exclusive=True)

    def count(self) -> None:
        """Count what the filter finds: `TasksCounted`, or nothing where that fails."""
        self._screen.run_worker(self._count(self._tasks.request), group="count", exclusive=True)

    async def _fetch(self, want: Want, request: int) -> None:
        tasks, now = self._tasks, self._services.clock.now()
        try:
            page = await fetch(self._services.client, tasks.filter, tasks.order, want, request, now)
        except CALL_FAILURES as error:
            self._screen.post_message(PageFailed(request, explain(error)))
        else:
            self._screen.post_message(PageArrived(page))

    async def _count(self, request: int) -> None:
        services = self._services
        with suppress(*CALL_FAILURES):  # the estimate stays
            total = await count_tasks(services.client, self._tasks.filter, services.clock.now())
            self._screen.post_message(TasksCounted(request, total))
