"""A stack with the shop's templates, and the dashboard on it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from engine.client import TaskerClient
from engine.model.wire.tasks import TaskResponse
from tasker_tui.app import TaskerApp
from tasker_tui.clock import SystemClock
from tasker_tui.locator import Locator
from tasker_tui.profiles import Profile
from tasker_tui.user_config import UserConfig
from tests.support.e2e_stack import running_stack
from tests.support.postgres import PgServer
from tests.support.waiting import until
from tests.tui.support import screen_text

HERE = Path(__file__).parent


@dataclass(slots=True)
class Shop:
    """A running stack. A file in `troubles` is a trouble."""

    url: str
    client: TaskerClient
    troubles: Path

    def break_down(self, *names: str) -> None:
        """From now on these do not work."""
        for name in names:
            (self.troubles / name).touch()

    def repair(self, *names: str) -> None:
        """They work again."""
        for name in names:
            (self.troubles / name).unlink()

    async def start(self, name: str, **context: Any) -> str:
        """Start a task; its uuid."""
        task = await self.client.create_task(name, namespace="shop", context=context)
        return str(task.task_uuid)

    async def until_status(self, uuids: Sequence[str], *statuses: str) -> list[TaskResponse]:
        """Wait until all these tasks are in one of the states."""

        async def there() -> list[TaskResponse] | None:
            tasks = [await self.client.get_task(uuid) for uuid in uuids]
            return tasks if all(task.status in statuses for task in tasks) else None

        found = await until(there, f"{len(uuids)} tasks are {' or '.join(statuses)}")
        assert found is not None
        return found

    async def until_running(self, uuid: str) -> None:
        """Wait until a step of the task runs."""

        async def running() -> bool:
            steps = await self.client.list_steps(uuid)
            return any(step.current_state == "in_progress" for step in steps)

        await until(running, f"a step of {uuid} runs")


@pytest.fixture(scope="module")
async def shop(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """One server and one worker."""
    folder = tmp_path_factory.mktemp("shop")
    troubles = folder / "troubles"
    troubles.mkdir()
    environment = {
        "TASKER_WORKER_TEMPLATES": json.dumps([str(HERE / "templates")]),
        "TASKER_WORKER_HANDLERS": json.dumps([str(HERE / "handlers.py")]),
        "TASKER_TEST_TROUBLES": str(troubles),
    }
    async with running_stack(pg_server, folder, environment) as stack, TaskerClient(stack.url) as client:
        yield Shop(stack.url, client, troubles)


class Operator:
    """Presses keys and reads the screen."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text into the field that has the focus."""
        await self.pilot.press(*("space" if letter == " " else letter for letter in text))

    async def sees(self, *texts: str) -> str:
        """Wait until the screen shows all of the texts; gives the screen."""

        async def shown() -> str | None:
            await self.pilot.pause()
            screen = screen_text(self.pilot)
            return screen if all(text in screen for text in texts) else None

        try:
            found = await until(shown, f"the screen shows {texts}")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{screen_text(self.pilot)}") from None
        assert found is not None
        return found


@asynccontextmanager
async def operating(
    shop: Shop, where: Locator | None = None, size: tuple[int, int] = (146, 43)
) -> AsyncIterator[Operator]:
    """The dashboard on the shop, live."""
    app = TaskerApp(
        shop.client, Profile(url=shop.url), where or Locator(), clock=SystemClock(), user="ana",
        ascii_only=False, config=UserConfig(Path("config.toml")),
    )  # fmt: skip
    async with app.run_test(size=size) as pilot:
        operator = Operator(pilot)
        await operator.sees("live")
        yield operator
