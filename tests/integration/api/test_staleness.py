"""Limits of templates: stale tasks are found and ended; monitoring says which ones come near.

Time is moved by connections whose clock is ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest

from engine.orchestration.staleness import Search, StalenessDetector
from engine.settings import StalenessSettings
from tests.integration.api.conftest import Failure, World, step, template, world_on

TWO = [step("a"), step("b", "a")]
Limits = dict[str, Any]


def in_minutes(dsn: str, minutes: float) -> str:
    """The database, seen by connections whose clock is ahead."""
    return f"{dsn}{'&' if '?' in dsn else '?'}tasker.clock_offset={quote(f'{minutes} minutes')}"


@asynccontextmanager
async def later(dsn: str, minutes: float) -> AsyncIterator[World]:
    """An engine whose clock is ahead."""
    async with world_on(in_minutes(dsn, minutes)) as world:
        yield world


async def search(world: World, **settings: Any) -> Search:
    return await StalenessDetector(world.pool, StalenessSettings(**settings), "engine:test").search()


async def start(world: World, name: str = "slow", **limits: Any) -> str:
    """A task of a template with these limits, whose step `a` a worker runs."""
    await world.register(template(name, TWO, lifecycle=limits))
    await world.worker.register()
    uuid: str = (await world.create(name))["task_uuid"]
    return uuid


def ended(found: Search) -> list[tuple[str, bool | None, bool | None]]:
    return [(str(task.task_uuid), end and end.moved, end and end.letter) for task, end in found.found]


@pytest.mark.scenario(128)
async def test_a_task_that_waits_too_long_for_dependencies_ends_among_the_dead_letters(
    world: World, database: str
) -> None:
    uuid = await start(world, max_waiting_for_dependencies_minutes=2)
    async with world.pool.acquire() as conn:
        await conn.execute("UPDATE tasker.tasks SET state = 'waiting_for_dependencies'")
        await conn.execute(
            """
            INSERT INTO tasker.transitions (task_uuid, task_path, at)
            SELECT task_uuid, '{steps_in_process,evaluating_results,waiting_for_dependencies}', tasker.now()
            FROM tasker.tasks
            """
        )
    async with later(database, 3) as then:
        found = await search(then)
        assert ended(found) == [(uuid, True, True)]
        assert (found.found[0][0].passed, found.found[0][0].threshold) == ("waiting_for_dependencies", 2)
        assert ended(await search(then)) == []
    entry = await world.get(f"/v1/dlq/task/{uuid}")
    assert (entry["dlq_reason"], entry["cause"], entry["original_state"], entry["resolution_status"]) == (
        "staleness_timeout", "stale", "waiting_for_dependencies", "pending",
    )  # fmt: skip
    assert entry["metadata"]["limit"] == "waiting_for_dependencies"
    assert (await world.task(uuid))["status"] == "error"


@pytest.mark.scenario(129)
async def test_a_task_that_runs_too_long_ends_and_its_late_result_is_refused(
    world: World, database: str
) -> None:
    uuid = await start(world, max_steps_in_process_minutes=2)
    (a,) = await world.worker.claim()
    async with later(database, 1) as then:
        assert ended(await search(then)) == []
    async with later(database, 2.5) as then:
        assert ended(await search(then)) == [(uuid, True, True)]
    entry = await world.get(f"/v1/dlq/task/{uuid}")
    assert (entry["dlq_reason"], entry["original_state"]) == ("staleness_timeout", "steps_in_process")
    steps = await world.steps(uuid)
    assert {name: one["current_state"] for name, one in steps.items()} == {"a": "error", "b": "pending"}
    await world.worker.finish(a, {"late": True})
    assert (await world.steps(uuid))["a"]["current_state"] == "error"
    (attempt,) = await world.get(f"/v1/tasks/{uuid}/workflow_steps/{steps['a']['step_uuid']}/audit")
    assert attempt["result"]["error"]["error_type"] == "staleness_timeout"
    assert "its template allows 2" in attempt["result"]["error"]["message"]
    told = {"action": "retry", "resolved_by": "ana", "resolution_notes": "the bank is back"}
    await world.http.patch(f"/v1/dlq/entry/{entry['dlq_entry_uuid']}", json=told)
    async with later(database, 1) as then:
        assert ended(await search(then)) == []
    await world.worker.run()
    assert (await world.task(uuid))["status"] == "complete"


@pytest.mark.scenario(112)
async def test_a_limit_on_the_whole_duration_holds_whatever_the_task_does(
    world: World, database: str
) -> None:
    uuid = await start(world, max_duration_minutes=60)
    async with later(database, 59) as then:
        (a,) = await then.worker.claim()
        await then.worker.finish(a, error=Failure("later", retryable=True, retry_after=7200).details)
        assert (await world.task(uuid))["status"] == "waiting_for_retry"
        assert ended(await search(then)) == []
    async with later(database, 61) as then:
        found = await search(then)
        assert (found.found[0][0].passed, ended(found)) == ("duration", [(uuid, True, True)])
    entry = await world.get(f"/v1/dlq/task/{uuid}")
    assert entry["original_state"] == "waiting_for_retry"
    assert (await world.task(uuid))["status"] == "error"
    assert (await world.steps(uuid))["a"]["current_state"] == "error"
    async with later(database, 62) as then:
        await then.http.patch(f"/v1/dlq/entry/{entry['dlq_entry_uuid']}", json={"action": "retry"})
    async with later(database, 120) as then:
        assert ended(await search(then)) == []
    assert (await world.task(uuid))["status"] == "steps_in_process"


@pytest.mark.parametrize(
    ("limits", "status", "letters"),
    [
        ({"staleness_action": "dlq"}, "error", 1),
        ({"staleness_action": "error"}, "error", 0),
        ({"staleness_action": "none"}, "steps_in_process", 0),
        ({"staleness_action": "error", "auto_dlq_on_timeout": True}, "error", 1),
        ({"auto_fail_on_timeout": False}, "steps_in_process", 1),
        ({"staleness_action": "none", "auto_fail_on_timeout": True}, "error", 0),
    ],
)
async def test_the_template_says_what_happens(
    world: World, database: str, limits: Limits, status: str, letters: int
) -> None:
    uuid = await start(world, max_steps_in_process_minutes=5, **limits)
    async with later(database, 6) as then:
        await search(then)
        await search(then)
    assert (await world.task(uuid))["status"] == status
    assert len(await world.get("/v1/dlq")) == letters
    if status == "steps_in_process":
        await world.worker.run()
        assert (await world.task(uuid))["status"] == "complete"
        assert await world.get("/v1/dlq", resolution_status="pending") == []


async def test_without_a_limit_of_its_own_an_honest_task_is_left_alone(world: World, database: str) -> None:
    uuid = await start(world, staleness_action="dlq")
    async with later(database, 100_000) as then:
        assert (await search(then)).looked_at == 0
        (row,) = await then.get("/v1/dlq/staleness")
        assert row["health_status"] == "stale"
    assert (await world.task(uuid))["status"] == "steps_in_process"


@pytest.mark.scenario(130)
@pytest.mark.scenario(132)
async def test_monitoring_tells_healthy_from_nearly_stale_from_stale(world: World, database: str) -> None:
    await start(world, "usual")
    own = await start(world, "patient", max_steps_in_process_minutes=600)
    for minutes, health in ((23, "healthy"), (24, "warning"), (29, "warning"), (30, "stale")):
        async with later(database, minutes + 0.01) as then:
            rows = {one["task_name"]: one for one in await then.get("/v1/dlq/staleness")}
            assert [one["task_name"] for one in await then.get("/v1/dlq/staleness", limit=1)] == ["usual"]
        usual, patient = rows["usual"], rows["patient"]
        assert (usual["staleness_threshold_minutes"], patient["staleness_threshold_minutes"]) == (30, 600)
        assert (usual["health_status"], usual["time_in_state_minutes"]) == (health, minutes)
        assert usual["task_age_minutes"] == minutes
        assert (patient["health_status"], patient["task_uuid"]) == ("healthy", own)
        assert patient["current_state"] == "steps_in_process"


@pytest.mark.scenario(132)
async def test_each_state_has_a_threshold_which_the_template_overrides(world: World) -> None:
    async with world.pool.acquire() as conn:

        async def threshold(state: str, lifecycle: str) -> int:
            found: int = await conn.fetchval(
                "SELECT tasker.staleness_threshold($1, $2::json)", state, lifecycle
            )
            return found

        states = ("waiting_for_dependencies", "waiting_for_retry", "steps_in_process", "blocked_by_failures")
        assert [await threshold(state, "{}") for state in states] == [60, 30, 30, 1440]
        for state in states[:3]:
            assert await threshold(state, f'{{"max_{state}_minutes": 7}}') == 7


@pytest.mark.scenario(134)
async def test_a_task_that_somebody_looks_after_is_not_found_again(world: World, database: str) -> None:
    uuid = await start(world, max_steps_in_process_minutes=5)
    await world.post({"reason": "I know", "actor": "ana"}, f"/v1/dlq/task/{uuid}")
    async with later(database, 60) as then:
        assert ended(await search(then)) == []
        entry = (await then.get(f"/v1/dlq/task/{uuid}"))["dlq_entry_uuid"]
        await then.http.patch(f"/v1/dlq/entry/{entry}", json={"resolution_status": "manually_resolved"})
    assert (await world.task(uuid))["status"] == "steps_in_process"
    async with later(database, 64) as then:
        assert ended(await search(then)) == []
    async with later(database, 66) as then:
        assert ended(await search(then)) == [(uuid, True, True)]


@pytest.mark.scenario(135)
async def test_a_dry_run_changes_nothing_and_a_real_run_keeps_to_its_batch(
    world: World, database: str
) -> None:
    await world.register(template("slow", TWO, lifecycle={"max_steps_in_process_minutes": 5}))
    await world.register(template("patient", TWO, lifecycle={"max_steps_in_process_minutes": 600}))
    slow = [(await world.create("slow"))["task_uuid"] for _ in range(3)]
    patient = (await world.create("patient"))["task_uuid"]

    async def states() -> list[str]:
        return [(await world.task(uuid))["status"] for uuid in slow]

    async with later(database, 6) as then:
        for _ in range(2):
            dry = await search(then, dry_run=True)
            assert sorted(ended(dry)) == [(uuid, None, None) for uuid in slow]
        assert await states() == ["steps_in_process"] * 3
        assert await world.get("/v1/dlq") == []
        assert len((await search(then, batch_size=2)).found) == 2
        assert sorted(await states()) == ["error", "error", "steps_in_process"]
        assert len((await search(then, batch_size=2)).found) == 1
    assert await states() == ["error"] * 3
    assert (await world.task(patient))["status"] == "steps_in_process"


@pytest.mark.scenario(137)
async def test_searches_are_counted(world: World, database: str) -> None:
    await start(world, max_steps_in_process_minutes=5)
    async with later(database, 6) as then:
        await search(then)
        await search(then)
    text = (await world.http.get("/metrics")).text
    for line in (
        "tasker_staleness_detection_runs_total 2.0",
        "tasker_staleness_tasks_detected_total 1.0",
        "tasker_staleness_tasks_transitioned_to_error_total 1.0",
        'tasker_dlq_entries_created_total{reason="staleness_timeout"} 1.0',
        'tasker_dlq_pending_investigations{reason="staleness_timeout"} 1.0',
    ):
        assert f"\n{line}\n" in text


async def test_a_task_whose_end_fails_does_not_keep_the_others_from_theirs(
    world: World, database: str
) -> None:
    await world.register(template("slow", TWO, lifecycle={"max_steps_in_process_minutes": 5}))
    tasks = [(await world.create("slow"))["task_uuid"] for _ in range(3)]
    async with world.pool.acquire() as conn:
        await conn.execute(
            f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END';
            CREATE TRIGGER refuse BEFORE INSERT ON tasker.tasks_dlq
            FOR EACH ROW WHEN (new.task_uuid = '{tasks[1]}') EXECUTE FUNCTION refuse();
            """
        )
    async with later(database, 6) as then:
        assert sorted(ended(await search(then))) == [
            (tasks[0], True, True), (tasks[1], None, None), (tasks[2], True, True),
        ]  # fmt: skip
    async with world.pool.acquire() as conn:
        await conn.execute("DROP TRIGGER refuse ON tasker.tasks_dlq")
    async with later(database, 8) as then:
        assert ended(await search(then)) == [(tasks[1], True, True)]


async def test_the_limits_do_not_count_while_the_task_is_paused(world: World, database: str) -> None:
    uuid = await start(world, max_steps_in_process_minutes=5)
    await world.http.post(f"/v1/tasks/{uuid}/pause", json={})
    async with later(database, 60) as then:
        assert ended(await search(then)) == []
        await then.http.post(f"/v1/tasks/{uuid}/resume", json={})
    async with later(database, 64) as then:
        assert ended(await search(then)) == []
    async with later(database, 66) as then:
        assert ended(await search(then)) == [(uuid, True, True)]


async def test_engines_side_by_side_end_each_stale_task_once(world: World, database: str) -> None:
    await world.register(template("slow", TWO, lifecycle={"max_steps_in_process_minutes": 5}))
    tasks = [(await world.create("slow"))["task_uuid"] for _ in range(12)]
    async with later(database, 6) as then:
        searches = await asyncio.gather(*(search(then, batch_size=5) for _ in range(4)))
    done = [uuid for one in searches for uuid, moved, _ in ended(one) if moved]
    assert sorted(done) == sorted(tasks)
    assert len(await world.get("/v1/dlq", limit=100)) == 12


async def test_a_task_taken_up_again_in_part_has_its_limits_again(world: World, database: str) -> None:
    await world.register(template("wide", [step("a"), step("b")], lifecycle={"max_duration_minutes": 2}))
    await world.worker.register()
    uuid: str = (await world.create("wide"))["task_uuid"]
    async with later(database, 3) as then:
        assert ended(await search(then)) == [(uuid, True, True)]
    a = (await world.steps(uuid))["a"]["step_uuid"]
    body = {"action_type": "resolve_manually", "reason": "done by hand", "resolved_by": "ana"}
    answer = await world.http.patch(f"/v1/tasks/{uuid}/workflow_steps/{a}", json=body)
    assert answer.status_code == 200, answer.text
    assert (await world.task(uuid))["status"] == "blocked_by_failures"
    async with world.pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM tasker.task_limits WHERE task_uuid = $1", uuid) == 1
