import time

import pytest
from hypothesis import given

from engine.model.plan import Plan, compile_plan
from tests.unit.model.samples import acyclic_graphs, step, template


def names(plan: Plan, positions: tuple[int, ...]) -> set[str]:
    return {plan.steps[position].name for position in positions}


def ancestors_of(graph: dict[str, list[str]], name: str) -> set[str]:
    return set(graph[name]).union(*(ancestors_of(graph, parent) for parent in graph[name]))


@given(acyclic_graphs())
def test_a_plan_has_the_graph_of_its_template(graph):
    plan = compile_plan(template(*(step(name, *parents) for name, parents in graph.items())))
    assert sorted(one.name for one in plan.steps) == sorted(graph)
    for position, one in enumerate(plan.steps):
        assert one.position == position
        assert names(plan, one.parents) == set(graph[one.name])
        assert names(plan, one.children) == {name for name, parents in graph.items() if one.name in parents}
        assert names(plan, one.ancestors) == ancestors_of(graph, one.name)
        assert list(one.ancestors) == sorted(one.ancestors)
        assert all(parent < position for parent in one.parents)


@given(acyclic_graphs())
def test_a_file_that_is_in_order_keeps_its_order(graph):
    in_order = sorted(graph, key=lambda name: int(name[1:]))
    plan = compile_plan(template(*(step(name, *graph[name]) for name in in_order)))
    assert [one.name for one in plan.steps] == in_order


def at_start(plan: Plan) -> list[str]:
    return [one.name for one in plan.steps if one.created_at_start]


def test_a_plain_template_starts_with_all_its_steps():
    plan = compile_plan(template(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")))
    assert at_start(plan) == ["a", "b", "c", "d"]


def test_conditional_starts_with_two_of_six():
    plan = compile_plan(template(
        step("validate"), step("route", "validate", type="decision"), step("auto", "route"),
        step("manager", "route"), step("finance", "route"),
        step("finalize", "auto", "manager", "finance", type="deferred_convergence"),
    ))  # fmt: skip
    assert at_start(plan) == ["validate", "route"]


BATCH = {"batch_config": {"worker_template": "worker"}}


def test_batch_starts_with_one_of_three():
    plan = compile_plan(template(
        step("analyze", type="batchable"), step("worker", "analyze", type="batch_worker", **BATCH),
        step("aggregate", "worker", type="deferred_convergence"),
    ))  # fmt: skip
    assert at_start(plan) == ["analyze"]


def test_diamond_with_decision_and_batches_starts_with_four_of_ten():
    def branch(kind: str) -> list[dict]:
        return [
            step(f"{kind}_analyze", "decide", type="batchable"),
            step(f"{kind}_worker", f"{kind}_analyze", type="batch_worker", **BATCH),
            step(f"{kind}_collect", f"{kind}_worker", type="deferred_convergence"),
        ]

    plan = compile_plan(template(
        step("start"), step("evens", "start"), step("odds", "start"),
        step("decide", "evens", "odds", type="decision"), *branch("even"), *branch("odd"),
    ))  # fmt: skip
    assert len(plan.steps) == 10
    assert at_start(plan) == ["start", "evens", "odds", "decide"]


def test_convergence_without_decision_or_batch_is_there_from_the_start():
    plan = compile_plan(template(step("a"), step("b"), step("c", "a", "b", type="deferred_convergence")))
    assert at_start(plan) == ["a", "b", "c"]


def test_convergence_beside_a_decision_does_not_wait_for_it():
    plan = compile_plan(template(
        step("a"), step("b"), step("decide", "a", type="decision"), step("x", "decide"),
        step("plain", "a", "b", type="deferred_convergence"),
        step("below", "b", "x", type="deferred_convergence"),
    ))  # fmt: skip
    assert at_start(plan) == ["a", "b", "decide", "plain"]


def test_no_step_is_created_before_its_parents():
    plan = compile_plan(template(
        step("analyze", type="batchable"), step("worker", "analyze", type="batch_worker", **BATCH),
        step("aggregate", "worker", type="deferred_convergence"), step("report", "aggregate"), step("apart"),
    ))  # fmt: skip
    assert at_start(plan) == ["analyze", "apart"]


def test_a_row_has_what_the_step_says():
    handler = {"callable": "x.Y", "method": "run", "resolver": "r", "initialization": {"k": [1]}}
    retry = {"retryable": False, "max_attempts": 2, "backoff": "linear", "backoff_base_ms": 5}
    first_step = step(
        "a", description="first", handler=handler, retry=retry | {"max_backoff_ms": 7}, timeout_seconds="none"
    )
    plan = compile_plan(template(first_step, step("b", "a")))
    first, second = plan.to_rows()
    assert first == {
        "position": 0, "name": "a", "description": "first", "step_type": "standard", "handler": "x.Y",
        "method": "run", "resolver": "r", "initialization": {"k": [1]}, "parents": (), "children": (1,),
        "ancestors": (), "retryable": False, "max_attempts": 2, "backoff": "linear", "backoff_base_ms": 5,
        "max_backoff_ms": 7, "timeout_seconds": None, "created_at_start": True, "parallelism": None,
        "failure_strategy": None, "events": None,
    }  # fmt: skip
    assert (second["parents"], second["ancestors"], second["timeout_seconds"]) == ((0,), (0,), 30)


@pytest.mark.scenario(147)
def test_a_plan_is_for_one_environment():
    overrides = {"test": {"steps": [{"name": "ALL", "timeout_seconds": 1, "retry": {"max_attempts": 1}}]}}
    source = template(step("a"), environments=overrides)
    [plain], [test] = compile_plan(source).steps, compile_plan(source, "test").steps
    assert (plain.timeout_seconds, plain.max_attempts) == (30, 3)
    assert (test.timeout_seconds, test.max_attempts) == (1, 1)


@pytest.mark.parametrize(
    "steps",
    [
        [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, 5000))],
        [*(step(f"s{n}") for n in range(10_000)), step("end", *(f"s{n}" for n in range(10_000)))],
    ],
    ids=["chain of 5,000", "fan-in of 10,000"],
)
def test_large_templates_stay_linear(steps):
    source = template(*steps)
    start = time.process_time()
    plan = compile_plan(source)
    assert time.process_time() - start < 2  # measured 0.1 s; quadratic work would take minutes
    assert len(plan.steps[-1].ancestors) == len(steps) - 1
