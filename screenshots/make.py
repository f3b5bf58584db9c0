"""Makes the pictures of the dashboard anew, from a real run: `uv run python screenshots/make.py`.

It starts `tasker dev --headless` on free ports with its data in a temporary folder, starts tasks of the
bundled examples and of the shop in `shop/`, drives the dashboard on that server, and writes SVG files here.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel
from textual.pilot import Pilot

from engine.client import TaskerClient
from engine.model.states import TASK_TERMINAL, StepState, TaskState
from engine.model.wire.details import StepDetail, StepWhy, TransitionPage
from engine.model.wire.tasks import TaskResponse
from tasker_tui.app import TaskerApp
from tasker_tui.clock import SystemClock
from tasker_tui.locator import Locator, parse_locator
from tasker_tui.profiles import Profile
from tasker_tui.user_config import UserConfig

HERE = Path(__file__).parent
ROOT = HERE.parent
SIZE = (146, 43)
FONTS = '"DejaVu Sans Mono", Menlo, "Fira Code", Consolas, monospace'
FONT_SIZE = 20.27
"""Pixels at which a glyph of the first fonts is as wide as a cell, 12.2 pixels."""
PATIENCE = 30.0
"""Seconds that anything may take to come about."""

INSTEAD = {f"{ROOT}/": "", f"{socket.gethostname()}:": "worker:"}
Answer = TypeVar("Answer", bound=BaseModel)
Shop = dict[str, Any]
SHOP: tuple[Shop, ...] = (
    {"order": 8836, "customer": "Grace Hopper"},
    {"order": 8837, "customer": "Edsger Dijkstra"},
    {"order": 8838, "customer": "Barbara Liskov", "jammed": "pack_hall_b"},
    {"order": 8839, "customer": "Alan Turing", "declined": True},
    {"order": 8840, "customer": "Katherine Johnson", "slow": "pack_hall_a"},
)
HERO: Shop = {
    "order": 8841,
    "customer": "Ada Lovelace",
    "declined": True,
    "slow": "pack_hall_c",
    "jammed": "pack_hall_d",
}
EXAMPLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("linear_workflow", {"even_number": 6}),
    ("etl_pipeline", {}),
    ("diamond_workflow", {"even_number": 4}),
    ("order_fulfillment", {}),
    ("mixed_failure_workflow", {}),
    ("tree_workflow", {}),
    ("flaky_workflow", {"fail_times": 1}),
    ("mixed_dag_workflow", {}),
    ("permanent_failure_workflow", {}),
)
STARTERS: tuple[tuple[str, list[str]], ...] = (
    ("cron", ["nightly"]),
    ("web", ["vip", "eu"]),
    ("ana", []),
    ("web", ["us"]),
)


class ShownClient(TaskerClient):
    """Names files from the repository's root on, and workers without their machine: pictures are public."""

    async def list_steps(self, task_uuid: object) -> list[StepDetail]:
        """As the server answers, with shorter tracebacks."""
        return [_public(step) for step in await super().list_steps(str(task_uuid))]

    async def why_task(self, task_uuid: object) -> list[StepWhy]:
        """As the server answers, with other workers' names."""
        return [_public(why) for why in await super().why_task(str(task_uuid))]

    async def task_transitions(self, task_uuid: object, **query: Any) -> TransitionPage:
        """As the server answers, with other workers' names."""
        return _public(await super().task_transitions(str(task_uuid), **query))


def _public(answer: Answer) -> Answer:
    text = answer.model_dump_json()
    for private, instead in INSTEAD.items():
        text = text.replace(private, instead)
    return type(answer).model_validate_json(text)


@asynccontextmanager
async def stack(folder: Path) -> AsyncIterator[str]:
    """A local stack with the examples and the shop; gives its URL."""
    shop = HERE / "shop"
    command = ["-m", "tasker_tui.cli", "dev", "--headless", "--no-reload"]
    ports = ["--port", "0", "--worker-port", "0"]
    sources = ["--templates", str(shop), "--handlers", str(shop / "handlers.py")]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
    variables["TASKER_WORKER_DRAIN_TIMEOUT_SECONDS"] = "1"
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, *ports, *sources, "--data-dir", str(folder / "data"),
            stdout=asyncio.subprocess.PIPE, stderr=log, env=variables,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().split()
        if said[:1] != ["ready"]:
            sys.exit(f"the stack did not come up:\n{(folder / 'log').read_text()}")
        yield said[1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def start(client: TaskerClient, name: str, namespace: str, context: Any, number: int) -> TaskResponse:
    """Start a task as one of several people and programs would."""
    initiator, tags = STARTERS[number % len(STARTERS)]
    return await client.create_task(
        name, namespace=namespace, context=context, initiator=initiator, tags=tags, reason="order placed"
    )


async def fill(client: TaskerClient) -> str:
    """Start what the pictures show, wait until it stands still, and give the uuid of the order shown."""
    tasks = []
    for number, (name, context) in enumerate(EXAMPLES * 3):
        tasks.append(await start(client, name, "example", context, number))
        if number % 5 == 4:
            shop = SHOP[number // 5 % len(SHOP)]
            tasks.append(await start(client, "order_fulfilment", "shop", shop, number))
    hero = await start(client, "order_fulfilment", "shop", HERO, 1)
    recent = [
        await start(client, "flaky_workflow", "example", {"fail_times": 2}, 2),
        await start(client, "linear_workflow", "example", {"even_number": 8}, 0),
    ]
    for task in [*tasks, *recent]:
        await until_task(client, task, _stands_still)
    await until_task(client, hero, _hero_is_ready)
    cancelled = next(task for task in tasks if task.context == SHOP[4])
    await client.cancel_task(cancelled.task_uuid, "ordered twice", cancelled_by="ana")
    return str(hero.task_uuid)


Standing = Callable[[TaskResponse, list[StepDetail]], bool]


def _stands_still(task: TaskResponse, steps: list[StepDetail]) -> bool:
    waits = (TaskState.BLOCKED_BY_FAILURES, TaskState.WAITING_FOR_RETRY)
    packing = [step.current_state for step in steps if step.name == task.context.get("slow")]
    return task.status in TASK_TERMINAL or task.status in waits or packing == [StepState.IN_PROGRESS]


def _hero_is_ready(task: TaskResponse, steps: list[StepDetail]) -> bool:
    states = {step.name: step.current_state for step in steps}
    wanted = {
        "charge_card": StepState.ERROR,
        "pack_hall_d": StepState.WAITING_FOR_RETRY,
        "pick_carrier": StepState.COMPLETE,
    }
    return states.items() >= wanted.items()


async def until_task(client: TaskerClient, task: TaskResponse, wanted: Standing) -> None:
    """Look at a task again and again until it is as wanted."""
    steps: list[StepDetail] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while not wanted(await client.get_task(task.task_uuid), steps):
                steps = await client.list_steps(task.task_uuid)
    except TimeoutError:
        states = ", ".join(f"{step.name} {step.current_state}" for step in steps)
        sys.exit(f"{task.name} {task.context} came no farther than {states}")


async def until(pilot: Pilot[None], *texts: str) -> None:
    """Until the screen shows all of the texts."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not all(text in screen_text(pilot) for text in texts):
                await pilot.pause()
    except TimeoutError:
        sys.exit(f"not shown: {texts}\n{screen_text(pilot)}")


def screen_text(pilot: Pilot[None]) -> str:
    """What is on the screen, a line a line."""
    strips = pilot.app.screen._compositor.render_strips(pilot.app.size)
    return "\n".join(strip.text for strip in strips)


async def shoot(pilot: Pilot[None], name: str) -> None:
    """Write the screen as `name`.svg."""
    await pilot.pause()
    picture = _portable(pilot.app.export_screenshot(title="tasker"))
    private = [str(ROOT), str(Path.home()), tempfile.gettempdir(), socket.gethostname() + ":"]
    if shown := [text for text in private if text in picture]:
        sys.exit(f"{name}.svg would show {', '.join(shown)}")
    (HERE / f"{name}.svg").write_text(picture, encoding="utf-8")
    print(f"screenshots/{name}.svg")


def _portable(svg: str) -> str:
    """Fetch no font, keep leading blanks, fit the cells without `textLength`: renderers differ."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    svg = svg.replace("font-size: 20px", f"font-size: {FONT_SIZE}px")
    svg = svg.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    return re.sub(r'(width="[\d.]+" height=")([\d.]+)', _with_descenders, svg, count=1)


def _with_descenders(found: re.Match[str]) -> str:
    """The clip of the whole terminal cuts the underscores of the last line off."""
    return f"{found[1]}{float(found[2]) + 5}"


Scene = Callable[[Pilot[None]], Awaitable[None]]


async def _tasks(name: str, theme: str, pilot: Pilot[None]) -> None:
    pilot.app.theme = theme
    await until(pilot, "live", "order_fulfilment")
    await pilot.press("j", "j")
    await until(pilot, "card declined", "charge_card")
    await shoot(pilot, name)


async def _task(pilot: Pilot[None]) -> None:
    await until(pilot, "live", "✗ charge_card", "INPUT", "attempts  ✗")
    await shoot(pilot, "task")
    await pilot.press("r")
    await until(pilot, "Retry charge_card")
    await shoot(pilot, "retry")
    await pilot.press("escape", "R")
    await until(pilot, "Run charge_card again", "runs at once")
    await shoot(pilot, "run-again")
    await pilot.press("escape", "4")
    await until(pilot, "in_progress", "task")
    await shoot(pilot, "events")


async def _failures(pilot: Pilot[None]) -> None:
    await until(pilot, "live", "order_fulfilment")
    await pilot.press("e")
    await until(pilot, "failed steps", "newest:")
    await shoot(pilot, "failures")
    await pilot.press("r")
    await until(pilot, "confirm", "frozen")
    await shoot(pilot, "bulk")
    await pilot.press("escape", "escape", "D")
    await until(pilot, "Dead letters", "urgency")
    await shoot(pilot, "dead-letters")


async def _overview(pilot: Pilot[None]) -> None:
    await until(pilot, "live", "order_fulfilment")
    await pilot.press("0")
    await until(pilot, "NEEDS YOU", "QUEUES", "healthy")
    await shoot(pilot, "pulse")
    await pilot.press("t")
    await until(pilot, "Templates", "order_fulfilment")
    await shoot(pilot, "templates")


async def _gantt(pilot: Pilot[None]) -> None:
    await until(pilot, "live", "✗ charge_card", "INPUT", "attempts  ✗")
    await pilot.press("3")
    await until(pilot, "queued", "waits for its retry")
    await shoot(pilot, "gantt")


async def _start(pilot: Pilot[None]) -> None:
    await until(pilot, "live", "order_fulfilment")
    await pilot.press("s")
    await until(pilot, "type to narrow", "order_fulfillment")
    await pilot.press(*"fulfillment")
    await pilot.press("enter")
    await until(pilot, "Customer", "Payment")
    await shoot(pilot, "start")


async def _help(pilot: Pilot[None]) -> None:
    await until(pilot, "live", "order_fulfilment")
    await pilot.press("question_mark")
    await until(pilot, "Cancel the selected task")
    await shoot(pilot, "help")


async def show(url: str, locator: Locator, scene: Scene) -> None:
    """Open the dashboard at a place and play a scene on it."""
    async with ShownClient(url) as client:
        app = TaskerApp(
            client, Profile(), locator, clock=SystemClock(), user="ana", ascii_only=False,
            config=UserConfig(Path("config.toml")),
        )  # fmt: skip
        async with app.run_test(size=SIZE) as pilot:
            await scene(pilot)


async def main() -> None:
    """Make all pictures."""
    with tempfile.TemporaryDirectory(prefix="tasker-pictures-") as folder:
        async with stack(Path(folder)) as url:
            async with TaskerClient(url) as client:
                hero = await fill(client)
            await show(url, parse_locator(f"task/{hero}/step/charge_card"), _task)
            for name, theme in (("tasks", "tasker-dark"), ("tasks-light", "tasker-light")):
                await show(url, Locator(), partial(_tasks, name, theme))
            await show(url, parse_locator(f"task/{hero}/step/charge_card"), _gantt)
            await show(url, Locator(), _overview)
            await show(url, Locator(), _failures)
            await show(url, Locator(), _start)
            await show(url, Locator(), _help)


if __name__ == "__main__":
    asyncio.run(main())
