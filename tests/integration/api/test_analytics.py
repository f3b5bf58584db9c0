"""`/v1/analytics`: how the system does, and what slows it down."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.conftest import Failure, World, step, template

ONCE = {"max_attempts": 1}

pytestmark = pytest.mark.scenario(111)


async def run_slowly(world: World, name: str, milliseconds: int, count: int = 1) -> None:
    """Run tasks of a template whose attempts say that they took so long."""
    world.worker.execution_ms = milliseconds
    for _ in range(count):
        await world.create(name)
    await world.worker.run()


def named(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["task_name"], one["step_name"]) for one in rows]


async def test_an_idle_system_has_figures_too(world: World) -> None:
    found = await world.get("/v1/analytics/performance")
    assert found["total_tasks"] == found["active_tasks"] == found["steps_per_hour"] == 0
    assert found["completion_rate"] == found["error_rate"] == 0
    assert found["system_health_score"] == 1
    assert found["analysis_period_start"] < found["calculated_at"]
    slow = await world.get("/v1/analytics/bottlenecks")
    assert (slow["slow_steps"], slow["slow_tasks"], slow["recommendations"]) == ([], [], [])
    assert slow["resource_utilization"]["system_health"]["total_tasks"] == 0


async def test_tasks_are_counted_by_how_they_ended(world: World) -> None:
    await world.register(template("pay", [step("charge", retry=ONCE)]))
    await run_slowly(world, "linear", 12, count=3)
    await world.create("pay")
    await world.worker.run(charge=Failure())
    cancelled = await world.create("linear")
    await world.http.delete(f"/v1/tasks/{cancelled['task_uuid']}")
    await world.create("linear")
    found = await world.get("/v1/analytics/performance", hours=1)
    counts = [found[f"{name}_tasks"] for name in ("total", "active", "completed", "failed")]
    assert counts == [6, 1, 3, 1]
    assert (found["completion_rate"], found["error_rate"]) == (0.5, pytest.approx(1 / 6))
    assert (found["tasks_per_hour"], found["steps_per_hour"]) == (3, 13)
    assert found["average_step_duration_seconds"] == pytest.approx(0.012)
    assert found["average_task_duration_seconds"] > 0
    assert found["system_health_score"] == 0.75


async def test_states_of_tasks_and_steps_are_counted(world: World) -> None:
    await run_slowly(world, "linear", 12, count=2)
    await world.create("linear")
    slow = await world.get("/v1/analytics/bottlenecks")
    counts = slow["resource_utilization"]["system_health"]
    assert {name: count for name, count in counts.items() if count} == {
        "complete_tasks": 2,
        "steps_in_process_tasks": 1,
        "total_tasks": 3,
        "complete_steps": 8,
        "enqueued_steps": 1,
        "pending_steps": 3,
        "total_steps": 12,
    }


async def test_the_slowest_come_first_and_equal_names_stay_apart(world: World) -> None:
    await world.register(template("fast", [step("load")]), template("slow", [step("load")]))
    await run_slowly(world, "fast", 10, count=5)
    await run_slowly(world, "slow", 40_000, count=5)
    found = await world.get("/v1/analytics/bottlenecks")
    assert named(found["slow_steps"]) == [("slow", "load"), ("fast", "load")]
    first = found["slow_steps"][0]
    assert first["average_duration_seconds"] == first["max_duration_seconds"] == 40
    assert (first["execution_count"], first["error_count"], first["error_rate"]) == (5, 0, 0)
    assert [one["average_step_count"] for one in found["slow_tasks"]] == [1, 1]
    assert any("step load of test/slow 1.0.0 takes 40.0 s" in line for line in found["recommendations"])
    assert named((await world.get("/v1/analytics/bottlenecks", limit=1))["slow_steps"]) == [("slow", "load")]


async def test_what_ran_seldom_is_left_out(world: World) -> None:
    await run_slowly(world, "linear", 12, count=2)
    assert (await world.get("/v1/analytics/bottlenecks"))["slow_steps"] == []
    found = await world.get("/v1/analytics/bottlenecks", min_executions=2)
    assert len(found["slow_steps"]) == 4
    assert [one["execution_count"] for one in found["slow_tasks"]] == [2]


async def test_errors_are_counted_and_named(world: World) -> None:
    await world.register(template("pay", [step("charge", retry=ONCE)]))
    for outcome in (Failure(), Failure(), {}, {}):
        await world.create("pay")
        await world.worker.run(charge=outcome)
    found = await world.get("/v1/analytics/bottlenecks", min_executions=1)
    (charge,) = found["slow_steps"]
    assert (charge["execution_count"], charge["error_count"], charge["error_rate"]) == (4, 2, 0.5)
    assert any("fails in 50% of its attempts (2 of 4)" in line for line in found["recommendations"])


async def test_counting_twice_changes_nothing(world: World) -> None:
    await run_slowly(world, "linear", 12, count=5)
    first = await world.get("/v1/analytics/bottlenecks")
    assert (await world.get("/v1/analytics/bottlenecks"))["slow_steps"] == first["slow_steps"]
    assert {one["execution_count"] for one in first["slow_steps"]} == {5}


async def test_only_the_last_hours_count(world: World) -> None:
    await run_slowly(world, "linear", 12, count=5)
    assert (await world.get("/v1/analytics/performance"))["completed_tasks"] == 5
    async with world.pool.acquire() as conn:
        for table, column in (("hops", "minute"), ("durations", "minute"), ("durations", "hour")):
            await conn.execute(
                f"UPDATE tasker.{table}_by_{column} SET {column} = {column} - interval '10 hours'"
            )
    for hours, count in ((2, 0), (24, 5)):
        assert (await world.get("/v1/analytics/performance", hours=hours))["completed_tasks"] == count
        slow = (await world.get("/v1/analytics/bottlenecks", hours=hours))["slow_tasks"]
        assert [one["execution_count"] for one in slow] == ([count] if count else [])


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("performance", {"hours": 0}),
        ("performance", {"hours": 721}),
        ("bottlenecks", {"limit": 0}),
        ("bottlenecks", {"min_executions": "many"}),
    ],
)
async def test_wrong_parameters_are_named(world: World, path: str, params: dict[str, Any]) -> None:
    answer = await world.http.get(f"/v1/analytics/{path}", params=params)
    assert answer.status_code == 400
    assert next(iter(params)) in answer.text
