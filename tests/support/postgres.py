"""A real PostgreSQL for tests: one server a run (one a worker of xdist), one database a test.

`database` gives the DSN of an empty, migrated database, copied from a template. A test that needs several,
or one that lives longer, takes `pg_server` and calls `new_database`. A test about durability, WAL or the
server's own settings starts a server of its own with `tasker_tui.dev.postgres.running_postgres`.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from engine.store.migrate import migrate
from tasker_tui.dev.postgres import NAME, running_postgres

# A crash of the machine in the middle of a test run loses nothing that anybody wants.
VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_wal_size": "256MB",  # it may lie in memory
}

MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3


class PgServer:
    """The run's server; its database `tasker` is migrated and serves as the template of all others."""

    def __init__(self, dsn: str) -> None:
        self._template_dsn = dsn
        self._numbers = itertools.count(1)

    def dsn(self, database: str) -> str:
        """The URL of a database of this server."""
        return urlsplit(self._template_dsn)._replace(path=f"/{database}").geturl()

    @asynccontextmanager
    async def new_database(self, template: str = NAME) -> AsyncIterator[str]:
        """A database for the length of a `with` block; gives its DSN. From `template0` it is empty."""
        name = f"test_{next(self._numbers)}"
        # Through the log, as is usual, each page of the template would be written twice.
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.dsn(name)
        finally:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def bare_server() -> Iterator[PgServer]:
    """The run's server before any migration."""
    with (
        tempfile.TemporaryDirectory(prefix="tasker-tests-", dir=_quickest()) as folder,
        running_postgres(Path(folder), overrides=VOLATILE) as dsn,
    ):
        yield PgServer(dsn)


def _quickest() -> Path | None:
    """Where a thousand databases come and go: in memory, if there is room, else in the temporary folder."""
    with suppress(OSError):
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
            return MEMORY
    return None


@pytest.fixture(scope="session")
async def pg_server(bare_server: PgServer) -> PgServer:
    """The run's server, with a migrated template."""
    await migrate(bare_server.dsn(NAME))
    return bare_server


@pytest.fixture
async def database(pg_server: PgServer) -> AsyncIterator[str]:
    """The DSN of a migrated database that is this test's alone."""
    async with pg_server.new_database() as dsn:
        yield dsn
