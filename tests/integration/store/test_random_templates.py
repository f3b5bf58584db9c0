"""Random workflows with decisions and batches, driven at random.

Whatever happens, what must be true is, and every task ends or rests until an operator decides.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.model.payload import dump_json
from engine.model.plan import compile_plan
from engine.model.templates import content_hash
from tests.support.random_templates import Pick, Steps, random_result, random_steps
from tests.support.workflows import NAMESPACE, template

EXAMPLES = int(os.environ.get("TASKER_RANDOM_EXAMPLES", "25"))
WORKER = uuid4()
LEASE = timedelta(seconds=30)
LIMIT = 1_000_000
MOVES = 200
"""How many rounds of all that an engine and a worker do a task may need to its end."""

REGISTER = (
    "SELECT revision_id FROM tasker.register_template("
    "%s, %s, '1.0.0', NULL, 'always_unique', NULL, %s, 'test', '{}', %s, true, %s)"
)
CREATE = (
    "SELECT task_uuid FROM tasker.create_tasks("
    "ARRAY [%s], ARRAY ['{}'::jsonb], '{t}', '{t}', '{t}', ARRAY ['[]'::jsonb], '{0}', %s, "
    "'{NULL}', '{NULL}', true)"
)
# Lanes know that time does not go back.
TABLES = """
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.relnamespace = 'tasker'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND (c.relname = 'ready_lanes'
       OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'task_uuid'))
"""
CLAIM = (
    "SELECT step_uuid, claim_no, template_step_id "
    "FROM tasker.claim_steps(%s, gen_random_uuid(), %s, '{echo}', %s, %s, %s)"
)
SUBMIT = (
    "SELECT outcome, step_uuid, claim_no, template_step_id "
    "FROM tasker.submit_results("
    "%s, %s, %s, %s, %s, %s, %s::jsonb[], '{1}', %s, 0, %s, '{echo}', %s, 1000, %s)"
)
CHECKPOINT = "SELECT tasker.keep_checkpoint(%s, %s, %s, %s)"
BY_HAND = "SELECT done FROM tasker.end_step_by_hand(%s, %s, %s, %s, NULL, 'operator', 'so')"
OPEN_PARENTS = (
    "SELECT s.name FROM tasker.steps s JOIN tasker.steps p ON p.step_uuid = ANY (s.parents) "
    "WHERE s.step_uuid = ANY (%s) AND p.state NOT IN ('complete', 'resolved_manually')"
)
# A step's parents are all the steps that stand for its template's parents, and no others.
WRONG_EDGES = """
SELECT s.name FROM tasker.steps s JOIN tasker.template_steps ts USING (template_step_id)
WHERE s.parents <> '{}' AND ARRAY (SELECT unnest(s.parents) ORDER BY 1) <> ARRAY (
    SELECT p.step_uuid FROM tasker.steps p JOIN tasker.template_steps pt USING (template_step_id)
    WHERE p.task_uuid = s.task_uuid AND pt.position = ANY (ts.parents) ORDER BY 1)
"""


class WrongOutcome(Exception):
    """An operator's result asks for what can't be."""


class Held(NamedTuple):
    """A claim that the worker got once."""

    step: UUID
    claim: int
    template_step: int


class Database:
    """One task at a time, moved by the functions that engines, workers and operators call."""

    def __init__(self, dsn: str) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)
        self.task = uuid4()
        self.template = 0
        self.clock = 0
        self.settings: dict[int, dict[str, Any]] = {}

    def call(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        try:
            return self.conn.execute(query, arguments or None).fetchall()
        except psycopg.Error as error:
            raise WrongOutcome if error.sqlstate == "TK001" else error from error

    def begin(self, steps: Steps) -> None:
        """Start over with a task of these steps."""
        self.pass_time(-self.clock)
        tables = ", ".join(table for (table,) in self.call(TABLES))
        self.conn.execute(f"TRUNCATE {tables} CASCADE")
        self.conn.execute("SELECT pgmq.purge_queue(queue_name) FROM pgmq.list_queues()")
        made = template(steps)
        plan = dump_json(compile_plan(made, "test").to_rows())
        ((revision,),) = self.call(
            REGISTER, NAMESPACE, made.name, content_hash(made), plan, "worker_test_queue"
        )
        ((self.task,),) = self.call(CREATE, revision, [uuid4()])
        names = {one["name"]: one["handler"]["initialization"] for one in steps}
        ((self.template,),) = self.call("SELECT template_id FROM tasker.tasks")
        rows = self.call(
            "SELECT template_step_id, name FROM tasker.template_steps WHERE revision_id = %s", revision
        )
        self.settings = {number: names[name] for number, name in rows}

    def pass_time(self, seconds: int) -> None:
        self.clock += seconds
        self.conn.execute(f"SET tasker.clock_offset = '{self.clock} s'")

    def claim(self, limit: int) -> list[Held]:
        return [Held(*row) for row in self.call(CLAIM, WORKER, [NAMESPACE], limit, LEASE, LIMIT)]

    def submit(
        self, held: Held, result: dict[str, Any] | None, details: dict[str, Any] | None, keep: int = 0
    ) -> list[Held]:
        """Send a result; what the worker got for it. One of a claim that does not hold changes nothing."""
        holds, before = self.holds(held), self.steps()
        rows = self.call(
            SUBMIT, WORKER, uuid4(), [held.step], [held.claim], [details is None],
            [as_json(result)], [as_json(details)],
            keep, [NAMESPACE], LEASE, LIMIT,
        )  # fmt: skip
        refused = any(outcome in ("stale", "cancelled") for outcome, *_ in rows)
        assert not refused if holds else self.steps() == before
        return [Held(*row[1:]) for row in rows if row[0] == "handed"]

    def holds(self, held: Held) -> bool:
        """Whether a claim is its step's current one."""
        return bool(self.call("SELECT FROM tasker.leases WHERE step_uuid = %s AND claim_no = %s", *held[:2]))

    def steps(self) -> dict[UUID, tuple[str, int]]:
        """State and template step of each step, in the order of their names."""
        rows = self.call(
            "SELECT step_uuid, state::text, template_step_id FROM tasker.steps "
            "WHERE task_uuid = %s ORDER BY name",
            self.task,
        )
        return {uuid: (state, number) for uuid, state, number in rows}

    def state(self) -> str:
        ((state,),) = self.call("SELECT state::text FROM tasker.tasks WHERE task_uuid = %s", self.task)
        return str(state)

    def process(self) -> int:
        """What an engine does with what was left to it; how much there was."""
        done = 0
        while taken := self.call("SELECT taken FROM tasker.process_results(100, 'engine')")[0][0]:
            done += taken
        return done


class Machine(RuleBasedStateMachine):
    """One task of a random template."""

    database: Database

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.database.begin(random_steps(picker(data)))
        self.held: list[Held] = []
        self.paused: dict[int, Any] = {}

    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        """A worker gets what is ready, so far as it asks for it."""
        held = self.database.claim(limit)
        self.got(held)
        if len(held) < limit and not self.is_paused():
            assert self.database.call("SELECT * FROM tasker.ready_steps WHERE NOT held") == []

    @rule(data=st.data(), keep=st.integers(0, 2))
    def claim_and_succeed(self, data: st.DataObject, keep: int) -> None:
        self.got(self.database.claim(2))
        if self.held:
            self.succeed(data, keep)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), keep=st.integers(0, 2))
    def succeed(self, data: st.DataObject, keep: int) -> None:
        pick = picker(data)
        held = self.chosen(pick)
        result = random_result(pick, self.database.settings[held.template_step])
        self.got(self.database.submit(held, result, None, keep))
        if pick(2) == 0:
            self.process()

    @precondition(lambda self: self.held)
    @rule(data=st.data(), retryable=st.booleans(), wait=st.sampled_from([0, 50]))
    def fail(self, data: st.DataObject, retryable: bool, wait: int) -> None:
        held = self.chosen(picker(data))
        details = {"error_type": "by_hand", "retryable": retryable, "retry_after": wait}
        self.got(self.database.submit(held, None, details))

    @precondition(lambda self: self.held)
    @rule(data=st.data(), cursor=st.integers(1, 9))
    def keep_a_checkpoint(self, data: st.DataObject, cursor: int) -> None:
        held = self.chosen(picker(data))
        checkpoint = {"cursor": cursor, "items_processed": cursor}
        ((kept,),) = self.database.call(CHECKPOINT, held.step, held.claim, json.dumps(checkpoint), LEASE)
        assert kept is None or kept["cursor"] == cursor

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        held = self.chosen(picker(data))
        self.database.call(
            "SELECT tasker.take_back_steps(%s, %s, '{false}', false, 'worker')", [held.step], [held.claim]
        )

    @rule()
    def process(self) -> None:
        self.database.process()

    @rule(seconds=st.sampled_from([20, 60]))
    def let_time_pass(self, seconds: int) -> None:
        self.database.pass_time(seconds)

    @rule()
    def let_timers_fire(self) -> None:
        self.database.call("SELECT tasker.expire_leases(100, 'engine')")
        self.database.call("SELECT fired FROM tasker.fire_retries(100, 'engine')")

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def reset(self, data: st.DataObject) -> None:
        step = self.chosen_step(picker(data), "error", "waiting_for_retry")
        self.database.call("SELECT done FROM tasker.reset_steps(%s, 'operator', 'again')", [step])

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def rerun(self, data: st.DataObject) -> None:
        step = self.chosen_step(picker(data), "complete", "resolved_manually", "error")
        self.database.call("SELECT * FROM tasker.rerun_steps(%s, true, 'operator', 'again')", [step])

    @precondition(lambda self: self.held)
    @rule(data=st.data(), complete=st.booleans(), with_result=st.booleans())
    def end_by_hand(self, data: st.DataObject, complete: bool, with_result: bool) -> None:
        pick = picker(data)
        step = self.chosen_step(pick)
        _, template_step = self.database.steps()[step]
        result = random_result(pick, self.database.settings[template_step]) if with_result else None
        with contextlib.suppress(WrongOutcome):
            self.database.call(BY_HAND, self.database.task, step, complete, as_json(result))

    @rule(number=st.integers(0, 2))
    def pause(self, number: int) -> None:
        """The namespace, the template or the task."""
        what = (NAMESPACE, self.database.template, self.database.task)[number]
        only = [what if position == number else None for position in range(3)]
        self.database.call("SELECT tasker.pause(%s, %s, %s, 'operator', 'wait')", *only)
        self.paused[number] = what

    @precondition(lambda self: self.paused)
    @rule()
    def resume(self) -> None:
        for number, what in self.paused.items():
            only = [what if position == number else None for position in range(3)]
            self.database.call("SELECT tasker.resume(%s, %s, %s)", *only)
        self.paused.clear()

    @rule()
    def sweep(self) -> None:
        self.database.call("SELECT tasker.hold_steps('-infinity')")
        self.database.call("SELECT tasker.sweep_lanes()")

    @precondition(lambda self: len(self.held) > 8)
    @rule()
    def cancel(self) -> None:
        self.database.call(
            "SELECT * FROM tasker.cancel_tasks(%s, 'operator', 'no more')", [self.database.task]
        )

    @invariant()
    def the_invariants_hold(self) -> None:
        assert self.database.call("SELECT * FROM tasker.invariant_violations()") == []

    @invariant()
    def the_graph_is_that_of_the_template(self) -> None:
        assert self.database.call(WRONG_EDGES) == []

    def teardown(self) -> None:
        """Nothing but successes from here on: the task ends, or rests because of a step that failed."""
        if not hasattr(self, "held"):
            return
        self.resume()
        for _ in range(MOVES):
            self.database.pass_time(100)
            self.let_timers_fire()
            claimed = self.database.claim(100)
            self.got(claimed)
            for held in claimed:
                result = random_result(lambda count: 1 % count, self.database.settings[held.template_step])
                self.got(self.database.submit(held, result, None))
            if not claimed and not self.database.process() and not self.waits_for_a_retry():
                break
        else:
            raise AssertionError(f"the task has not come to rest after {MOVES} rounds")
        self.the_invariants_hold()
        self.the_graph_is_that_of_the_template()
        self.it_ended_or_says_why_not()

    def it_ended_or_says_why_not(self) -> None:
        state = self.database.state()
        why = self.database.call(
            "SELECT name, kind, sentence FROM tasker.why_steps(%s, '1 min')", self.database.task
        )
        if state in ("complete", "cancelled"):
            assert why == []
            return
        assert state == "blocked_by_failures", f"the task rests in {state}: {why}"
        assert all(sentence for _, _, sentence in why), why
        kinds = {kind for _, kind, _ in why}
        assert "failed" in kinds
        assert kinds <= {"failed", "failed_parent", "parents", "batch_failed"}, why

    def is_paused(self) -> bool:
        """The pause of a task goes with its end."""
        return bool(self.database.call("SELECT FROM tasker.pauses"))

    def waits_for_a_retry(self) -> bool:
        return any(state == "waiting_for_retry" for state, _ in self.database.steps().values())

    def got(self, held: list[Held]) -> None:
        """A worker never gets what waits for somebody else."""
        assert not held or not self.is_paused()
        self.held += held
        assert self.database.call(OPEN_PARENTS, [one.step for one in held]) == []

    def chosen(self, pick: Pick) -> Held:
        """A claim, the newest ones first."""
        return self.held[-1 - pick(min(len(self.held), 4))]

    def chosen_step(self, pick: Pick, *states: str) -> UUID:
        """One of the task's steps, in one of these states if there are such."""
        steps = self.database.steps()
        found = [uuid for uuid, (state, _) in steps.items() if state in states] or list(steps)
        return found[pick(len(found))]


def as_json(value: dict[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)


def picker(data: st.DataObject) -> Pick:
    return lambda count: data.draw(st.integers(0, count - 1))


@contextlib.contextmanager
def connected(dsn: str) -> Iterator[type[Machine]]:
    database = Database(dsn)
    yield type("ConnectedMachine", (Machine,), {"database": database})
    database.conn.close()


@pytest.mark.timeout(600)
def test_random_workflows_keep_their_promises(database: str) -> None:
    with connected(database) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
