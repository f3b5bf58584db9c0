"""Old tasks leave with all that belongs to them; what is needed stays. Time is moved, not waited for."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine.orchestration.retention import LOOK_SECONDS, Retention, remove_old
from engine.settings import RetentionSettings
from engine.store import retention
from engine.store.pool import Pool, open_pool
from tests.integration.api.conftest import Failure, World, template
from tests.support.served import Ended, tasker_alone
from tests.support.waiting import until

PER_TASK = (
    "tasks", "steps", "transitions", "step_attempts", "step_logs", "superseded_steps", "step_edits", "forks",
    "tasks_dlq", "task_identities", "task_limits", "failed_steps", "pauses",
)  # fmt: skip

EDITED_AND_SUPERSEDED = """
    WITH gone AS (
        INSERT INTO tasker.superseded_steps
            (step_uuid, task_uuid, template_step_id, name, old_state, superseded_at)
        VALUES (gen_random_uuid(), $1, 0, 'made', 'complete', tasker.now()) RETURNING *)
    INSERT INTO tasker.step_edits
        (task_uuid, step_uuid, template_step_id, new_inputs, actor, reason, edited_at)
    SELECT task_uuid, step_uuid, template_step_id, '{"batch": 7}', 'ana', 'why', superseded_at FROM gone
"""


@asynccontextmanager
async def later(world: World, dsn: str, days: int) -> AsyncIterator[Pool]:
    """Connections of so many days from now."""
    name = await world.pool.fetchval("SELECT current_database()")
    await world.pool.execute(f"ALTER DATABASE {name} SET tasker.clock_offset = '{days} days'")
    pool = await open_pool(dsn, max_size=2)
    try:
        yield pool
    finally:
        await pool.close()
        await world.pool.execute(f"ALTER DATABASE {name} RESET tasker.clock_offset")


async def rows(world: World, task: str) -> dict[str, int]:
    """How many rows each table has of a task."""
    return {
        table: await world.pool.fetchval(f"SELECT count(*) FROM tasker.{table} WHERE task_uuid = $1", task)
        for table in PER_TASK
    }


async def remove(dsn: str, *arguments: str) -> Ended:
    return await tasker_alone("retention", "--database-url", dsn, *arguments)


async def fail(world: World) -> str:
    """A task whose second step fails for good, given up; its dead letter is closed."""
    uuid = str((await world.create())["task_uuid"])
    await world.worker.run(two=Failure())
    letter = (await world.get(f"/v1/dlq/task/{uuid}"))["dlq_entry_uuid"]
    change = {"resolution_status": "permanently_failed", "resolved_by": "ana", "resolution_notes": "no"}
    assert (await world.http.patch(f"/v1/dlq/entry/{letter}", json=change)).status_code == 200
    assert (await world.task(uuid))["status"] == "error"
    return uuid


async def test_what_is_old_goes_and_what_is_needed_stays(world: World, database: str, tmp_path: Path) -> None:
    await world.register(template("strict", identity_strategy="strict"))
    once = await world.create("strict", context={"order": "Ω-1\u2028", "big": 2**70})
    done = await world.create()
    await world.worker.run()
    fork = (
        await world.post({"from": ["three"], "reason": "again"}, f"/v1/tasks/{done['task_uuid']}/fork")
    ).json()
    await world.worker.run()
    await world.pool.execute(EDITED_AND_SUPERSEDED, done["task_uuid"])
    given_up = await fail(world)
    open_letter = str((await world.create())["task_uuid"])
    await world.worker.run(two=Failure())
    running = str((await world.create())["task_uuid"])
    happened = (await world.get(f"/v1/tasks/{once['task_uuid']}/transitions"))["transitions"]
    file = tmp_path / "old.jsonl"
    # What counts as old ends six days from now, on whatever day of the week: before the end of the next week.
    async with later(world, database, 36):
        look = await remove(database, "--days", "30", "--failed-days", "60", "--dry-run", "--json")
        assert (look.code, look.err) == (0, "")
        counted = {(one["template"], one["state"]): one["tasks"] for one in json.loads(look.out)["old"]}
        assert counted == {("linear", "complete"): 2, ("strict", "complete"): 1}
        refused = await remove(database, "--days", "30")
        assert (refused.code, "not confirmed: nothing was removed" in refused.err) == (1, True)
        assert (await world.task(done["task_uuid"]))["status"] == "complete"
        gone = await remove(database, "--days", "30", "--failed-days", "60", "--export", str(file), "--yes")
        assert gone.code == 0, gone.err
        assert "removed 3 tasks and 0 partitions" in gone.out
        assert (await remove(database, "--days", "30", "--failed-days", "60", "--yes")).out == (
            "no task is old enough to go\nremoved 0 tasks and 0 partitions of their history\n"
        )
    written = {
        line["task"]["task_uuid"]: line for line in map(json.loads, file.read_text("utf-8").split("\n")[:-1])
    }
    assert set(written) == {once["task_uuid"], done["task_uuid"], fork["task_uuid"]}
    kept = written[once["task_uuid"]]
    assert kept["task"]["context"] == {"order": "Ω-1\u2028", "big": 2**70}
    assert [len(kept[part]) for part in ("steps", "attempts")] == [4, 4]
    assert [one["id"] for one in kept["transitions"]] == [one["id"] for one in happened]
    assert written[fork["task_uuid"]]["fork"]["parent_uuid"] == done["task_uuid"]
    [edit], [superseded] = (written[done["task_uuid"]][part] for part in ("step_edits", "superseded_steps"))
    assert (edit["step_uuid"], edit["new_inputs"]) == (superseded["step_uuid"], {"batch": 7})
    for uuid in written:
        assert (await world.http.get(f"/v1/tasks/{uuid}")).status_code == 404
        assert set((await rows(world, uuid)).values()) == {0}
    assert [(await world.task(uuid))["status"] for uuid in (given_up, open_letter, running)] == [
        "error", "blocked_by_failures", "steps_in_process",
    ]  # fmt: skip
    # Its key is free again, and what was left goes on.
    await world.create("strict", context={"order": "Ω-1\u2028", "big": 2**70})
    assert await world.worker.run() == 8
    assert (await world.task(running))["status"] == "complete"
    metrics = (await world.http.get("/metrics")).text
    assert "tasker_retention_tasks_total 3.0" in metrics


async def test_the_engine_removes_by_its_settings_and_drops_empty_partitions(
    world: World, database: str, tmp_path: Path
) -> None:
    given_up, done = await fail(world), str((await world.create())["task_uuid"])
    await world.worker.run()
    before = await rows(world, given_up)
    async with later(world, database, 40) as pool:
        assert await Retention(pool, RetentionSettings()).look() > 0
        assert (await rows(world, done))["tasks"] == 1
        settings = RetentionSettings(keep_days=5, keep_failed_days=90, export_folder=tmp_path)
        await Retention(pool, settings).look()
        assert set((await rows(world, done)).values()) == {0}
        assert await rows(world, given_up) == before
        assert await world.pool.fetchval("SELECT count(*) FROM tasker.history_weeks()") == 1
        await Retention(pool, RetentionSettings(keep_days=5)).look()
        assert await world.pool.fetchval("SELECT count(*) FROM tasker.history_weeks()") == 0
    assert set((await rows(world, given_up)).values()) == {0}
    assert exported(tmp_path) == [done]


def exported(folder: Path) -> list[str]:
    """The tasks in the one file of a folder."""
    [file] = folder.iterdir()
    return [json.loads(line)["task"]["task_uuid"] for line in file.read_text().splitlines()]


async def test_a_task_that_is_taken_up_again_meanwhile_stays(world: World, database: str) -> None:
    uuid = str((await world.create())["task_uuid"])
    await world.worker.run()
    async with later(world, database, 40) as pool, pool.acquire() as conn, world.pool.acquire() as operator:
        age = retention.Age(*[await conn.fetchval("SELECT tasker.now() - interval '1 day'")] * 2)
        ending = operator.transaction()
        await ending.start()
        await operator.execute("UPDATE tasker.tasks SET completed_at = NULL WHERE task_uuid = $1", uuid)
        removing = asyncio.create_task(_removed(pool, age))

        async def waits() -> bool:
            return bool(await world.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

        await until(waits, "the removal waits for the operator")
        await ending.commit()
        assert await removing == 0
        await operator.execute(
            "UPDATE tasker.tasks SET completed_at = tasker.now() WHERE task_uuid = $1", uuid
        )
    assert (await world.task(uuid))["status"] == "complete"


async def _removed(pool: Pool, age: retention.Age) -> int:
    return sum([progress.tasks async for progress in remove_old(pool, age, None)])


async def test_an_export_that_cannot_be_written_is_no_lost_database(
    world: World, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uuid = str((await world.create())["task_uuid"])
    await world.worker.run()
    async with later(world, database, 40) as pool:
        settings = RetentionSettings(keep_days=5, export_folder=tmp_path / "missing")
        assert await Retention(pool, settings).look() == LOOK_SECONDS
        [said] = [one.getMessage() for one in caplog.records if one.name == "tasker.retention"]
        assert "cannot be written: No such file or directory; see to retention.export_folder" in said
        assert (await world.task(uuid))["status"] == "complete"
        (tmp_path / "missing").mkdir()
        await Retention(pool, settings).look()
    assert exported(tmp_path / "missing") == [uuid]


def test_an_export_that_found_no_room_leaves_no_half_line(tmp_path: Path) -> None:
    file = tmp_path / "old.jsonl"
    file.write_text("{}\n")
    script = (
        "import resource, sys; from pathlib import Path; from engine.orchestration.retention import Export\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "Export(Path(sys.argv[1]))._append(['x' * 5000])\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True)
    assert (ended.returncode, "cannot be written: File too large" in ended.stderr) == (1, True), ended.stderr
    assert file.read_text() == "{}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--days", "30", "--yes", "--export", "/nowhere/file"], 1, "/nowhere/file cannot be written"),
        (["--yes"], 2, "nothing says how old a task must be"),
    ],
    ids=["export", "age"],
)
async def test_what_cannot_be_done_is_said(
    world: World, database: str, arguments: list[str], code: int, says: str
) -> None:
    uuid = (await world.create())["task_uuid"]
    await world.worker.run()
    async with later(world, database, 40):
        ended = await remove(database, *arguments)
    assert (ended.code, says in ended.err) == (code, True), ended.err
    assert (await world.task(uuid))["status"] == "complete"
