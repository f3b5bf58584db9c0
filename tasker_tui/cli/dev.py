"""`tasker dev`: the settings of this place with the options of the command on top."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasker_tui.cli.errors import USAGE, CommandError
from tasker_tui.dev.options import StackOptions
from tasker_tui.dev.run import run_headless, run_with_dashboard


def run_dev(
    *, headless: bool, port: int | None, worker_port: int | None, broker: str | None, **options: Any
) -> None:
    """Run the local stack until it is told to stop; `options` are those of StackOptions.

    Raises StackError, SettingsError and others for what is in its way.
    """
    if options["database_url"] and (options["fresh"] or options["data_dir"]):
        raise CommandError("--database-url goes with neither --fresh nor --data-dir", "leave one out", USAGE)
    if not headless and not sys.stdout.isatty():
        raise CommandError("the dashboard needs a terminal", "add --headless to run without it", USAGE)
    given = {"port": port, "worker_port": worker_port, "broker": broker}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}

    def read() -> StackOptions:
        return replace(_with_settings(StackOptions(**options)), **chosen)

    asyncio.run(run_headless(read) if headless else run_with_dashboard(read))


def _with_settings(options: StackOptions) -> StackOptions:
    """The options completed by settings, where there are any: reading none takes a tenth of a start."""
    if not _anything_is_set():
        return options
    from engine.settings import load_settings

    settings = load_settings()
    return replace(
        options,
        port=settings.server.port,
        worker_port=settings.worker.port,
        templates=[*settings.worker.templates, *options.templates],
        handlers=[*settings.worker.handlers, *options.handlers],
        drain_seconds=settings.worker.drain_timeout_seconds,
        broker=settings.messaging.backend,
        rabbitmq_url=settings.rabbitmq.url,
    )


def _anything_is_set() -> bool:
    """Whether this place has a settings file or a variable of Tasker's."""
    environment = os.environ.get("TASKER_ENV") or "development"
    files = ("tasker.toml", f"tasker.{environment}.toml", ".env")
    return any(Path(name).exists() for name in files) or any(
        name.startswith("TASKER_") or name == "RABBITMQ_URL" for name in os.environ
    )
