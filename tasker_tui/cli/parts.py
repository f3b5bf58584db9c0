"""The processes of a production system: `tasker server` and `tasker worker`.

The local stack runs them as `python -m tasker_tui.cli.parts server|worker`. Such a process first imports all
that it needs, which takes longer than anything else, and then reads its environment variables as one line of
JSON from standard input: so it starts while the database does.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.settings import Settings

    Run = Callable[[Settings], int | None]


def run_server(**values: Any) -> int | None:
    """Run the engine with its REST API until it is told to stop; `values` win over other settings.

    Returns the exit code, None for 0.
    """
    return _run(_imported(_server), values)


def run_worker(*, debugged: str | None = None, **values: Any) -> int | None:
    """Run a worker until it is told to stop and has drained; `values` win over other settings.

    With `debugged` it runs that handler alone, at this terminal. Returns the exit code, None for 0.
    """
    run: Callable[..., int | None] = _imported(_worker)
    return _run(run if debugged is None else partial(run, debugged=debugged), values)


def run_in_stack(name: str) -> int | None:
    """Run a part of the local stack, once the stack says with which environment."""
    run = _imported({"server": _server, "worker": _worker}[name])
    line = sys.stdin.readline()
    if not line:  # the stack gave up before this part was needed
        return None
    os.environ.update(json.loads(line))
    return _run(run, {})


def _run(run: Run, values: dict[str, Any]) -> int | None:
    from engine.observability.logging import configure_logging
    from engine.settings import load_settings

    settings = load_settings(**values)
    configure_logging(settings)
    return run(settings)


def _imported(load: Callable[[], Run]) -> Run:
    """Import a part without looking for garbage, of which imports make none, and never look at it again."""
    gc.disable()
    run = load()
    gc.freeze()
    gc.enable()
    return run


def _server() -> Run:
    import engine.observability.logging
    import engine.settings  # noqa: F401
    from engine.server import run

    return run


def _worker() -> Run:
    import engine.observability.logging
    import engine.settings  # noqa: F401
    from workers.runtime.main import run

    return run


if __name__ == "__main__":
    from tasker_tui.cli.errors import exit_code_of

    sys.exit(exit_code_of(lambda: run_in_stack(sys.argv[1])))
