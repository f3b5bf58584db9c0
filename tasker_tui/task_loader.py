"""What the task screen asks the server for; the answers come as messages (task_messages)."""

from __future__ import annotations

from datetime import datetime

from textual.screen import Screen

from tasker_tui.feed import Feed
from tasker_tui.loading import Loading
from tasker_tui.services import Services
from tasker_tui.task_messages import StepArrived, TaskArrived, TaskFailed, TaskNews, WhyArrived
from tasker_tui.trouble import CALL_FAILURES, explain

RELOAD_SECONDS = 0.3
"""What transitions do not say is loaded again at most this often."""
LOADING_SHARE = 4
"""A task that takes long to load, as one of 5,000 steps does, is loaded for a fifth of the time at most."""


class TaskLoader:
    """Loads the task of `uuid` for a screen, in the screen's workers."""

    def __init__(self, screen: Screen[None], services: Services, uuid: str) -> None:
        self._screen, self._services, self._uuid = screen, services, uuid
        self._reloading = False
        self._took = 0.0
        self._task = Loading(screen, self._load_task, "task")
        self._reasons = Loading(screen, self._load_reasons, "why")
        self.asked_why: datetime | None = None

    def follow(self) -> None:
        """Hear of transitions until the screen is closed."""
        client, clock = self._services.client, self._services.clock
        feed = Feed(client, clock, lambda news: self._screen.post_message(TaskNews(news)), "task", self._uuid)
        self._screen.run_worker(feed.run(), group="feed")

    def reload(self) -> None:
        """Load the task and its steps."""
        self._task.ask()

    def reload_soon(self) -> None:
        """Load the task, once for all that happens until then."""
        if not self._reloading:
            self._reloading = True
            self._screen.run_worker(self._load_later(), group="task-later")

    def load_step(self, uuid: str) -> None:
        """Load a step's attempts and the log of the last one."""
        self._screen.run_worker(self._load_step(uuid), group="details", exclusive=True)

    def ask_why(self) -> None:
        """Ask why the unfinished steps are where they are."""
        self.asked_why = self._services.clock.now()
        self._reasons.ask()

    async def _load_task(self) -> None:
        client, began = self._services.client, self._services.clock.now()
        try:
            task, steps = await client.get_task(self._uuid), await client.list_steps(self._uuid)
        except CALL_FAILURES as error:
            self._screen.post_message(TaskFailed(explain(error)))
        else:
            self._took = (self._services.clock.now() - began).total_seconds()
            self._screen.post_message(TaskArrived(task, steps))

    async def _load_later(self) -> None:
        await self._services.clock.sleep(max(RELOAD_SECONDS, LOADING_SHARE * self._took))
        self._reloading = False
        self.reload()

    async def _load_step(self, uuid: str) -> None:
        client = self._services.client
        try:
            audit = await client.step_audit(self._uuid, uuid)
            page = await client.step_logs(self._uuid, uuid)
        except CALL_FAILURES:
            return
        newest = page.lines[-1].attempt if page.lines else 0
        self._screen.post_message(StepArrived(uuid, audit, [x for x in page.lines if x.attempt == newest]))

    async def _load_reasons(self) -> None:
        try:
            reasons = await self._services.client.why_task(self._uuid)
        except CALL_FAILURES:
            return
        self._screen.post_message(WhyArrived(reasons))
