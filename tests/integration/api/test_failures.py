"""`GET /v1/failures`: failed steps in groups."""

from __future__ import annotations

from typing import Any
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


async def test_the_tasks_of_a_group_are_listed_by_its_signature(world: World) -> None:
    await world.register(template("pay", [step("charge", retry=ONCE)]))
    failed = [await fail(world, "pay", f'the bank said "no" {number} times, a') for number in (1, 22)]
    await fail(world, "pay", "no such customer")
    signature = (await world.get("/v1/failures"))["groups"][0]["signature"]
    cancelled = await fail(world, "pay", 'the bank said "x" 3 times, a')
    await world.http.delete(f"/v1/tasks/{cancelled}")

    async def listed(**params: str) -> list[str]:
        page = await world.get("/v1/tasks", count="exact", **params)
        assert page["pagination"]["total_count"] == len(page["tasks"])
        return [one["task_uuid"] for one in page["tasks"]]

    assert await listed(signature=signature) == failed[::-1]
    assert await listed(signature=signature, status="active", template="pay") == failed[::-1]
    assert await listed(signature=signature, status="complete") == []
    assert await listed(signature="unknown: nothing like it") == []
    too_long = await world.http.get("/v1/tasks", params={"signature": "x" * 1_001})
    assert (too_long.status_code, "signature" in too_long.text) == (400, True)


@pytest.mark.parametrize("params", [{"limit": "0"}, {"since": "yesterday"}])
async def test_wrong_parameters_are_named(world: World, params: dict[str, str]) -> None:
    answer = await world.http.get("/v1/failures", params=params)
    assert answer.status_code == 400
    assert next(iter(params)) in answer.text


async def test_a_group_is_cared_for_and_known_when_it_comes_back(world: World) -> None:
    await world.register(template("pay", [step("charge", retry=ONCE)]))
    uuid = await fail(world, "pay", "bank [a] refused 7")
    (group,) = (await world.get("/v1/failures"))["groups"]
    assert group["triage"] == {
        "state": "new", "owner": None, "changed_by": None, "changed_at": None, "notes": []
    }  # fmt: skip
    signature = group["signature"]

    async def change(**fields: object) -> Any:
        answer = await world.http.patch("/v1/failures", json={"signature": signature} | fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    await change(owner="ana", actor="ben")
    await change(note="the bank is down", state="triaged", actor="ana")
    for number in range(25):
        last = await change(note=f"note {number}", actor="ben")
    assert (last["state"], last["owner"], last["changed_by"]) == ("triaged", "ana", "ben")
    assert [note["note"] for note in last["notes"]] == [f"note {number}" for number in range(24, 4, -1)]
    await world.http.delete(f"/v1/tasks/{uuid}")
    assert (await world.get("/v1/failures"))["groups"] == []
    assert (await change(owner=None))["owner"] is None
    await fail(world, "pay", "bank [a] refused 8")
    (group,) = (await world.get("/v1/failures"))["groups"]
    assert group["triage"]["state"] == "triaged"
    assert group["triage"]["notes"][0] == {
        "note": "note 24", "noted_by": "ben", "noted_at": group["triage"]["notes"][0]["noted_at"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"signature": "x: y", "owner": "ana"}, 404, "GET /v1/failures lists"),
        ({"signature": "x: y"}, 422, "nothing to change"),
        ({"signature": "x: y", "state": "old"}, 422, "state"),
        ({"signature": "x: y", "owner": ""}, 422, "owner"),
        ({"signature": "x: y", "note": "n" * 2001}, 422, "note"),
    ],
    ids=["unknown", "nothing", "state", "owner", "note"],
)
async def test_what_cannot_be_kept_is_refused(
    world: World, body: dict[str, str], status: int, said: str
) -> None:
    answer = await world.http.patch("/v1/failures", json=body)
    assert answer.status_code == status
    assert said in answer.text
