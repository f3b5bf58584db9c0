"""What the tests of messages share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from engine.store.pool import Connection
from tests.support.workflows import Workflows


@pytest.fixture
async def conn(database: str) -> AsyncIterator[Connection]:
    """A connection to the test's database."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
async def other(database: str) -> AsyncIterator[Connection]:
    """A second one, for what happens at the same time."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


@pytest.fixture
def flows(conn: Connection) -> Workflows:
    """Workflows through the first connection."""
    return Workflows(conn)
