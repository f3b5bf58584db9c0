"""What a seed stands for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_tui.chaos.plan import (
    LEASE_SECONDS,
    MISBEHAVIOUR,
    OF_ENGINES,
    OF_POSTGRES,
    OF_RABBITMQ,
    OF_WORKERS,
    Kind,
    kind_named,
    option_of,
    plan_of,
)

SEEDS = st.integers(0, 10**9)
BROKERS = st.sampled_from(["pgmq", "rabbitmq"])
SECONDS = st.floats(1, 60)


@settings(deadline=None, max_examples=30)
@given(SEEDS, BROKERS, SECONDS)
def test_a_seed_is_a_plan_with_a_fault_for_every_part_of_the_system(seed, broker, seconds):
    plan = plan_of(seed, broker, seconds)
    assert plan == plan_of(seed, broker, seconds)
    kinds = plan.kinds
    for part in (OF_WORKERS, OF_ENGINES, OF_POSTGRES, tuple(MISBEHAVIOUR)):
        assert kinds.keys() & set(part)
    assert bool(kinds.keys() & set(OF_RABBITMQ)) is (broker == "rabbitmq")
    assert all(0 <= one.at <= seconds + 0.001 for one in (*plan.faults, *plan.tasks))
    assert [task.number for task in plan.tasks] == list(range(len(plan.tasks)))
    assert all(bool(task.how) is (task.template == "misbehaviour") for task in plan.tasks)
    assert sum(kinds.values()) == len(plan.faults) + sum(bool(task.how) for task in plan.tasks)


@settings(deadline=None, max_examples=30)
@given(SEEDS, BROKERS)
def test_who_is_stopped_sleeps_past_its_lease(seed, broker):
    plan = plan_of(seed, broker, only=[Kind.WORKER_STOPPED])
    assert [fault.kind for fault in plan.faults] == [Kind.WORKER_STOPPED]
    assert plan.faults[0].seconds > LEASE_SECONDS


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_chosen_faults_come_alone_and_again_and_again(seed):
    plan = plan_of(seed, "pgmq", 90, [Kind.POSTGRES_KILLED, Kind.SNAPSHOT_HELD, Kind.HANDLER_LEAKS])
    assert plan.kinds == {Kind.POSTGRES_KILLED: 10, Kind.SNAPSHOT_HELD: 1, Kind.HANDLER_LEAKS: 10}
    held = [fault.seconds for fault in plan.faults if fault.kind is Kind.SNAPSHOT_HELD]
    assert 30 <= held[0] <= 60


def test_the_seeds_of_a_hundred_runs_bring_every_kind():
    for broker in ("pgmq", "rabbitmq"):
        found = {kind for seed in range(1, 101) for kind in plan_of(seed, broker).kinds}
        assert found == set(Kind) - (set() if broker == "rabbitmq" else set(OF_RABBITMQ))


@pytest.mark.parametrize("kind", list(Kind), ids=option_of)
def test_a_kind_has_a_name_on_the_command_line(kind):
    assert kind_named(option_of(kind)) is kind


def test_another_name_is_no_kind():
    assert kind_named("gremlin") is None
