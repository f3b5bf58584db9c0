"""One world for all tests of a module that only read: each makes templates and tasks of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.api.conftest import World, world_on
from tests.support.invariants import assert_invariants
from tests.support.postgres import PgServer


@pytest.fixture(scope="module")
async def reading(pg_server: PgServer) -> AsyncIterator[World]:
    """An engine's API with a registered worker, on a database whose invariants are checked in the end."""
    async with pg_server.new_database() as dsn:
        async with world_on(dsn) as made:
            await made.worker.register()
            yield made
        assert_invariants(dsn)
