"""`GET /v1/statistics`: counters over time."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import Failure, World, step, template
from tests.support.served import served, tasker

ONCE = {"max_attempts": 1}
COUNTS = (
    "tasks_created",
    "tasks_completed",
    "tasks_failed",
    "tasks_cancelled",
    "steps_completed",
    "steps_failed",
)


async def work(world: World) -> None:
    """Three tasks that are complete, one that is blocked and one that was cancelled."""
    await world.register(template("pay", [step("charge", retry=ONCE)]))
    for _ in range(3):
        await world.create("linear")
    await world.create("pay")
    await world.worker.run(charge=Failure())
    cancelled = await world.create("linear")
    await world.http.delete(f"/v1/tasks/{cancelled['task_uuid']}")


async def total(world: World, **query: Any) -> list[int]:
    found = (await world.get("/v1/statistics", **query))["total"]
    return [found[name] for name in COUNTS]


async def move(world: World, by: str) -> None:
    """As if all that was counted had happened earlier."""
    async with world.pool.acquire() as conn:
        for table in ("hops", "durations"):
            await conn.execute(
                f"UPDATE tasker.{table}_by_minute SET minute = minute - $1::text::interval "
                "WHERE minute > '-infinity'",
                by,
            )


async def test_every_bucket_is_there_and_the_last_has_what_happened(world: World) -> None:
    await work(world)
    found = await world.get("/v1/statistics")
    assert found["bucket_seconds"] == 60
    assert len(found["buckets"]) in (60, 61)
    starts = [datetime.fromisoformat(one["at"]) for one in found["buckets"]]
    assert {later - earlier for earlier, later in itertools.pairwise(starts)} == {timedelta(minutes=1)}
    assert [found["total"][name] for name in COUNTS] == [5, 3, 1, 1, 12, 1]
    assert sum(one["tasks_created"] for one in found["buckets"][-3:]) == 5
    assert found["buckets"][0]["task_durations"] is None
    attempts = found["total"]["attempt_durations"]
    assert (attempts["items"], attempts["mean_ms"]) == (13, 12)
    assert 10 < attempts["p50_ms"] <= attempts["p99_ms"] <= 25
    assert found["total"]["task_durations"]["items"] == 3


async def test_the_backlog_says_what_there_is_to_do(world: World) -> None:
    await work(world)
    await world.create("linear")
    await world.create("linear")
    await world.worker.claim(1)
    backlog = (await world.get("/v1/statistics"))["backlog"]
    assert (backlog["open_tasks"], backlog["blocked_tasks"], backlog["failed_steps"]) == (3, 1, 1)
    assert sum(backlog["task_states"].values()) == 3
    assert backlog["task_states"]["blocked_by_failures"] == 1
    assert (backlog["ready_steps"], backlog["running_steps"], backlog["retrying_steps"]) == (1, 1, 0)
    assert backlog["oldest_ready_seconds"] > 0
    pay = (await world.get("/v1/statistics", template="pay"))["backlog"]
    assert (pay["open_tasks"], pay["blocked_tasks"], pay["oldest_ready_seconds"]) == (1, 1, None)


async def test_it_narrows_to_a_namespace_a_template_and_a_time(world: World) -> None:
    await work(world)
    assert await total(world, template="pay") == [1, 0, 1, 0, 0, 1]
    assert await total(world, namespace="elsewhere") == [0] * 6
    await move(world, "3 hours")
    assert await total(world) == [0] * 6
    four_hours_ago = (datetime.now(UTC) - timedelta(hours=4)).isoformat()
    assert (await total(world, **{"from": four_hours_ago}))[0] == 5
    assert (
        await total(world, **{"from": four_hours_ago, "to": datetime.now(UTC).isoformat(), "bucket": "1h"})
    )[0] == 5
    an_hour_later = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    assert (await total(world, **{"from": an_hour_later}))[0] == 0


async def test_old_minutes_become_hours_and_nothing_is_lost(world: World) -> None:
    await work(world)
    before = await total(world)
    await move(world, "30 hours 7 minutes")
    now = datetime.now(UTC)
    two_days = {"from": (now - timedelta(hours=48)).isoformat(), "to": now.isoformat()}
    assert await total(world, **two_days) == before
    found = await world.get("/v1/statistics", **two_days)
    assert found["bucket_seconds"] == 3600
    async with world.pool.acquire() as conn:
        await conn.execute("SELECT tasker.compact_rollups(tasker.now() - interval '25 hours')")
        assert await conn.fetchval(
            "SELECT bool_and(minute = date_trunc('hour', minute)) FROM tasker.hops_by_minute "
            "WHERE minute > '-infinity'"
        )
        assert await conn.fetchval("SELECT tasker.compact_rollups(tasker.now() - interval '25 hours')") == 0
    assert (await world.get("/v1/statistics", **two_days))["buckets"] == found["buckets"]
    assert (await world.get("/v1/analytics/performance", hours=48))["completed_tasks"] == 3


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"bucket": "2m"}, "bucket"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "before"),
        ({"from": "2020-01-01T00:00:00Z", "bucket": "1m"}, "24 hours"),
        ({"from": "2020-01-01T00:00:00Z", "bucket": "1h"}, "1,500 buckets"),
    ],
)
async def test_wrong_parameters_are_named(world: World, params: dict[str, Any], words: str) -> None:
    answer = await world.http.get("/v1/statistics", params=params)
    assert answer.status_code == 400
    assert words in answer.text


async def test_the_command_line_draws_lines(world: World) -> None:
    await work(world)
    async with served(world.app) as url:
        shown = await tasker(url, "analytics", "history", "--hours", "2")
    assert shown.code == 0, shown.err
    lines = {" ".join(line.split()[:2]): line for line in shown.out.splitlines()}
    created, bars = lines["tasks created"].split()[2:]
    assert created == "5"
    assert "█" in bars  # beside a lower one, if a minute has just ended
    assert lines["tasks failed"].split()[2] == "1"
    assert "1 task open, 1 of them blocked" in shown.out


async def test_each_template_has_figures(world: World) -> None:
    await work(world)
    found = await world.get("/v1/statistics/templates", hours=1)
    by_name = {one["name"]: one for one in found["templates"]}
    pay, linear = by_name["pay"], by_name["linear"]
    assert (pay["tasks_created"], pay["tasks_completed"], pay["tasks_failed"]) == (1, 0, 1)
    assert (linear["tasks_created"], linear["tasks_completed"], linear["tasks_failed"]) == (4, 3, 0)
    assert linear["task_durations"]["items"] == 3
    assert linear["last_created_at"] <= found["end"]
    assert pay["task_durations"] is None
    async with served(world.app) as url:
        shown = await tasker(url, "analytics", "templates")
    assert "test/linear" in shown.out
