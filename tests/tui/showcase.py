"""A server that has something for every screen."""

from __future__ import annotations

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
    return client
