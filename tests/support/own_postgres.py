"""A PostgreSQL that belongs to one test or module, which stops it and starts it again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from engine.store.migrate import migrate
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.postgres import EmbeddedPostgres
from tests.support.postgres import VOLATILE, PgServer


class OwnPostgres(PgServer):
    """As the run's server, with a migrated template; `stop` and `start` may follow each other."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        super().__init__(server.dsn)
        self._server = server

    async def stop(self) -> None:
        """Shut it down in the way that cuts all connections at once."""
        await self._server.stop()

    async def start(self) -> None:
        """Start it, and wait until it takes connections."""
        await self._server.start()


@asynccontextmanager
async def own_postgres(folder: Path) -> AsyncIterator[OwnPostgres]:
    """A server for the length of a `with` block."""
    with DataFolder(folder) as data:
        embedded = EmbeddedPostgres(data, overrides=VOLATILE)
        server = OwnPostgres(embedded)
        await server.start()
        try:
            await migrate(embedded.dsn)
            yield server
        finally:
            await server.stop()
