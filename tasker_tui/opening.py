"""Opens the dashboard on a server's REST API."""

from __future__ import annotations

import asyncio
import gc
import getpass
import os
import sys

import platformdirs

from tasker_tui.app import TaskerApp
from tasker_tui.clock import SystemClock
from tasker_tui.dev.door import Door
from tasker_tui.locator import Locator, parse_locator
from tasker_tui.profiles import Profile
from tasker_tui.user_config import UserConfig, load_user_config

STARTED_SECONDS = 2.0
YOUNG_OBJECTS = 5_000
"""New objects between two collections: a page that is drawn makes hundreds, and few of them stay."""


async def run_async(
    profile: Profile,
    *,
    locator: str | None = None,
    config: UserConfig | None = None,
    ends_stack: bool = False,
) -> int:
    """Show the dashboard until it is left; answers the exit code.

    Raises LocatorError, ConfigError and KeyUnavailable.
    """
    found = parse_locator(locator) if locator else Locator()
    app = TaskerApp(
        profile.connect(), profile, found, clock=SystemClock(), user=_user(), ascii_only=_needs_ascii(),
        config=config or load_user_config(), state=platformdirs.user_state_path("tasker"),
        stack=Door(profile.url), ends_stack=ends_stack,
    )  # fmt: skip
    asyncio.get_running_loop().call_later(STARTED_SECONDS, _collect_what_comes)
    try:
        await app.run_async()
    finally:
        await app.services.client.close()
    return app.return_code or 0


def run(profile: Profile, *, locator: str | None = None) -> int:
    """Show the dashboard of a server; answers the exit code. Raises what `run_async` raises."""
    return asyncio.run(run_async(profile, locator=locator))


def _collect_what_comes() -> None:
    """Leave out what the start has made: to look through it takes longer than a key may."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.enable()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


def _needs_ascii() -> bool:
    """`TASKER_ASCII=1`, or a terminal that does not speak UTF-8."""
    return (
        os.environ.get("TASKER_ASCII", "") not in ("", "0")
        or "utf" not in (sys.stdout.encoding or "").lower()
    )
