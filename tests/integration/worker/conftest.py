"""What the tests of the worker share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.postgres import PgServer
from tests.support.stack import Stack, WorkerPart, stack_on


@pytest.fixture(scope="module")
async def shared_stack(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack with an engine and a worker for all tests of a module that kill nothing."""
    async with pg_server.new_database() as dsn, stack_on(dsn, tmp_path_factory.mktemp("stack")) as stack:
        await stack.engine(TASKER_MISSING_HANDLER_GRACE_SECONDS="0")
        await stack.worker(slots=20)
        yield stack


@pytest.fixture
def worker(shared_stack: Stack) -> WorkerPart:
    """The worker of the shared stack."""
    part = shared_stack.parts[1]
    assert isinstance(part, WorkerPart)
    return part
