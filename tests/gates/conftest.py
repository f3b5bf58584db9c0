"""A server of the gates' own, on which nothing happens but what a gate does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from engine.store.migrate import migrate
from tasker_tui.dev.postgres import NAME, running_postgres
from tests.support.invariants import assert_invariants
from tests.support.postgres import VOLATILE, PgServer

# Autovacuum takes transaction ids and writes WAL whenever it likes.
QUIET = {**VOLATILE, "autovacuum": "off"}


@pytest.fixture(scope="session")
def bare_gate_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgServer]:
    """The gates' server before any migration."""
    with running_postgres(tmp_path_factory.mktemp("gates"), overrides=QUIET) as dsn:
        yield PgServer(dsn)


@pytest.fixture(scope="session")
async def gate_server(bare_gate_server: PgServer) -> PgServer:
    """The gates' server, with a migrated template."""
    await migrate(bare_gate_server.dsn(NAME))
    return bare_gate_server


@pytest.fixture
async def quiet_database(gate_server: PgServer) -> AsyncIterator[str]:
    """The DSN of a migrated database on the gates' server; its invariants are checked in the end."""
    async with gate_server.new_database() as dsn:
        yield dsn
        assert_invariants(dsn)
