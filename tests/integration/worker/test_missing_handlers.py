"""Steps whose handler is not there."""

from __future__ import annotations

import pytest

from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.workflows import step

AT_ONCE = {"TASKER_MISSING_HANDLER_GRACE_SECONDS": "0"}


@pytest.mark.scenario(75)
async def test_a_step_that_no_live_worker_can_run_fails_for_good(stack: Stack) -> None:
    await stack.engine(**AT_ONCE)
    await stack.worker()
    task = await stack.flows.run([step("there"), step("lacking", "there", handler="nowhere.to.be.found")])
    await stack.flows.reaches(task, "blocked_by_failures")
    assert await stack.flows.states(task) == {"there": "complete", "lacking": "error"}
    (attempt,) = await stack.flows.attempts(task, "lacking")
    assert (attempt["error_type"], attempt["retryable"]) == ("handler_not_found", "false")
    assert "nowhere.to.be.found" in attempt["message"]
    assert (await stack.flows.steps(task))["lacking"]["attempts"] == 0


async def test_a_step_waits_while_no_worker_serves_its_namespace(stack: Stack) -> None:
    """Workers that are being deployed are no reason to fail."""
    await stack.engine(**AT_ONCE)
    task = await stack.flows.run([step("early")])
    other = await stack.flows.register([step("elsewhere")], "other", "elsewhere")
    await stack.flows.create(other)

    async def looked() -> bool:
        # The other loops of the engine have come round too.
        query = "SELECT bool_and(low_mark > '-infinity') FROM tasker.ready_lanes"
        return bool(await stack.flows.conn.fetchval(query))

    await until(looked, "the engine has looked")
    assert await stack.flows.states(task) == {"early": "enqueued"}
    await stack.worker()
    await stack.flows.reaches(task, "complete")


async def test_a_grace_gives_a_new_worker_time(stack: Stack) -> None:
    """The step waits for the handler that the second worker brings, and costs no attempt."""
    await stack.engine(TASKER_MISSING_HANDLER_GRACE_SECONDS="60")
    only_one = stack.folder / "only_one.py"
    only_one.write_text(
        "from workers import step_handler\n\n@step_handler('other')\ndef other() -> dict:\n    return {}\n"
    )
    await stack.worker(handlers=only_one)
    task = await stack.flows.run([step("first", handler="other"), step("second", "first")])

    async def missing() -> bool:
        return bool(await stack.flows.conn.fetchval("SELECT count(*) FROM tasker.missing_handlers"))

    await until(missing, "the handler is known to be missing")
    assert await stack.flows.states(task) == {"first": "complete", "second": "enqueued"}
    await stack.worker()
    await stack.flows.reaches(task, "complete")
    (attempt,) = await stack.flows.attempts(task, "second")
    assert (attempt["attempt"], attempt["claim_no"]) == (1, 1)


async def test_a_declined_step_costs_no_attempt(stack: Stack) -> None:
    """The first worker offered the handler while it had it, and lacks it by the time it should run."""
    await stack.engine(TASKER_MISSING_HANDLER_GRACE_SECONDS="60")
    fickle = stack.folder / "fickle.py"
    fickle.write_text(FICKLE)
    first = await stack.worker(handlers=fickle)
    task = await stack.flows.run([step("s1", handler="fickle")])

    async def declined() -> bool:
        return "is declined" in first.output

    await until(declined, "the worker declines the step")
    await stack.flows.step_reaches(task, "s1", "enqueued")
    assert (await stack.flows.steps(task))["s1"]["attempts"] == 0
    assert await stack.flows.attempts(task, "s1") == []
    steady = stack.folder / "steady.py"
    steady.write_text(
        "from workers import step_handler\n\n@step_handler('fickle')\ndef fickle() -> dict:\n    return {}\n"
    )
    await stack.worker(handlers=steady)
    await stack.flows.reaches(task, "complete")
    (attempt,) = await stack.flows.attempts(task, "s1")
    assert attempt["attempt"] == 1


NOBODY_REGISTERS = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full';
    END $$;
    CREATE TRIGGER no_room BEFORE INSERT OR UPDATE OF handlers ON tasker.workers
    FOR EACH ROW EXECUTE FUNCTION no_room();
"""


async def test_a_declined_step_goes_back_although_the_worker_cannot_say_what_it_offers(stack: Stack) -> None:
    """Neither the step nor its slot is lost: the only slot runs what is claimed next."""
    await stack.engine(TASKER_MISSING_HANDLER_GRACE_SECONDS="60")
    fickle = stack.folder / "fickle.py"
    fickle.write_text(FICKLE + PLAIN)
    worker = await stack.worker(handlers=fickle, slots=1, lease=300.0)
    revision = await stack.flows.register([step("s1", handler="fickle"), step("s2", handler="plain")])

    async def offered() -> bool:
        return len((await worker.get("/health/detailed")).json()["handlers"]) == 2

    await until(offered, "the worker offers both handlers")
    await stack.flows.conn.execute(NOBODY_REGISTERS)
    (task,) = await stack.flows.create(revision)
    await stack.flows.step_reaches(task, "s2", "complete")
    assert "step s1 is declined" in worker.output
    await stack.flows.step_reaches(task, "s1", "enqueued")
    assert (await stack.flows.steps(task))["s1"]["attempts"] == 0


PLAIN = """

from workers import step_handler


@step_handler("plain")
def plain() -> dict:
    return {}
"""

# A resolver that finds its handler once, when the worker looks what it can offer, and never again.
FICKLE = """
from workers import BaseResolver, HandlerRegistry, StepHandler


class Fickle(StepHandler):
    def call(self, context):
        return {}


class Once(BaseResolver):
    asked = 0

    @property
    def name(self):
        return "once"

    @property
    def priority(self):
        return 1

    def can_resolve(self, definition, config=None):
        return definition.callable == "fickle"

    def resolve(self, definition, config=None):
        Once.asked += 1
        return Fickle() if Once.asked == 1 else None


HandlerRegistry.instance(skip_bootstrap=True).resolver_chain.add_resolver(Once())
"""


async def test_a_resolver_that_raises_stops_neither_the_worker_nor_its_offer(stack: Stack) -> None:
    await stack.engine(**AT_ONCE)
    broken = stack.folder / "broken_resolver.py"
    broken.write_text(BROKEN_RESOLVER)
    worker = await stack.worker(handlers=broken)
    task = await stack.flows.run([step("first", handler="plain"), step("second", "first", handler="plain")])
    await stack.flows.reaches(task, "complete")
    assert "the resolver 'broken' raised KeyError: 'no configuration'" in worker.output
    lacking = await stack.flows.run([step("lacking", handler="plian")], "lacking")
    await stack.flows.reaches(lacking, "blocked_by_failures")
    (attempt,) = await stack.flows.attempts(lacking, "lacking")
    assert "has the handler 'plian'; looked in 1 names. Did you mean 'plain'?" in attempt["message"]
    hinted = [step("hinted")]
    hinted[0]["handler"]["resolver"] = "broken"
    named = await stack.flows.run(hinted, "hinted")
    await stack.flows.reaches(named, "blocked_by_failures")
    (attempt,) = await stack.flows.attempts(named, "hinted")
    assert (attempt["error_type"], attempt["retryable"]) == ("handler_not_found", "false")
    assert "the resolver 'broken' raised KeyError: 'no configuration' (" in attempt["message"]


BROKEN_RESOLVER = """
from workers import BaseResolver, HandlerRegistry, step_handler


@step_handler("plain")
def plain() -> dict:
    return {}


class Broken(BaseResolver):
    name = "broken"
    priority = 1

    def can_resolve(self, definition, config=None):
        raise KeyError("no configuration")

    def resolve(self, definition, config=None):
        return None


HandlerRegistry.instance(skip_bootstrap=True).resolver_chain.add_resolver(Broken())
"""
