"""What an operator does in a night, by keyboard, on a real stack."""

from __future__ import annotations

from tasker_tui.locator import Locator, to_task
from tests.integration.dashboard.conftest import Operator, Shop, operating


async def test_a_failed_step_is_found_retried_and_verified_with_four_keys(shop: Shop):
    shop.break_down("gateway")
    uuid = await shop.start("purchase", order=8841)
    await shop.until_status([uuid], "blocked_by_failures")
    shop.repair("gateway")
    async with operating(shop, Locator("tasks", query="template:purchase")) as operator:
        await operator.sees("purchase", "✗ charge")
        await operator.press("enter")
        await operator.sees("gateway answered 503", "attempts")
        await operator.press("r")
        await operator.sees("Retry charge")
        await operator.press("enter")
        await operator.sees("✓ complete", "3/3 steps")
    await shop.until_status([uuid], "complete")


async def in_bulk(operator: Operator, key: str, count: int, reason: str) -> None:
    """Do it to all of the group under the cursor, and leave when it is done."""
    await operator.press(key)
    await operator.sees(f"{count} steps", "confirm", "frozen")
    await operator.type(reason)
    await operator.press("tab")
    await operator.type(str(count))
    await operator.press("ctrl+s")
    await operator.sees(f"done      {count}", "remaining 0")
    await operator.press("escape")


async def test_a_mass_failure_of_three_causes_is_repaired_group_by_group(shop: Shop):
    shop.break_down("gateway", "printer", "address")
    started = {
        name: [await shop.start(name, order=number) for number in range(count)]
        for name, count in (("purchase", 12), ("parcel", 8), ("greeting", 4))
    }
    everyone = [uuid for uuids in started.values() for uuid in uuids]
    await shop.until_status(everyone, "blocked_by_failures")
    shop.repair("gateway", "printer")
    async with operating(shop) as operator:
        await operator.press("e")
        await operator.sees("24 steps in 3 groups", "gateway answered", "printer", "no address")
        await in_bulk(operator, "r", 12, "gateway is back")
        await operator.sees("12 steps in 2 groups")
        await in_bulk(operator, "r", 8, "the printer is on")
        await operator.sees("4 steps in 1 group")
        await in_bulk(operator, "m", 4, "they will never have one")
        await operator.sees("Nothing has failed")
        await operator.press("B")
        await operator.sees("✓ complete", "12 of 12", "gateway is back", "they will never have one")
    shop.repair("address")
    await shop.until_status(everyone, "complete")


async def test_a_step_that_waits_says_why_and_is_resolved_by_hand(shop: Shop):
    uuid = await shop.start("orphan", order=1)
    async with operating(shop, to_task(uuid, "haunt")) as operator:
        await operator.sees("why", "shop.nobody")
        await operator.press("m")
        await operator.sees("Resolve haunt")
        await operator.type("nobody will ever write it")
        await operator.press("ctrl+s")
        await operator.sees("⊙ haunt")
    [task] = await shop.until_status([uuid], "complete", "blocked_by_failures", "steps_in_process")
    states = {step.name: step.current_state for step in await shop.client.list_steps(str(task.task_uuid))}
    assert states["haunt"] == "resolved_manually"


async def test_a_task_is_started_from_the_form_and_watched_to_its_end(shop: Shop):
    async with operating(shop) as operator:
        await operator.press("s")
        await operator.sees("type to narrow")
        await operator.type("purchase")
        await operator.press("enter")
        await operator.sees("Order", "Amount")
        await operator.type("77")
        await operator.press("ctrl+s")
        await operator.sees("purchase", "✓ complete", "3/3 steps")
        await operator.press("2")
        await operator.sees("charge", "receipt")
    tasks = (await shop.client.list_tasks(template="purchase", limit=1)).tasks
    assert (tasks[0].context["order"], tasks[0].initiator) == (77, "ana")


async def test_a_task_that_hangs_is_cancelled(shop: Shop):
    shop.break_down("jam")
    uuid = await shop.start("slow", order=2)
    await shop.until_running(uuid)
    async with operating(shop, to_task(uuid)) as operator:
        await operator.sees("● wait")
        await operator.press("c")
        await operator.sees("Cancel", f"type {uuid[-8:]}")
        await operator.type("the belt is jammed")
        await operator.press("tab")
        await operator.type(uuid[-8:])
        await operator.press("enter")
        await operator.sees("⊘ cancelled")
    shop.repair("jam")
    await shop.until_status([uuid], "cancelled")


async def test_a_failed_run_is_compared_with_a_good_one_and_run_again(shop: Shop):
    good = await shop.start("purchase", order=1)
    await shop.until_status([good], "complete")
    bad = await shop.start("purchase", order=1, amount=-5)
    await shop.until_status([bad], "blocked_by_failures")
    async with operating(shop, Locator("tasks", query="template:purchase")) as operator:
        await operator.sees(bad[-8:])
        await operator.press("v")
        await operator.sees("Runs of purchase", bad[-8:])
        await operator.press("d")
        await operator.sees("amount", "-5", "check")
        await operator.press("escape", "enter")
        await operator.sees("is below zero")
        await operator.press("R")
        await operator.sees("Run check again", "runs at once")
        await operator.press("tab")
        await operator.type('{"amount": 5}')
        await operator.press("tab")
        await operator.type("the amount was wrong")
        await operator.press("ctrl+s")
        await operator.sees("✓ check  complete")
        await operator.press("escape", "o")
        await operator.sees("✓ complete", "3/3 steps")
    [step, *_] = await shop.client.list_steps(bad)
    assert [edit.reason for edit in step.edits] == ["the amount was wrong"]
