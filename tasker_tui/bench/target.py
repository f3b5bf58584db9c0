"""What is measured: a running system, reached over HTTP, and its database for what only that knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from engine.store.pool import DATABASE_ERRORS, connect
from engine.store.pool import Connection as Database
from tasker_tui.bench.errors import BenchError

NAMESPACE = "bench"


@dataclass(frozen=True, slots=True)
class Target:
    """A running system. `processes` are its process ids by name; empty where they are not ours to see.
    `more_engines` are the addresses of engines beside the one at `url`."""

    url: str
    dsn: str
    processes: Mapping[str, int] = field(default_factory=dict)
    more_engines: Sequence[str] = ()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """A connection to its database; raises BenchError when that cannot be reached."""
        try:
            conn = await connect(self.dsn)
        except DATABASE_ERRORS as error:
            raise BenchError(
                f"the database cannot be reached: {error}", "give the server's own with --database-url URL"
            ) from error
        try:
            yield conn
        finally:
            await conn.close()
