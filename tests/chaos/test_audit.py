"""The questions after a run find what is lost, doubled and broken, here in a database spoilt by hand."""

from __future__ import annotations

import json
from uuid import uuid4

import asyncpg

from tasker_tui.chaos.audit import examine
from tasker_tui.chaos.load import Load
from tasker_tui.chaos.plan import plan_of
from tasker_tui.chaos.servers import Postgres, Servers
from tasker_tui.chaos.system import System
from tasker_tui.dev.folder import DataFolder
from tests.support.workflows import Workflows, step

ATTEMPT = """
INSERT INTO tasker.step_attempts
    (task_uuid, step_uuid, claim_no, attempt, success, worker_uuid, result, recorded_at)
VALUES ($1, $2, $3, 1, true, $4, $5, now())
"""


async def test_what_is_lost_doubled_or_broken_is_found(pg_server, tmp_path):
    plan = plan_of(1, "pgmq")
    async with pg_server.new_database() as dsn:
        conn = await asyncpg.connect(dsn)
        flows = Workflows(conn)
        revision = await flows.register([step("s1")])
        (task,) = await flows.create(revision, context={"key": "1-0", "how": ""})
        (stranger,) = await flows.create(revision, context={"key": "1-99"})
        step_uuid = (await flows.steps(task))["s1"]["step_uuid"]
        for claim in (1, 2):
            token = json.dumps({"token": f"t{claim}"})
            await conn.execute(ATTEMPT, task, step_uuid, claim, uuid4(), token)
        await conn.close()
        marks = [{"step": str(step_uuid), "claim": claim, "token": f"t{claim}"} for claim in (1, 1, 3)]
        (tmp_path / "marks-1").write_text("".join(f"{json.dumps(mark)}\n" for mark in marks))
        missing = str(uuid4())
        load = Load({0: str(task), 1: missing}, ["POST /v1/tasks answered 500: oh"])
        system = System(Servers(Postgres(DataFolder(tmp_path / "data")), None), dsn, tmp_path, plan)
        found = await examine(system, plan, load, at_rest=False)
    assert found.lost[0] == f"task {missing} was created and is not there"
    assert {text.partition(": ")[0] for text in found.lost[1:3]} == {
        f"task {one} is steps_in_process" for one in (task, stranger)
    }
    assert found.lost[3:] == [
        f"claim 3 of step {step_uuid} had its effect, and no attempt of it is recorded",
        f"claim 2 of step {step_uuid} succeeded without its effect",
    ]
    assert found.doubled == [
        f"task {stranger} was created by nobody",
        f"claim 1 of step {step_uuid} had its effect 2 times",
        f"step {step_uuid} has 2 successful attempts",
    ]
    assert found.broken[0] == "POST /v1/tasks answered 500: oh"
    assert any(text.startswith("broken invariant effect_is_recorded_once") for text in found.broken)
    assert "did not come to rest" in found.broken[-1]
