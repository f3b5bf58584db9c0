"""The mixins of decision points and batch processing (reference 8.1, 8.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.workers.support import make_context, stored
from workers import (
    Batchable,
    BatchAggregationScenario,
    BatchAnalyzerOutcome,
    BatchCursor,
    BatchWorkerContext,
    BatchWorkerOutcome,
    CursorConfig,
    DecisionMixin,
    DecisionPointOutcome,
    StepHandler,
    aggregate_batch_results,
    create_batches,
    no_batches,
)
from workers.invocation import to_result


class Handler(StepHandler, Batchable, DecisionMixin):
    handler_name = "everything"


HANDLER = Handler()
SHARE = {
    "cursor": {"batch_id": "002", "start_cursor": 200, "end_cursor": 400, "batch_size": 200},
    "batch_metadata": {"file": "rows.csv"},
    "batch_index": 1,
    "total_batches": 5,
}


@given(st.integers(0, 5000), st.integers(1, 700), st.none() | st.integers(1, 12))
def test_cursors_cover_every_item_once(total, size, limit):
    cursors = HANDLER.create_cursor_ranges(total, size, max_batches=limit)
    items = [item for cursor in cursors for item in range(cursor.start_cursor, cursor.end_cursor)]
    assert items == list(range(total))
    assert limit is None or len(cursors) <= limit
    if limit is None:
        assert len(cursors) == -(-total // size)


@given(st.integers(0, 500), st.integers(1, 40))
def test_shares_cover_every_item_once(total, workers):
    shares = HANDLER.create_cursor_configs(total, workers)
    items = [item for share in shares for item in range(share.cursor_start, share.cursor_end)]
    assert items == list(range(total))
    assert len(shares) <= workers
    assert [share.worker_index for share in shares] == list(range(len(shares)))
    assert all(share.row_count == share.cursor_end - share.cursor_start > 0 for share in shares)
    assert {share.total_workers for share in shares} <= {len(shares)}


@pytest.mark.parametrize(
    "cut", [lambda: HANDLER.create_cursor_ranges(5, 0), lambda: HANDLER.create_cursor_configs(5, 0)]
)
def test_a_size_below_one_is_refused(cut):
    with pytest.raises(ValueError, match="at least 1"):
        cut()


@pytest.mark.parametrize(("total", "workers"), [(1000, 1), (1001, 2), (3500, 4), (25000, 10)])
def test_worker_counts(total, workers):
    cursors = HANDLER.create_cursor_ranges(total, 1000, max_batches=10)
    found = HANDLER.batch_analyzer_success(cursor_configs=cursors, worker_template_name="work")
    outcome = found.result["batch_processing_outcome"]
    assert (outcome["worker_count"], outcome["total_items"]) == (workers, total)
    assert [item["batch_id"] for item in outcome["cursor_configs"]][:2] == ["001", "002"][:workers]


def test_an_analyzers_answers():
    outcome = HANDLER.create_batch_outcome(500, 300, batch_metadata={"file": "x"})
    found = HANDLER.batch_analyzer_success(outcome, {"note": 1}, "work")
    assert found.metadata == {"note": 1}
    assert found.result["batch_metadata"] == {"file": "x"}
    assert found.result["batch_processing_outcome"]["cursor_configs"][1] == {
        "batch_id": "002",
        "start_cursor": 300,
        "end_cursor": 500,
        "batch_size": 200,
    }
    ranged = HANDLER.create_batch_outcome_from_ranges([(0, 10), (10, 15)])
    assert (ranged.total_items, len(ranged.cursor_configs)) == (15, 2)
    assert BatchAnalyzerOutcome.from_ranges([(0, 1)], total_items=9).total_items == 9
    nothing = HANDLER.no_batches_outcome("no rows")
    assert nothing.result == {"batch_processing_outcome": {"type": "no_batches"}, "reason": "no rows"}
    empty = HANDLER.batch_analyzer_success(cursor_configs=[])
    assert empty.result["batch_processing_outcome"] == {"type": "no_batches"}
    cursor = HANDLER.create_cursor_config(0, 5, 2, {"a": 1})
    assert cursor == CursorConfig(0, 5, 2, {"a": 1})


def test_outcomes_as_functions():
    made = create_batches("work", 1, [BatchCursor("001", 0, 5, 5)], 5)
    assert to_result(made).result["batch_processing_outcome"]["type"] == "create_batches"
    assert no_batches().to_dict() == {"type": "no_batches"}
    with pytest.raises(ValueError, match="2 workers for 1 cursors"):
        create_batches("work", 2, [BatchCursor("001", 0, 5, 5)], 5)


def test_a_workers_share():
    context = make_context(step_inputs=SHARE, checkpoint={"cursor": 250, "items_processed": 50})
    share = HANDLER.get_batch_context(context)
    assert (share.batch_id, share.batch_index, share.total_batches) == ("002", 1, 5)
    assert (share.start_cursor, share.end_cursor, share.step_size) == (200, 400, 1)
    assert share.batch_metadata == {"file": "rows.csv"}
    assert (share.has_checkpoint(), share.checkpoint_cursor, share.checkpoint_items_processed) == (
        True,
        250,
        50,
    )
    assert share.accumulated_results is None
    assert HANDLER.get_batch_worker_inputs(context).batch_id == "002"
    assert HANDLER.handle_no_op_worker(context) is None
    plain = make_context()
    assert HANDLER.get_batch_context(plain) is None
    assert BatchWorkerContext.from_step_context(plain) is None
    assert HANDLER.get_batch_worker_inputs(plain) is None
    assert HANDLER.handle_no_op_worker(plain) is None
    made = HANDLER.create_batch_context(CursorConfig(0, 5), 0, 2)
    assert (made.batch_id, made.has_checkpoint()) == ("001", False)


def test_cursors_are_not_looked_into():
    context = make_context(step_inputs={"cursor": {"start": "2026-01", "end": "2026-02"}})
    share = HANDLER.get_batch_context(context)
    assert (share.start_cursor, share.end_cursor) == ("2026-01", "2026-02")


def test_the_placeholder_of_no_batches():
    context = make_context(step_inputs={"cursor": {"batch_id": "000"}, "is_no_op": True})
    assert HANDLER.handle_no_op_worker(context).result["no_op"] is True


def test_a_workers_answers():
    done = HANDLER.batch_worker_success(items_processed=10, items_failed=2, items_skipped=1)
    assert (done.result["items_succeeded"], done.result["errors"]) == (7, [])
    outcome = HANDLER.create_worker_outcome(10, 8, 2, errors=[{"row": 3}], last_cursor=10)
    assert HANDLER.batch_worker_success(outcome, {"m": 1}).result["last_cursor"] == 10
    partial = HANDLER.batch_worker_partial_failure(outcome)
    assert (partial.is_success, partial.retryable, partial.error_type) == (
        False,
        True,
        "batch_partial_failure",
    )
    assert partial.error_message == "2 of 10 items failed"
    assert partial.result["errors"] == [{"row": 3}]
    yielded = HANDLER.checkpoint_yield({"page": 3}, 50, {"sum": 7})
    assert yielded.result == {
        "type": "checkpoint_yield",
        "cursor": {"page": 3},
        "items_processed": 50,
        "accumulated_results": {"sum": 7},
    }
    assert yielded.metadata["checkpoint_yield"] is True
    assert to_result(BatchWorkerOutcome(3)).result["items_processed"] == 3


def analyzed(total):
    return HANDLER.batch_analyzer_success(
        HANDLER.create_batch_outcome(total, 10), worker_template_name="work"
    )


def test_convergence_over_batches():
    results = {
        "analyze": stored(analyzed(20).result),
        "work_002": stored(HANDLER.batch_worker_success(items_processed=10, errors=[{"r": 1}]).result),
        "work_001": stored(HANDLER.batch_worker_success(items_processed=10, items_failed=5).result),
        "other": stored({"items_processed": 99}),
    }
    scenario = HANDLER.detect_aggregation_scenario(results, "analyze", "work_")
    assert (scenario.no_batches(), scenario.worker_count) == (False, 2)
    assert list(scenario.batch_results) == ["work_001", "work_002"]
    totals = HANDLER.aggregate_batch_worker_results(scenario).result
    assert (totals["total_processed"], totals["total_succeeded"], totals["total_failed"]) == (20, 15, 5)
    assert (totals["worker_count"], totals["success_rate"], totals["error_count"]) == (2, 0.75, 1)
    own = HANDLER.aggregate_batch_worker_results(
        scenario, aggregation_fn=lambda found: {"names": list(found)}
    )
    assert own.result == {"names": ["work_001", "work_002"], "worker_count": 2}


@pytest.mark.parametrize(
    "results",
    [
        {"analyze": stored({"batch_processing_outcome": {"type": "no_batches"}})},
        {"analyze": stored(None), "work_000": stored({"no_op": True})},
        {},
    ],
)
def test_convergence_over_nothing(results):
    scenario = BatchAggregationScenario.detect(results, "analyze", "work_")
    assert (scenario.is_no_batches, scenario.worker_count, scenario.batch_results) == (True, 0, {})
    assert HANDLER.aggregate_batch_worker_results(scenario, {"total": 0}).result == {
        "total": 0,
        "worker_count": 0,
        "no_batches": True,
    }
    assert HANDLER.no_batches_aggregation_result().result["worker_count"] == 0


def test_sums():
    many = [{"items_processed": 1, "errors": [{"n": n}]} for n in range(150)]
    found = aggregate_batch_results([None, *many])
    assert (found.batch_count, found.error_count, len(found.errors)) == (150, 150, 100)
    assert aggregate_batch_results([]).success_rate == 0.0
    assert HANDLER.aggregate_worker_results([{"items_processed": 4}])["total_processed"] == 4


def test_decisions():
    routed = HANDLER.route_to_steps(["a"], {"why": 1}, {"m": 2})
    assert routed == HANDLER.decision_success(["a"], {"why": 1}, {"m": 2})
    assert routed.result["decision_point_outcome"]["step_names"] == ["a"]
    assert routed.metadata == {"m": 2}
    dynamic = DecisionPointOutcome.create_steps([], dynamic_steps=[{"name": "x"}])
    shape = HANDLER.decision_success_with_outcome(dynamic).result["decision_point_outcome"]
    assert (shape["step_names"], shape["dynamic_steps"]) == ([], [{"name": "x"}])
    skipped = HANDLER.skip_branches("nothing to do", {"why": 1})
    assert skipped.result["decision_point_outcome"] == {
        "type": "no_branches",
        "reason": "nothing to do",
        "routing_context": {"why": 1},
    }
    none = HANDLER.decision_no_branches(DecisionPointOutcome.no_branches("x"))
    assert none.result["decision_point_outcome"]["type"] == "no_branches"
    with pytest.raises(ValueError, match="takes an outcome of"):
        HANDLER.decision_no_branches(DecisionPointOutcome.create_steps(["a"]))
    with pytest.raises(ValueError, match="at least one step"):
        HANDLER.decision_success([])
    failed = HANDLER.decision_failure("cannot tell")
    assert (failed.error_type, failed.retryable) == ("decision_error", False)
