"""The stack that most acceptance tests share: one server, one worker, the bundled examples and our own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.api import Api
from tests.support.e2e_stack import Stack, running_stack
from tests.support.postgres import PgServer

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "workers" / "examples"

ENVIRONMENT = {
    "TASKER_WORKER_TEMPLATES": json.dumps([str(EXAMPLES / "templates"), str(HERE / "templates")]),
    "TASKER_WORKER_HANDLERS": json.dumps(["workers.examples.handlers", str(HERE / "handlers")]),
    "TASKER_SERVER_CONFIG_ENDPOINT": "true",
    "TASKER_MISSING_HANDLER_GRACE_SECONDS": "0.5",
}


@pytest.fixture(scope="session")
async def stack(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """One server and one worker. Tests keep apart by namespaces; what they start they end."""
    async with running_stack(pg_server, tmp_path_factory.mktemp("e2e"), ENVIRONMENT) as stack:
        yield stack


@pytest.fixture(scope="session")
async def worker(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The own port of the stack's worker."""
    async with httpx.AsyncClient(base_url=stack.workers[0].url) as client:
        yield client


@pytest.fixture(scope="session")
async def api(stack: Stack) -> AsyncIterator[Api]:
    """The stack's server."""
    api = Api(stack.url)
    async with api.http:
        yield api
