"""The commands that have modules of their own, which are imported when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import typer

CATALOGUE: Mapping[str, tuple[str, ...]] = {
    "task": ("task.task_app", "by_hand", "comparison", "history_of_task", "reports", "reruns"),
    "failures": ("failures.failures_app",),
    "bulk": ("bulk_commands.bulk_app",),
    "dlq": ("dlq.dlq_app",),
    "pause": ("pauses.pause",),
    "resume": ("pauses.resume",),
    "pauses": ("pauses.list_pauses",),
    "queues": ("queues.queues",),
    "handlers": ("queues.handlers",),
    "workers": ("workers.workers",),
    "grid": ("comparison.grid",),
    "analytics": ("analytics.analytics_app", "history"),
    "webhook": ("webhooks.webhook_app",),
    "retention": ("retention.retention",),
    "doctor": ("doctor.doctor",),
    "dev": ("dev_commands.dev_app",),
    "config": ("config.show_config",),
    "bench": ("bench.bench",),
    "chaos": ("chaos.chaos",),
}
"""Where each command is, and the modules that add to a group of commands."""


def add_from_catalogue(app: typer.Typer, name: str) -> None:
    """Add a command or a group of commands."""
    (module, _, attribute), *more = (place.partition(".") for place in CATALOGUE[name])
    found = getattr(_module(module), attribute)
    for also, _, _ in more:
        _module(also)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
    else:
        app.command(name)(found)


def _module(name: str) -> object:
    return import_module(f"tasker_tui.cli.{name}")
