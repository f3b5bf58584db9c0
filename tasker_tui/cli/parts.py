"""The processes of a production system: `tasker server` and `tasker worker`.

Also run as `python -m tasker_tui.cli.parts server|worker`, which is how the local stack starts them.
"""

from __future__ import annotations

import sys
from typing import Any


def run_server(**values: Any) -> None:
    """Run the engine with its REST API until it is told to stop; `values` win over other settings."""
    from engine.observability.logging import configure_logging
    from engine.server import run
    from engine.settings import load_settings

    settings = load_settings(**values)
    configure_logging(settings)
    run(settings)


def run_worker(**values: Any) -> None:
    """Run a worker until it is told to stop and has drained; `values` win over other settings."""
    from engine.observability.logging import configure_logging
    from engine.settings import load_settings
    from workers.runtime.main import run

    settings = load_settings(**values)
    configure_logging(settings)
    run(settings)


if __name__ == "__main__":
    from tasker_tui.cli.errors import exit_code_of

    sys.exit(exit_code_of({"server": run_server, "worker": run_worker}[sys.argv[1]]))
