"""Several engines on one database: each answers the same, whoever was asked first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.api.conftest import World, world_on


@pytest.fixture
async def engines(world: World, database: str) -> AsyncIterator[list[World]]:
    async with world_on(database) as second, world_on(database) as third:
        yield [world, second, third]


async def finished(engines: list[World], made: list[dict[str, Any]]) -> None:
    """All tasks are distinct and complete, and every engine tells the same of them."""
    assert len({task["task_uuid"] for task in made}) == len(made)
    await engines[0].worker.run()
    for task in made:
        first, *others = [await engine.task(task["task_uuid"]) for engine in engines]
        assert first["execution_status"] == "all_complete"
        assert others == [first] * len(others)


@pytest.mark.scenario(150, 153)
async def test_tasks_created_at_once_on_all_engines_all_complete(engines: list[World]) -> None:
    made = await asyncio.gather(*(engine.create() for engine in engines * 4))
    await finished(engines, made)


@pytest.mark.scenario(151)
async def test_a_burst_of_25_on_one_engine(engines: list[World]) -> None:
    made = await asyncio.gather(*(engines[0].create() for _ in range(25)))
    await finished(engines, made)


@pytest.mark.scenario(152)
async def test_three_rounds_from_engine_to_engine(engines: list[World]) -> None:
    made = [await engine.create() for _ in range(3) for engine in engines]
    await finished(engines, made)


@pytest.mark.scenario(155)
async def test_what_one_engine_has_answered_the_others_know(engines: list[World]) -> None:
    first, second, third = engines
    created = await first.create(context={"a": 1})
    assert await second.task(created["task_uuid"]) == created
    listed = (await third.get("/v1/tasks", limit=1))["tasks"]
    assert [one["task_uuid"] for one in listed] == [created["task_uuid"]]
    await third.http.delete(f"/v1/tasks/{created['task_uuid']}")
    assert (await first.task(created["task_uuid"]))["status"] == "cancelled"


@pytest.mark.scenario(154)
async def test_after_operations_on_all_of_them_the_engines_agree(engines: list[World]) -> None:
    made = [await engine.create() for engine in engines for _ in range(2)]
    uuids = [task["task_uuid"] for task in made]
    cancels = [engine.http.delete(f"/v1/tasks/{uuids[n]}") for n, engine in enumerate(engines)]
    await asyncio.gather(engines[0].worker.run(), *cancels)
    for uuid in uuids:
        first, *others = [await engine.task(uuid) for engine in engines]
        assert others == [first] * len(others)
        assert first["status"] in ("complete", "cancelled")
