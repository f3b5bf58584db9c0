"""`tasker dev`: the settings of this place with the options of the command on top."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tasker_tui.cli.errors import USAGE, CommandError
from tasker_tui.dev.options import StackOptions
from tasker_tui.dev.run import run_headless, run_with_dashboard


def run_dev(
    *,
    headless: bool,
    port: int | None,
    worker_port: int | None,
    templates: list[str],
    handlers: list[str],
    data_dir: Path | None,
    fresh: bool,
    database_url: str | None,
    reload: bool,
) -> None:
    """Run the local stack until it is told to stop; raises StackError and others for what is in its way."""
    if database_url and (fresh or data_dir):
        raise CommandError("--database-url goes with neither --fresh nor --data-dir", "leave one out", USAGE)
    if not headless and not sys.stdout.isatty():
        raise CommandError("the dashboard needs a terminal", "add --headless to run without it", USAGE)

    def options() -> StackOptions:
        from engine.settings import load_settings

        settings = load_settings()
        return StackOptions(
            port=settings.server.port if port is None else port,
            worker_port=settings.worker.port if worker_port is None else worker_port,
            data_dir=data_dir,
            fresh=fresh,
            database_url=database_url,
            templates=[*settings.worker.templates, *templates],
            handlers=[*settings.worker.handlers, *handlers],
            reload=reload,
            drain_seconds=settings.worker.drain_timeout_seconds,
        )

    asyncio.run(run_headless(options) if headless else run_with_dashboard(options))
