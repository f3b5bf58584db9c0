"""The client of the flows: an operator's day, and two workflows that can be started."""

from __future__ import annotations

from tests.tui.scenes import ORDER_SCHEMA, day
from tests.tui.support import FakeClock, FakeTasker, template


def client_with(*tasks) -> FakeTasker:
    """Answers with these tasks, or with those of a day."""
    client = FakeTasker(FakeClock(), tasks or day())
    client.templates = [template("order_fulfillment", ORDER_SCHEMA), template("linear_workflow", {})]
    return client
