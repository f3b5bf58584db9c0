"""Where a handler is debugged that belongs to a running `tasker dev`."""

from __future__ import annotations

import asyncio
import contextlib
import os

from tasker_tui.dev.door import Door, NoStack

DATABASES = ("TASKER_DATABASE_URL", "DATABASE_URL")


def use_local_stack(url: str) -> None:
    """Take database, templates and handlers from the stack behind `url`.

    What this environment says already counts for more; a database that it names, instead of the whole stack.
    """
    if any(os.environ.get(name) for name in DATABASES):
        return
    with contextlib.suppress(NoStack):
        for name, value in asyncio.run(_environment(url)).items():
            os.environ.setdefault(name, value)


async def _environment(url: str) -> dict[str, str]:
    return dict(await Door(url).environment())
