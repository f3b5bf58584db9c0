"""An engine without its REST API, as a process that a test can kill."""

from __future__ import annotations

import asyncio
import signal

from engine.observability.logging import configure_logging
from engine.orchestration.orchestrator import Orchestrator
from engine.settings import Settings, load_settings
from engine.store.pool import open_pool

READY = "the engine runs"


async def run(settings: Settings) -> None:
    """Run the loops until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    pool = await open_pool(settings.database.dsn, max_size=6)
    orchestrator = Orchestrator(pool, settings)
    await orchestrator.start()
    print(READY, flush=True)
    await stop.wait()
    await orchestrator.stop()
    await pool.close()


def main() -> None:
    """Run it with the settings of the environment."""
    loaded = load_settings()
    configure_logging(loaded)
    asyncio.run(run(loaded))
