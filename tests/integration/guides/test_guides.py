"""Every guide does what it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.commands import Commands
from tests.support.doc_examples import GuideRun, worker_environment
from tests.support.doc_guides import Guide
from tests.support.e2e_stack import Stack, running_stack
from tests.support.postgres import PgServer

GUIDES = Path(__file__).parents[3] / "docs" / "guides"
INDEX = "README.md"
NAMES = sorted(path.name for path in GUIDES.glob("*.md") if path.name != INDEX)


@pytest.fixture(scope="module")
async def stack(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A server and a worker for all guides."""
    folder = tmp_path_factory.mktemp("guides")
    environment = worker_environment([Guide.read(GUIDES / name) for name in NAMES], folder)
    async with running_stack(pg_server, folder, environment) as stack:
        yield stack


@pytest.fixture(scope="module")
def programs(stack: Stack) -> Commands:
    return Commands(stack.url)


@pytest.mark.parametrize("name", NAMES)
async def test_a_guide_does_what_it_shows(name: str, stack: Stack, programs: Commands, tmp_path: Path):
    await GuideRun(Guide.read(GUIDES / name), stack, programs, tmp_path).run()


def test_the_index_names_every_guide():
    index = (GUIDES / INDEX).read_text()
    assert [name for name in NAMES if f"({name})" not in index] == []
