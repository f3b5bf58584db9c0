"""What a step's end publishes, where it goes, and that nothing about it touches the step."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.integration.events.conftest import Events, event, worker_of
from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.workflows import step


@pytest.mark.scenario(96)
async def test_a_durable_event_is_in_the_queue_of_its_namespace(events: Events) -> None:
    flows = events.stack.flows
    task = await flows.run([step("pay", publishes_events=[event("payment.done")])], context={"cents": 10**30})
    await flows.reaches(task, "complete")
    (found,) = await events.published(task)
    pay = (await flows.steps(task))["pay"]
    assert re.fullmatch(r"[0-9a-f-]{36}", found["event_id"])
    assert (found["event_name"], found["event_version"]) == ("payment.done", "1.0")
    result = {"step": "pay", "attempt": 1}
    assert found["payload"] == {
        "task": {"task_uuid": str(task), "context": {"cents": 10**30}},
        "step": {"step_uuid": str(pay["step_uuid"]), "name": "pay", "attempt": 1},
        "result": {"success": True, "result": result, "error": None},
        "payload": result,
    }
    metadata = found["metadata"]
    correlation = await flows.conn.fetchval(
        "SELECT correlation_id::text FROM tasker.tasks WHERE task_uuid = $1", task
    )
    assert re.match(r"20\d\d-\d\d-\d\dT", metadata.pop("fired_at"))
    assert metadata == {
        "task_uuid": str(task),
        "step_uuid": str(pay["step_uuid"]),
        "step_name": "pay",
        "namespace": "test",
        "correlation_id": correlation,
        "fired_by": "default",
    }


@pytest.mark.scenario(77)
async def test_the_condition_decides_which_events_an_end_publishes(events: Events) -> None:
    flows = events.stack.flows
    declared = [
        event("payment.done"),
        event("payment.failed", "failure"),
        event("payment.again", "retryable_failure"),
        event("payment.lost", "permanent_failure"),
        event("inventory.updated", "always"),
    ]
    lost = await flows.run([step("lost", handler="permanent", publishes_events=declared)], "lost")
    await flows.step_reaches(lost, "lost", "error")
    assert await events.names(lost) == ["payment.failed", "payment.lost", "inventory.updated"]
    error = (await events.published(lost))[0]["payload"]
    assert error["payload"] == error["result"]["error"]
    assert (error["payload"]["error_message"], error["payload"]["error_code"]) == (
        "this can't be done",
        "NEVER",
    )
    flaky = step("flaky", handler="flaky", initialization={"failures": 1}, publishes_events=declared)
    again = await flows.run([flaky], "again")
    await flows.reaches(again, "complete")
    retried = ["payment.failed", "payment.again", "inventory.updated"]
    assert await events.names(again) == [*retried, "payment.done", "inventory.updated"]
    exhausted = await flows.run([flaky | {"retry": {"max_attempts": 1}}], "exhausted")
    await flows.step_reaches(exhausted, "flaky", "error")
    assert await events.names(exhausted) == ["payment.failed", "payment.lost", "inventory.updated"]


async def test_a_time_out_publishes_a_failure(events: Events) -> None:
    flows = events.stack.flows
    declared = [event("call.failed", "failure", publisher="default"), event("call.done")]
    slow = step("slow", handler="endless", timeout_seconds=1, publishes_events=declared)
    task = await flows.run([slow | {"retry": {"max_attempts": 1}}], "slow")
    await flows.step_reaches(task, "slow", "error")
    (found,) = await events.published(task)
    assert found["payload"]["payload"]["error_type"] == "handler_timeout"


async def test_a_publisher_makes_payload_and_metadata_and_hears_of_the_acceptance(events: Events) -> None:
    flows = events.stack.flows
    declared = [event("receipt.made", publisher="Receipts"), event("receipt.kept", publisher="Reluctant")]
    before = (await events.stats())["router"]
    task = await flows.run([step("pay", publishes_events=declared)], "receipts")
    await flows.reaches(task, "complete")
    (found,) = await events.published(task)
    assert found["payload"]["payload"] == {"of": "pay", "attempt": 1}
    metadata = found["metadata"]
    assert (metadata["source"], metadata["fired_by"], metadata["namespace"]) == (
        "receipts",
        "Receipts",
        "test",
    )
    (after,) = await events.seen("after", task)
    assert (after["event"], after["payload"]) == ("receipt.made", {"of": "pay", "attempt": 1})
    stats = await events.stats()
    assert stats["router"]["held_back"] - before["held_back"] == 1
    assert "Receipts" in stats["publishers"]


@pytest.mark.scenario(97)
async def test_an_event_that_cannot_be_made_leaves_its_step_and_the_others_alone(events: Events) -> None:
    flows = events.stack.flows
    declared = [
        event("order.unfit", schema={"type": "object", "required": ["total"]}),
        event("order.unheard", publisher="Nobody"),
        event("order.raised", publisher="Raising"),
        event("order.exited", publisher="Exiting"),
        event("order.nul", publisher="Nul"),
        event("order.late", publisher="Regretful"),
        event("order.sent"),
    ]
    before = (await events.stats())["router"]["failed"]
    task = await flows.run([step("order", publishes_events=declared)], "unfit")
    await flows.reaches(task, "complete")
    assert await flows.result(task, "order") == {"step": "order", "attempt": 1}
    assert await events.names(task) == ["order.late", "order.sent"]
    assert (await events.stats())["router"]["failed"] - before == 5
    (error,) = [note for note in events.notes() if note["what"] == "error"]
    assert (error["event"], error["error"]) == ("order.raised", "no ink")
    log = await events.log_of(task, 5)
    for line in (
        "order.unfit was not published: EventRefused: it does not fit the event's schema: the payload: ",
        "order.unheard was not published: ConfigurationError: this worker has no publisher 'Nobody'",
        "order.raised was not published: RuntimeError: no ink",
        "order.exited was not published: RuntimeError: SystemExit: I quit",
        "order.nul was not published: PayloadRejected: ",
    ):
        assert f"event {line}" in log


@pytest.mark.scenario(97)
async def test_a_publisher_that_hangs_holds_up_one_step_for_a_moment(events: Events) -> None:
    flows = events.stack.flows
    declared = [event("order.hung", publisher="Hanging"), event("order.went")]
    revision = await flows.register([step("order", publishes_events=declared)], "hanging")
    for reason in ("did not return within 2 s", "has not returned from an earlier event"):
        (task,) = await flows.create(revision)
        await flows.reaches(task, "complete")
        assert await events.names(task) == ["order.went"]
        assert f"order.hung was not published: PublisherHangs: the publisher {reason}" in await events.log_of(
            task, 1
        )


@pytest.mark.scenario(95)
async def test_fast_events_reach_the_subscribers_whose_pattern_matches(events: Events) -> None:
    flows = events.stack.flows
    declared = [
        event("stock.low", mode="fast"),
        event("order.made", mode="broadcast"),
        event("order.other", mode="fast"),
        event("order.failed", "failure", mode="fast"),
    ]
    before = await events.stats()
    task = await flows.run([step("order", publishes_events=declared)], "fast")
    await flows.reaches(task, "complete")
    first, second = [note["event"] for note in await events.seen("event", task, 2)]
    assert (first["event_name"], second["event_name"]) == ("stock.low", "order.made")
    assert first["payload"]["payload"] == {"step": "order", "attempt": 1}
    assert first["metadata"]["step_name"] == "order"
    assert await events.published(task) == [second]
    after = await events.stats()
    gone = {name: after["router"][name] - before["router"][name] for name in before["router"]}
    assert (gone["total_routed"], gone["fast_routed"], gone["broadcast_routed"]) == (3, 2, 1)
    bus = "in_process_bus"
    assert after[bus]["total_events_dispatched"] - before[bus]["total_events_dispatched"] == 3


@pytest.mark.scenario(97)
async def test_subscribers_that_raise_or_hang_touch_nothing(events: Events) -> None:
    flows = events.stack.flows
    names = ("stock.bad", "stock.endless", "stock.good")
    declared = [event(name, mode="fast") for name in names]
    before = (await events.stats())["in_process_bus"]
    task = await flows.run([step("order", publishes_events=declared)], "subscribers")
    await flows.reaches(task, "complete")
    assert [note["event"]["event_name"] for note in await events.seen("event", task, 3)] == list(names)

    async def failed_once() -> bool:
        return bool(
            (await events.stats())["in_process_bus"]["handler_errors"] == before["handler_errors"] + 1
        )

    await until(failed_once, "the failure is counted")
    subscribers = {one["subscriber"]: one for one in (await events.stats())["in_process_bus"]["subscribers"]}
    assert subscribers["Failing"]["failed"] == 1
    assert subscribers["Stopping"]["handled"] == 0
    assert subscribers["Seeing"]["patterns"] == ["stock.*", "order.made"]


async def test_events_that_postgresql_refuses_are_left_out(events: Events) -> None:
    """Whatever the check before does not know of."""
    conn, flows = events.conn, events.stack.flows
    await conn.execute(
        """
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'this text can''t be kept' USING ERRCODE = 'untranslatable_character'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON tasker.domain_events
        FOR EACH ROW WHEN (NEW.event ->> 'event_name' = 'order.odd') EXECUTE FUNCTION public.refuse()
        """
    )
    declared = [event("order.odd"), event("order.made", mode="fast"), event("order.even", mode="broadcast")]
    before = (await events.stats())["router"]["failed"]
    task = await flows.run([step("a", publishes_events=declared), step("b", "a")], "refused")
    await flows.reaches(task, "complete")
    await conn.execute("DROP TRIGGER refuse ON tasker.domain_events; DROP FUNCTION public.refuse")
    assert await flows.result(task, "a") == {"step": "a", "attempt": 1}
    assert await events.names(task) == []
    await events.seen("event", task)
    assert (await events.stats())["router"]["failed"] - before == 2


async def test_a_decision_publishes_once_it_is_carried_out(events: Events) -> None:
    flows = events.stack.flows

    def steps(choice: str) -> list[dict[str, object]]:
        decide = step(
            "decide", "first", handler="choose", type="decision", initialization={"steps": [choice]},
            publishes_events=[event("route.chosen")],
        )  # fmt: skip
        return [step("first"), decide, step("left", "decide"), step("right", "decide")]

    good = await flows.run(steps("left"), "good")
    await flows.reaches(good, "complete")
    assert await events.names(good) == ["route.chosen"]
    bad = await flows.run(steps("up"), "bad")
    await flows.step_reaches(bad, "decide", "error")
    assert await events.names(bad) == []


async def test_a_missing_publisher_is_told_before_it_is_needed(events: Events) -> None:
    declared = [event("order.unheard", publisher="Nobody")]
    await events.stack.flows.register([step("order", publishes_events=declared)], "unheard")
    async with httpx.AsyncClient(base_url=worker_of(events.stack).url) as client:
        answer = (await client.post("/v1/templates/test/unheard/1.0.0/validate")).json()
    (error,) = answer["errors"]
    assert error.startswith("step 'order': this worker has no publisher 'Nobody'; register it")


async def test_prometheus_counts_events(events: Events, shared_stack: Stack) -> None:
    flows = events.stack.flows
    task = await flows.run([step("order", publishes_events=[event("order.counted")])], "counted")
    await flows.reaches(task, "complete")
    text = (await worker_of(shared_stack).get("/metrics")).text
    assert re.search(r'tasker_domain_events_published_total\{delivery_mode="durable"\} [1-9]', text)
    assert "tasker_domain_events_failed_total" in text
