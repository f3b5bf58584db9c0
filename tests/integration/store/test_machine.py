"""Random workflows under random calls, against a small model of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
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
from tests.support.step_model import LEASE, ModelStep, ModelTask
from tests.support.workflows import CREATE, NAMESPACE, step, template

WORKER = uuid4()
LIMIT = 1_000_000
TABLES = (
    "tasks", "steps", "transitions", "step_attempts", "ready_steps", "leases", "step_retries",
    "unprocessed_results", "task_identities", "superseded_steps", "failed_steps", "step_edits", "forks",
    "tasks_dlq", "task_limits", "domain_events",
)  # fmt: skip

CLAIM = "SELECT step_uuid, claim_no FROM tasker.claim_steps(%s, %s, %s, '{echo}', %s, %s, %s)"
SUBMIT = (
    "SELECT outcome, step_uuid, claim_no FROM tasker.submit_results(%s, %s, %s, %s, %s, '{null}', "
    "%s::text[]::jsonb[], '{1}', %s, 0, %s, '{echo}', %s, 1000, %s, "
    "%s::text[]::jsonb[])"
)
EVENTS = (
    "SELECT (event ->> 'step')::int, (event ->> 'claim')::int FROM tasker.domain_events "
    "UNION ALL SELECT (message ->> 'step')::int, (message ->> 'claim')::int FROM pgmq.q_test_domain_events"
)

REGISTER = (
    "SELECT revision_id FROM tasker.register_template("
    "%s, %s, '1.0.0', NULL, 'always_unique', NULL, %s, 'test', '{}', %s, true, %s)"
)
BY_HAND = (
    "SELECT done FROM tasker.end_step_by_hand("
    "(SELECT task_uuid FROM tasker.tasks), %s, %s, %s, NULL, 'operator', 'so')"
)
CANCEL = (
    "SELECT cancelled FROM tasker.cancel_tasks("
    "ARRAY (SELECT task_uuid FROM tasker.tasks), 'operator', 'no more')"
)
RERUN = "SELECT step_uuid FROM tasker.rerun_steps(%s, true, 'operator', 'again')"
RETRY_TASK = (
    "SELECT step_uuid FROM tasker.retry_tasks("
    "ARRAY (SELECT task_uuid FROM tasker.tasks), 'operator', 'again')"
)
FORK = (
    "SELECT task_uuid FROM tasker.fork_task("
    "(SELECT task_uuid FROM tasker.tasks), %s::uuid[], NULL, NULL, 'operator', 'again')"
)
BURY = "SELECT tasker.add_dead_letter_by_hand(task_uuid, 'operator', 'odd', NULL) FROM tasker.tasks"
GIVE_UP = (
    "SELECT tasker.resolve_dead_letter(dlq_entry_uuid, 'permanently_failed', 'fail', 'operator', 'hopeless') "
    "FROM tasker.tasks_dlq WHERE resolution_status = 'pending'"
)
BEHIND = "SELECT EXISTS (SELECT FROM tasker.unprocessed_results)"
STORED = (
    "SELECT EXISTS (SELECT FROM tasker.step_attempts WHERE step_uuid = %s AND claim_no = %s AND success = %s "
    "AND details IS NOT DISTINCT FROM nullif(%s, 'null')::jsonb AND worker_uuid IS NOT NULL)"
)
BEAT = "SELECT step_uuid, claim_no FROM tasker.heartbeat(%s, 1, 0, 'running', %s, %s, %s)"

# Each step is given by the earlier steps that are its parents, and by its max_attempts.
graphs = st.lists(
    st.tuples(st.sets(st.integers(0, 5), max_size=3), st.sampled_from([1, 2, 3, 3])), min_size=3, max_size=7
).map(lambda rows: [(sorted(p for p in parents if p < n), most) for n, (parents, most) in enumerate(rows)])
choices = st.integers(0, 1_000)


class Database:
    """The SQL functions, for one task at a time."""

    def __init__(self, dsn: str) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)
        self.conn.execute("SELECT tasker.event_queue(%s)", [NAMESPACE])

    def call(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.conn.execute(query, arguments).fetchall()

    def create(self, graph: list[tuple[list[int], int]]) -> list[UUID]:
        """Start over with a task of this graph; the steps' uuids by their index."""
        self.conn.execute("SET tasker.clock_offset = '0'")
        self.conn.execute(f"TRUNCATE {', '.join(f'tasker.{table}' for table in TABLES)}")
        self.conn.execute("SELECT pgmq.purge_queue(queue_name) FROM pgmq.list_queues()")
        made = template(
            [
                step(
                    f"s{n}", *(f"s{p}" for p in parents), retry={"max_attempts": most}, timeout_seconds="none"
                )
                for n, (parents, most) in enumerate(graph)
            ]
        )
        plan = dump_json(compile_plan(made, "test").to_rows())
        ((revision,),) = self.call(
            REGISTER, NAMESPACE, made.name, content_hash(made), plan, "worker_test_queue"
        )
        create = CREATE.replace("$10", "%s")
        for number in range(9, 0, -1):
            create = create.replace(f"${number}", "%s")
        self.call(create, [revision], ["{}"], ["t"], ["t"], ["t"], ["[]"], [0], [uuid4()], [None], [None])
        rows = self.call("SELECT name, step_uuid FROM tasker.steps")
        by_name = dict(rows)
        return [by_name[f"s{n}"] for n in range(len(graph))]


class Machine(RuleBasedStateMachine):
    """One task, moved in every way there is."""

    database: Database

    @initialize(graph=graphs)
    def start(self, graph: list[tuple[list[int], int]]) -> None:
        self.uuids = self.database.create(graph)
        self.index = {uuid: n for n, uuid in enumerate(self.uuids)}
        self.model = ModelTask([ModelStep(parents, most) for parents, most in graph])
        self.last: tuple[UUID, int, int, bool, str, int] | None = None
        self.last_handed: set[tuple[int, int]] = set()
        self.accepted: list[tuple[int, int]] = []

    @precondition(lambda self: self.model.in_state("enqueued"))
    @rule(limit=st.integers(1, 3))
    def claim(self, limit: int) -> None:
        ready = len(self.model.in_state("enqueued"))
        rows = self.database.call(CLAIM, WORKER, uuid4(), [NAMESPACE], limit, timedelta(seconds=LEASE), LIMIT)
        assert len(rows) == min(limit, ready)
        for uuid, claim in rows:
            self.model.take(self.index[uuid], claim)

    @precondition(lambda self: self.model.in_state("enqueued"))
    @rule(choice=choices, keep=st.integers(0, 2))
    def claim_and_succeed(self, choice: int, keep: int) -> None:
        self.claim(2)
        self.succeed(choice, keep)

    @precondition(lambda self: self.model.in_state("enqueued"))
    @rule(choice=choices, retryable=st.booleans())
    def claim_and_fail(self, choice: int, retryable: bool) -> None:
        self.claim(2)
        self.fail(choice, retryable, 0)
        self.process()

    @precondition(lambda self: self.model.claims)
    @rule(choice=choices, keep=st.integers(0, 2))
    def succeed(self, choice: int, keep: int) -> None:
        index, claim = self.chosen(choice)
        accepted = self.model.holds(index, claim)
        outcomes = self.submit(uuid4(), index, claim, True, "null", keep)
        if not accepted:
            assert [kind for kind, _, _ in outcomes] == self.refusal(index, claim, True, "null")
            return
        freed = self.model.succeed(index)
        handed = [(self.index[uuid], number) for kind, uuid, number in outcomes if kind == "handed"]
        queued = sum(number for kind, _, number in outcomes if kind == "queued")
        assert {one for one, _ in handed} <= set(freed)
        assert (len(handed), queued) == (min(keep, len(freed)), max(0, len(freed) - keep))
        for one, number in handed:
            self.model.take(one, number)
        self.last_handed = set(handed)

    @precondition(lambda self: self.model.claims)
    @rule(choice=choices, retryable=st.booleans(), wait=st.sampled_from([0, 50]))
    def fail(self, choice: int, retryable: bool, wait: int) -> None:
        index, claim = self.chosen(choice)
        accepted = self.model.holds(index, claim)
        details = json.dumps({"error_type": "by_hand", "retryable": retryable, "retry_after": wait})
        outcomes = self.submit(uuid4(), index, claim, False, details, 2)
        if accepted:
            self.model.fail(index, retryable, wait)
            self.last_handed = set()
            assert [kind for kind, _, _ in outcomes] == ["left_over"]
        else:
            assert [kind for kind, _, _ in outcomes] == self.refusal(index, claim, False, details)

    @precondition(lambda self: self.last is not None)
    @rule()
    def send_the_last_result_again(self) -> None:
        """Its answer was lost: nothing changes, and what it handed over comes again if it is still held."""
        assert self.last is not None
        outcomes = self.submit(*self.last)
        held = {(self.index[uuid], number) for kind, uuid, number in outcomes if kind == "handed"}
        assert held == {one for one in self.last_handed if self.model.holds(*one)}

    @precondition(lambda self: self.model.in_state("enqueued_as_error_for_orchestration", "error"))
    @rule()
    def process(self) -> None:
        while self.database.call("SELECT taken FROM tasker.process_results(100, 'engine')")[0][0]:
            pass
        self.model.process()

    @precondition(lambda self: self.accepted)
    @rule()
    def move_events(self) -> None:
        self.database.call("SELECT published FROM tasker.publish_domain_events(2, 0)")

    @precondition(lambda self: self.model.in_state("waiting_for_retry"))
    @rule()
    def fire(self) -> None:
        ((fired,),) = self.database.call("SELECT fired FROM tasker.fire_retries(100, 'engine')")
        assert fired == self.model.fire()

    @precondition(lambda self: self.model.now > 0 and self.model.in_state("in_progress"))
    @rule()
    def expire(self) -> None:
        ((taken,),) = self.database.call("SELECT tasker.expire_leases(100, 'engine')")
        assert taken == self.model.expire()

    @precondition(lambda self: self.model.in_state("in_progress", "waiting_for_retry"))
    @rule()
    def let_time_pass(self) -> None:
        self.model.now += 20
        self.database.conn.execute(f"SET tasker.clock_offset = '{self.model.now} s'")

    @precondition(lambda self: self.model.in_state("in_progress"))
    @rule(choice=choices)
    def give_back_unstarted(self, choice: int) -> None:
        running = self.model.in_state("in_progress")
        index = running[choice % len(running)]
        claim = self.model.steps[index].claim
        self.database.call(
            "SELECT tasker.take_back_steps(%s, %s, '{false}', false, 'worker')", [self.uuids[index]], [claim]
        )
        self.model.give_back(index)

    @precondition(lambda self: self.model.claims)
    @rule(picked=st.lists(choices, min_size=1, max_size=3))
    def beat(self, picked: list[int]) -> None:
        named = sorted({self.chosen(choice) for choice in picked})
        uuids, claims = [self.uuids[index] for index, _ in named], [claim for _, claim in named]
        rows = self.database.call(BEAT, WORKER, uuids, claims, timedelta(seconds=LEASE))
        assert sorted((self.index[uuid], claim) for uuid, claim in rows) == self.model.beat(named)

    @precondition(lambda self: self.model.in_state("error", "waiting_for_retry"))
    @rule(choice=choices)
    def reset(self, choice: int) -> None:
        index = self.chosen_step(choice, *(["error", "waiting_for_retry"] if choice % 4 else []))
        ((done,),) = self.database.call(
            "SELECT done FROM tasker.reset_steps(%s, 'operator', 'again')", [self.uuids[index]]
        )
        assert done == self.model.reset(index)

    @precondition(lambda self: len(self.model.claims) > 1)
    @rule(choice=choices, with_result=st.booleans())
    def end_by_hand(self, choice: int, with_result: bool) -> None:
        index = choice % len(self.uuids)
        ((done,),) = self.database.call(
            BY_HAND, self.uuids[index], with_result, "{}" if with_result else None
        )
        assert done == self.model.end_by_hand(index, "complete" if with_result else "resolved_manually")

    @precondition(lambda self: len(self.model.claims) > 1)
    @rule(picked=st.lists(choices, min_size=1, max_size=2))
    def rerun(self, picked: list[int]) -> None:
        chosen = {self.chosen_step(choice, "complete", "resolved_manually", "error") for choice in picked}
        rows = self.database.call(RERUN, [self.uuids[index] for index in chosen])
        assert {self.index[uuid] for (uuid,) in rows} == self.model.rerun(chosen)

    @precondition(lambda self: len(self.model.claims) > 3)
    @rule()
    def rerun_the_task(self) -> None:
        rows = self.database.call(RETRY_TASK)
        roots = [index for index, step in enumerate(self.model.steps) if not step.parents]
        assert {self.index[uuid] for (uuid,) in rows} == self.model.rerun(roots)

    @precondition(lambda self: len(self.model.claims) > 1)
    @rule(picked=st.lists(choices, max_size=2))
    def fork(self, picked: list[int]) -> None:
        """Looked at and undone: the machine is about one task."""
        chosen = {choice % len(self.uuids) for choice in picked}
        states = self.model.fork(chosen)
        if "enqueued" not in states:
            return
        with self.database.conn.transaction(force_rollback=True):
            ((fork,),) = self.database.call(FORK, [self.uuids[index] for index in chosen])
            rows = self.database.call("SELECT name, state::text FROM tasker.steps WHERE task_uuid = %s", fork)
            assert dict(rows) == {f"s{index}": state for index, state in enumerate(states)}
            assert self.database.call("SELECT * FROM tasker.invariant_violations()") == []

    @precondition(lambda self: len(self.model.claims) > 3)
    @rule()
    def bury(self) -> None:
        ((outcome,),) = self.database.call(BURY)
        ((behind,),) = self.database.call(BEHIND)
        assert (outcome == "ended") == (self.model.state in ("complete", "cancelled")) or behind

    @precondition(lambda self: len(self.model.claims) > 3)
    @rule()
    def give_up(self) -> None:
        ((behind,),) = self.database.call(BEHIND)
        for (outcome,) in self.database.call(GIVE_UP):
            if self.model.state != "error":
                assert outcome == ("busy" if behind else "done")
            if outcome == "done":
                self.model.give_up()

    @precondition(lambda self: len(self.model.claims) > 5)
    @rule()
    def cancel(self) -> None:
        ((cancelled,),) = self.database.call(CANCEL)
        assert cancelled == self.model.cancel()

    @invariant()
    def steps_are_as_the_model_says(self) -> None:
        rows = self.database.call("SELECT step_uuid, state::text, attempts, claim_no FROM tasker.steps")
        found = {self.index[uuid]: rest for uuid, *rest in rows}
        wanted = {n: [one.state, one.attempts, one.claim] for n, one in enumerate(self.model.steps)}
        assert found == wanted, f"the database has {found}, the model {wanted}"

    @invariant()
    def the_task_is_as_the_model_says(self) -> None:
        ((state, behind),) = self.database.call(
            "SELECT state::text, EXISTS (SELECT FROM tasker.unprocessed_results) FROM tasker.tasks"
        )
        assert behind or state == self.model.state

    @invariant()
    def each_accepted_result_has_published_once(self) -> None:
        assert sorted(self.database.call(EVENTS)) == sorted(self.accepted)

    @invariant()
    def the_invariants_hold(self) -> None:
        assert self.database.call("SELECT * FROM tasker.invariant_violations()") == []

    def chosen(self, choice: int) -> tuple[int, int]:
        """A claim that was given once; three times of four one that still holds, if any does."""
        holding = [one for one in self.model.claims if self.model.holds(*one)]
        claims = holding if holding and choice % 4 else self.model.claims
        return claims[choice // 4 % len(claims)]

    def chosen_step(self, choice: int, *states: str) -> int:
        """One of the steps in these states, any one if none is."""
        steps = self.model.in_state(*states) or range(len(self.uuids))
        return steps[choice % len(steps)]

    def submit(
        self, call: UUID, index: int, claim: int, success: bool, details: str, keep: int
    ) -> list[tuple[Any, ...]]:
        if self.model.holds(index, claim):
            self.last = (call, index, claim, success, details, keep)
            self.accepted.append((index, claim))
        return self.database.call(
            SUBMIT, WORKER, call, [self.uuids[index]], [claim], [success],
            [None if details == "null" else details], keep, [NAMESPACE], timedelta(seconds=LEASE), LIMIT,
            [json.dumps([{"step": index, "claim": claim}])],
        )  # fmt: skip

    def refusal(self, index: int, claim: int, success: bool, details: str) -> list[str]:
        """A late result is refused, unless it is just what was stored before."""
        ((same,),) = self.database.call(STORED, self.uuids[index], claim, success, details)
        if same:
            return []
        return ["cancelled" if self.model.steps[index].state == "cancelled" else "stale"]


@contextmanager
def connected(dsn: str) -> Iterator[type[Machine]]:
    database = Database(dsn)
    yield type("ConnectedMachine", (Machine,), {"database": database})
    database.conn.close()


def test_random_calls_do_what_the_model_says(database: str) -> None:
    with connected(database) as machine:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=80,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
