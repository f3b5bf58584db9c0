"""`GET /v1/failures`: failed steps in groups."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.integration.api.conftest import Failure, World, step, template

ONCE = {"max_attempts": 1}


async def fail(world: World, name: str, message: str, **more: object) -> str:
    uuid: str = (await world.create(name))["task_uuid"]
    await world.worker.run(charge=Failure(message, retryable=False))
    return uuid


async def test_failures_that_differ_in_values_alone_are_one_group(world: World) -> None:
    await world.register(template("pay", [step("charge", retry=ONCE)]))
    messages = [
        f"order {uuid4()} of 12.50 refused by 'bank A' at 0x7f00",
        f"order {uuid4()} of 7 refused by 'bank B' at 0x7f01",
    ]
    for message in messages:
        await fail(world, "pay", message)
    other = await fail(world, "pay", "no such customer")
    groups = (await world.get("/v1/failures"))["groups"]
    assert [(one["failed_steps"], one["failed_tasks"]) for one in groups] == [(2, 2), (1, 1)]
    assert groups[0]["signature"].endswith("order # of # refused by ? at #")
    assert groups[0]["sample"]["message"] == messages[1]
    assert groups[0]["first_seen"] < groups[0]["last_seen"]
    assert (len(groups[0]["trend"]), sum(groups[0]["trend"]), sum(groups[1]["trend"])) == (12, 2, 1)
    assert groups[1]["sample"]["task_uuid"] == other
    (place,) = groups[1]["places"]
    assert (place["namespace"], place["template"], place["step"]) == ("test", "pay", "charge")


async def test_they_narrow_to_a_template_and_a_time_and_vanish_when_resolved(world: World) -> None:
    await world.register(template("pay", [step("charge", retry=ONCE)]))
    await world.register(template("refund", [step("charge", retry=ONCE)]))
    await fail(world, "pay", "refused")
    uuid = await fail(world, "refund", "refused")

    async def count(**params: str) -> int:
        groups = (await world.get("/v1/failures", **params))["groups"]
        return sum(one["failed_steps"] for one in groups)

    assert await count() == 2
    assert await count(template="refund") == 1
    assert await count(namespace="elsewhere") == 0
    assert await count(since="2999-01-01T00:00:00Z") == 0
    await world.http.delete(f"/v1/tasks/{uuid}")
    assert await count(template="refund") == 0


@pytest.mark.parametrize("params", [{"limit": "0"}, {"since": "yesterday"}])
async def test_wrong_parameters_are_named(world: World, params: dict[str, str]) -> None:
    answer = await world.http.get("/v1/failures", params=params)
    assert answer.status_code == 400
    assert next(iter(params)) in answer.text
