"""A server that has something for every screen."""

from __future__ import annotations

from engine.model.wire.bulk import BulkState, BulkVerb
from tests.tui.fake_letters import letter
from tests.tui.scenes import ORDER_SCHEMA, day, difference, failure_groups, order_task, queues, runs
from tests.tui.support import FakeClock, FakeTasker, template


def showcase() -> FakeTasker:
    """A day of tasks, with failures, dead letters, queues, runs and templates."""
    client = FakeTasker(FakeClock(), day())
    client.queues = queues()
    client.grid = runs(order_task(), order_task(2))
    client.diff = difference(order_task(2), order_task())
    client.letters = [letter(order_task(), 12, 80), letter(order_task(2), 400, 20, "ben")]
    client.failures = failure_groups(order_task())
    client.templates = [template("order_fulfillment", ORDER_SCHEMA), template("linear_workflow", {})]
    remember = client.bulk.remember
    remember(
        BulkVerb.RETRY, BulkState.RUNNING, 1, done=396, skipped=11, failed=5, remaining=588, rate=50.0,
        items_per_second=49.2, eta_seconds=12.0, actor="ana", reason="the bank is back",
        filter={"signature": "TimeoutError: HTTP <n> from <url>"},
    )  # fmt: skip
    remember(
        BulkVerb.CANCEL, BulkState.STOPPED, 95, done=40, remaining=960, reason="wrong prices",
        stopped_by="ana", stop_reason="stopped in the dashboard", filter={"template": "invoice_batch"},
    )  # fmt: skip
    remember(BulkVerb.RETRY_DOWNSTREAM, BulkState.COMPLETE, 3_000, filter={"namespace": "example"})
    return client
