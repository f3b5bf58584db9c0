"""What a task's handlers logged, and who did what to it: by step, level and person."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.integration.api.conftest import Failure, World, code_of, step, template
from tests.integration.api.reading import reading as reading
from tests.support.served import served, tasker

LINES = (
    ("one", "DEBUG", "app", "begins"),
    ("two", "INFO", "app", "begins too"),
    ("one", "ERROR", "app", "refused"),
    ("two", "INFO", None, "printed"),
    ("one", "WARNING", "app", "gives up"),
)


async def logged(world: World, name: str) -> str:
    """A task whose steps one and two have logged LINES, in turns."""
    await world.register(template(name, [step("one"), step("two")]))
    uuid: str = (await world.create(name))["task_uuid"]
    steps = await world.steps(uuid)
    async with world.pool.acquire() as conn:
        for which, level, logger, message in LINES:
            await conn.execute(
                "INSERT INTO tasker.step_logs "
                "(task_uuid, step_uuid, claim_no, attempt, level, logger, message, at) "
                "VALUES ($1, $2, 1, 1, $3, $4, $5, now())",
                uuid, steps[which]["step_uuid"], level, logger, message,
            )  # fmt: skip
    await world.worker.run()
    return uuid


async def lines(world: World, uuid: str, **query: Any) -> list[tuple[str, str]]:
    return [
        (one["step"], one["message"]) for one in (await world.get(f"/v1/tasks/{uuid}/logs", **query))["lines"]
    ]


async def test_the_log_of_a_task_is_that_of_its_steps_in_order(reading: World) -> None:
    uuid = await logged(reading, "logs")
    assert await lines(reading, uuid) == [(line[0], line[3]) for line in LINES]
    page = await reading.get(f"/v1/tasks/{uuid}/logs")
    assert [one["stream"] for one in page["lines"]] == ["log", "log", "log", "stdout", "log"]
    assert page["next_after"] is None


async def test_it_narrows_to_a_step_and_a_level_and_comes_in_pages(reading: World) -> None:
    uuid = await logged(reading, "narrowed")
    one = (await reading.steps(uuid))["one"]["step_uuid"]
    assert await lines(reading, uuid, step="two") == [("two", "begins too"), ("two", "printed")]
    assert await lines(reading, uuid, step=one, level="error") == [("one", "refused")]
    assert len(await lines(reading, uuid, level="info")) == 4
    assert await lines(reading, uuid, step="three") == []
    first = await reading.get(f"/v1/tasks/{uuid}/logs", limit=3)
    rest = await lines(reading, uuid, after=first["next_after"])
    assert rest == [("two", "printed"), ("one", "gives up")]


async def acted_on(world: World, name: str) -> str:
    """A task that ada has reset and grace has skipped a step of."""
    await world.register(template(name, [step("one", retry={"max_attempts": 1}), step("two", "one")]))
    uuid: str = (await world.create(name))["task_uuid"]
    await world.worker.run(one=Failure())
    path = f"/v1/tasks/{uuid}/workflow_steps/{(await world.steps(uuid))['one']['step_uuid']}"
    reset = {"action_type": "reset_for_retry", "reason": "again", "reset_by": "ada"}
    assert (await world.http.patch(path, json=reset)).status_code == 200
    await world.worker.run(one=Failure())
    skip = {"action_type": "skip", "reason": "not needed", "skipped_by": "grace"}
    assert (await world.http.patch(path, json=skip)).status_code == 200
    await world.worker.run()
    return uuid


async def test_the_history_narrows_to_what_people_did(reading: World) -> None:
    uuid = await acted_on(reading, "acts")

    async def actors(**query: Any) -> set[str | None]:
        page = await reading.get(f"/v1/tasks/{uuid}/transitions", **query)
        return {one["actor"] for one in page["transitions"]}

    assert {"ada", "grace", "engine:test", None} <= await actors()
    assert await actors(by_hand=True) == {"ada", "grace"}
    assert await actors(actor="ada") == {"ada"}
    assert await actors(actor="nobody") == set()
    two = (await reading.steps(uuid))["two"]["step_uuid"]
    assert await actors(by_hand=True, step_uuid=two) == {"grace"}
    page = await reading.get(f"/v1/tasks/{uuid}/transitions", by_hand=True)
    assert {one["reason"] for one in page["transitions"] if one["step_name"] == "one"} == {
        "again",
        "not needed",
    }


async def test_what_is_not_there_or_wrong_is_said(reading: World) -> None:
    unknown = await reading.http.get(f"/v1/tasks/{uuid4()}/logs")
    assert (unknown.status_code, code_of(unknown)) == (404, "NOT_FOUND")
    wrong = await reading.http.get(f"/v1/tasks/{uuid4()}/logs", params={"level": "loud"})
    assert wrong.status_code == 400
    assert "level" in wrong.text


@pytest.mark.parametrize("quiet", [False, True])
async def test_the_command_line_shows_both(reading: World, quiet: bool) -> None:
    name = f"shown_{quiet}".lower()
    uuid = await logged(reading, f"{name}_logs")
    acts = await acted_on(reading, f"{name}_acts")
    narrowed = ("--level", "critical") if quiet else ("--step", "one", "--level", "warning")
    who = ("--actor", "nobody") if quiet else ("--by-hand", "--step", "one")
    async with served(reading.app) as url:
        said = await tasker(url, "task", "logs", uuid, *narrowed)
        happened = await tasker(url, "task", "history", acts, *who)
    assert (said.code, happened.code) == (0, 0), said.err + happened.err
    if quiet:
        assert said.out == "its handlers logged nothing of that kind\n"
        assert happened.out.startswith("nothing of that kind happened")
    else:
        assert [line.split()[3:] for line in said.out.splitlines()] == [
            ["ERROR", "refused"],
            ["WARNING", "gives", "up"],
        ]
        assert "error → pending → enqueued" in happened.out
        assert "not needed" in happened.out
