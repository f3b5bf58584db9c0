"""Random workflows with decisions and batches, of which random steps run again or are forked at random times.

What a task looks like in the end depends on the last outcomes of its decisions and analyzers alone: a new
task with these outcomes has the same steps and edges.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.payload import dump_json
from engine.model.plan import compile_plan
from engine.model.templates import content_hash
from tests.integration.store.test_machine import CLAIM, CREATE, REGISTER, TABLES
from tests.support.workflows import NAMESPACE, step, template

SUBMIT = (
    "SELECT * FROM tasker.submit_results(%s, %s, %s, %s, %s, %s::text[]::jsonb[], %s::text[]::jsonb[], "
    "'{1}', 0, 0, %s, '{echo}', %s, 1000, 1000000)"
)
STEPS = "SELECT name, step_uuid, state::text FROM tasker.steps WHERE task_uuid = %s ORDER BY name"
EDGES = """
    SELECT s.name, ARRAY (SELECT p.name FROM tasker.steps p WHERE p.step_uuid = ANY (s.parents) ORDER BY 1)
    FROM tasker.steps s WHERE s.task_uuid = %s
"""
OUTCOMES = """
    SELECT s.name, a.result FROM tasker.steps s JOIN tasker.step_attempts a USING (step_uuid, claim_no)
    JOIN tasker.template_steps t USING (template_step_id)
    WHERE s.task_uuid = %s AND t.step_type IN ('decision', 'batchable') AND a.success
"""
RERUN = "SELECT * FROM tasker.rerun_steps(%s, true, 'ana', 'again')"
FORK = "SELECT task_uuid FROM tasker.fork_task(%s, %s::uuid[], NULL, NULL, 'ana', 'again')"
EXAMPLES = int(os.environ.get("TASKER_RANDOM_EXAMPLES", "25"))
LEASE = timedelta(seconds=30)
Outcomes = dict[str, Any]


class Graph:
    """A template, put together of blocks; `open` are steps that later ones may depend on."""

    def __init__(self) -> None:
        self.steps = [step("s0")]
        self.open = ["s0"]
        self.branches: dict[str, list[str]] = {}

    def plain(self, number: int, parents: list[str]) -> None:
        self.steps.append(step(f"p{number}", *parents))
        self.open.append(f"p{number}")

    def decision(self, number: int, parents: list[str]) -> None:
        name = f"d{number}"
        self.branches[name] = [f"{name}b{n}" for n in range(3)]
        self.steps.append(step(name, *parents, type="decision"))
        self.steps += [step(branch, name) for branch in self.branches[name]]
        self.open += self.branches[name]

    def batch(self, number: int, parents: list[str]) -> None:
        config = {"worker_template": f"w{number}", "parallelism": 2}
        self.steps += [
            step(f"a{number}", *parents, type="batchable"),
            step(f"w{number}", f"a{number}", type="batch_worker", batch_config=config),
            step(f"g{number}", f"w{number}", type="deferred_convergence"),
        ]
        self.open.append(f"g{number}")

    def join(self, number: int, parents: list[str]) -> None:
        self.steps.append(step(f"j{number}", *parents, type="deferred_convergence"))
        self.open.append(f"j{number}")


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    graph = Graph()
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["decision", "decision", "batch", "join", "plain"]))
        few = st.lists(
            st.sampled_from(graph.open), min_size=1, max_size=3 if kind == "join" else 2, unique=True
        )
        getattr(graph, kind)(number, draw(few))
    return graph


class Play:
    """The tasks of one graph in the database."""

    def __init__(self, conn: psycopg.Connection[tuple[Any, ...]], graph: Graph, data: st.DataObject) -> None:
        self.conn, self.graph, self.data = conn, graph, data
        conn.execute(f"TRUNCATE {', '.join(f'tasker.{table}' for table in TABLES)}")
        conn.execute("SELECT pgmq.purge_queue(queue_name) FROM pgmq.list_queues()")
        made = template(graph.steps)
        plan = dump_json(compile_plan(made, "test").to_rows())
        ((self.revision,),) = self.call(
            REGISTER, NAMESPACE, made.name, content_hash(made), plan, "worker_test_queue"
        )

    def call(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.conn.execute(query, arguments).fetchall()

    def create(self) -> UUID:
        create = CREATE
        for number in range(10, 0, -1):
            create = create.replace(f"${number}", "%s")
        arguments = [[self.revision], ["{}"], ["t"], ["t"], ["t"], ["[]"], [0], [uuid4()], [None], [None]]
        ((task,),) = self.call(create, *arguments)
        assert isinstance(task, UUID)
        return task

    def work(self, limit: int, outcomes: Outcomes | None = None) -> list[tuple[UUID, int]]:
        """Claim steps and end them well; answers how they were claimed."""
        rows = self.call(CLAIM, uuid4(), uuid4(), [NAMESPACE], limit, LEASE, 1_000_000)
        for uuid, claim in rows:
            self.submit(uuid, claim, outcomes)
        return rows

    def submit(self, uuid: UUID, claim: int, outcomes: Outcomes | None = None, success: bool = True) -> None:
        names = self.call("SELECT name FROM tasker.steps WHERE step_uuid = %s", uuid)
        result = self.result(names[0][0], outcomes) if names else {}
        failure = (
            None if success else '{"error_type": "handler_error", "message": "broken", "retryable": false}'
        )
        self.call(
            SUBMIT, uuid4(), uuid4(), [uuid], [claim], [success], [json.dumps(result) if success else None],
            [failure], [NAMESPACE], LEASE,
        )  # fmt: skip
        self.process()

    def process(self) -> None:
        while self.call("SELECT taken FROM tasker.process_results(100, 'engine')")[0][0]:
            pass

    def result(self, name: str, outcomes: Outcomes | None) -> Any:
        if outcomes is not None and name in outcomes:
            return outcomes[name]
        if name in self.graph.branches:
            named = self.data.draw(
                st.lists(st.sampled_from(self.graph.branches[name]), unique=True), label=name
            )
            kind = "create_steps" if named else "no_branches"
            return {"decision_point_outcome": {"type": kind, "step_names": named}}
        if name.startswith("a"):
            count = self.data.draw(st.integers(0, 3), label=name)
            cursors = [{"batch_id": f"{n:03}"} for n in range(count)]
            kind = "create_batches" if count else "no_batches"
            worker = name.replace("a", "w")
            outcome = {"type": kind, "worker_template_name": worker, "cursor_configs": cursors}
            return {"batch_processing_outcome": outcome}
        return {}

    def check(self) -> None:
        assert self.call("SELECT * FROM tasker.invariant_violations()") == []

    def to_the_end(self, task: UUID, outcomes: Outcomes | None = None) -> None:
        self.call(
            "SELECT * FROM tasker.reset_steps(ARRAY (SELECT step_uuid FROM tasker.steps), 'ana', 'again')"
        )
        while self.work(10, outcomes):
            pass
        ((state,),) = self.call("SELECT state::text FROM tasker.tasks WHERE task_uuid = %s", task)
        assert (state, {one for _, _, one in self.call(STEPS, task)}) == ("complete", {"complete"})

    def act(self, task: UUID, held: list[tuple[UUID, int]]) -> None:
        """Something at random; `held` are claims that a worker still holds, or thinks so."""
        kind = self.data.draw(
            st.sampled_from(["work", "work", "claim", "late", "fail", "rerun", "fork", "all"])
        )
        steps = self.call(STEPS, task)
        chosen = self.data.draw(
            st.lists(st.sampled_from([uuid for _, uuid, _ in steps]), min_size=1, max_size=2)
        )
        if kind == "work":
            self.work(3)
        elif kind == "claim":
            held += self.call(CLAIM, uuid4(), uuid4(), [NAMESPACE], 2, LEASE, 1_000_000)
        elif kind in ("late", "fail") and held:
            self.submit(*held.pop(), success=kind == "late")
        elif kind == "rerun":
            self.call(RERUN, chosen)
        elif kind == "all":
            self.call("SELECT * FROM tasker.retry_tasks(%s, 'ana', 'again')", [task])
        elif kind == "fork":
            self.call(FORK, task, chosen)
        self.check()


def test_runs_again_end_as_a_new_task_does(database: str) -> None:
    conn = psycopg.connect(database, autocommit=True)

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(graph=graphs(), data=st.data())
    def check(graph: Graph, data: st.DataObject) -> None:
        play = Play(conn, graph, data)
        task, held = play.create(), list[tuple[UUID, int]]()
        for _ in range(data.draw(st.integers(2, 12))):
            play.act(task, held)
        while held:
            play.submit(*held.pop())
        play.to_the_end(task)
        play.check()
        for (one,) in play.call("SELECT task_uuid FROM tasker.tasks"):
            new = play.create()
            play.to_the_end(new, dict(play.call(OUTCOMES, one)))
            assert dict(play.call(EDGES, one)) == dict(play.call(EDGES, new))

    check()
    conn.close()
