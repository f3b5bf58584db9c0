"""Webhooks: who is called, how it is signed, and what becomes of calls that fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from engine.orchestration.public_hosts import is_public
from engine.orchestration.webhooks import WebhookSender
from engine.settings import WebhookSettings
from engine.store.pool import open_pool
from tests.integration.api.conftest import Failure, World, step, template
from tests.integration.api.test_staleness import in_minutes
from tests.support.receiver import Heard, Receiver, receiving
from tests.support.waiting import until

PAY = [step("charge", retry={"max_attempts": 1})]
BOTH = ["task.failed", "dead_letter.created"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@asynccontextmanager
async def sending(pool: Any, **settings: Any) -> AsyncIterator[WebhookSender]:
    given = {"allow_private_networks": True, "timeout_seconds": 5} | settings
    sender = WebhookSender(pool, WebhookSettings(**given))
    try:
        yield sender
    finally:
        await sender.close()


async def register(world: World, url: str, **fields: Any) -> dict[str, Any]:
    answer = await world.post({"url": url, "events": BOTH, "actor": "ana"} | fields, "/v1/webhooks")
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def fail(world: World, name: str = "pay") -> str:
    await world.register(template(name, PAY))
    await world.worker.register()
    uuid: str = (await world.create(name))["task_uuid"]
    await world.worker.run(charge=Failure("the card was refused"))
    return uuid


async def deliveries(world: World, webhook: str, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.get(f"/v1/webhooks/{webhook}/deliveries", **query))[
        "deliveries"
    ]
    return found


async def attempted(world: World, sender: WebhookSender, webhook: str, attempts: int) -> dict[str, Any]:
    """The only delivery, once it has had so many attempts."""
    await sender.look()

    async def done() -> dict[str, Any] | None:
        (one,) = await deliveries(world, webhook)
        return one if len(one["log"]) == attempts else None

    found = await until(done, f"{attempts} attempts are written down")
    assert found is not None
    return found


def check(secret: str, call: Heard) -> None:
    """The signature, as a receiver would check it who knows Standard Webhooks."""
    headers = call.headers
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + call.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"


async def test_a_failure_and_its_dead_letter_are_told_and_signed(world: World, receiver: Receiver) -> None:
    made = await register(world, receiver.url)
    uuid = await fail(world)
    async with sending(world.pool) as sender:
        await sender.look()

        async def heard() -> bool:
            return len(receiver.heard) == 2

        async def both_delivered() -> list[dict[str, Any]] | None:
            found = await deliveries(world, made["webhook"]["webhook_uuid"], state="delivered")
            return found if len(found) == 2 else None

        await until(heard, "both are told")
        written = await until(both_delivered, "both are written down")
        calls = {call.json()["type"]: call for call in receiver.heard}
    assert set(calls) == set(BOTH)
    for call in receiver.heard:
        check(made["secret"], call)
    data = calls["dead_letter.created"].json()["data"]
    assert (data["task"]["task_uuid"], data["task"]["namespace"], data["task"]["name"]) == (
        uuid,
        "test",
        "pay",
    )
    assert data["task"]["state"] == "blocked_by_failures"
    assert data["task"]["failed_steps"][0]["message"] == "the card was refused"
    entry = await world.get(f"/v1/dlq/task/{uuid}")
    assert data["dead_letter"]["dlq_entry_uuid"] == entry["dlq_entry_uuid"]
    assert data["dead_letter"]["cause"] == "permanent_failure"
    assert "dead_letter" not in calls["task.failed"].json()["data"]
    for one in written or []:
        (attempt,) = one["log"]
        assert (attempt["status"], attempt["response"], attempt["error"]) == (200, "thanks", None)
        assert one["delivery_uuid"] in {call.headers["webhook-id"] for call in receiver.heard}
        assert one["task_uuid"] == uuid


async def test_only_what_was_asked_for_is_told(world: World, receiver: Receiver) -> None:
    other = await register(world, receiver.url, template="refund")
    elsewhere = await register(world, receiver.url, namespace="elsewhere")
    failures = await register(world, receiver.url, events=["task.failed"], namespace="test", template="pay")
    off = await register(world, receiver.url + "/off", enabled=False)
    await fail(world)
    told = [
        [delivery["event"] for delivery in await deliveries(world, one["webhook"]["webhook_uuid"])]
        for one in (other, elsewhere, failures, off)
    ]
    assert told == [[], [], ["task.failed"], []]


async def test_what_fails_is_tried_again_later_under_the_same_id(
    world: World, database: str, receiver: Receiver
) -> None:
    made = await register(world, receiver.url, events=["task.failed"])
    webhook = made["webhook"]["webhook_uuid"]
    await fail(world)
    receiver.answers = [500, 302]
    receiver.headers = f"location: {receiver.url}\r\n"
    async with sending(world.pool) as sender:
        first = await attempted(world, sender, webhook, 1)
        assert (first["state"], first["attempts"], first["log"][0]["status"]) == ("pending", 1, 500)
        assert first["next_at"] > first["updated_at"]
        await sender.look()
        assert len(receiver.heard) == 1
    for attempt, minutes in ((2, 1), (3, 3)):
        pool = await open_pool(in_minutes(database, minutes))
        async with sending(pool) as sender:
            last = await attempted(world, sender, webhook, attempt)
        await pool.close()
    assert [one["status"] for one in last["log"]] == [500, 302, 200]
    assert (last["state"], last["next_at"]) == ("delivered", None)
    assert len({call.headers["webhook-id"] for call in receiver.heard}) == 1
    for call in receiver.heard:
        check(made["secret"], call)


async def test_attempts_end_and_somebody_may_have_it_delivered_again(
    world: World, receiver: Receiver
) -> None:
    webhook = (await register(world, receiver.url, events=["task.failed"]))["webhook"]["webhook_uuid"]
    await fail(world)
    receiver.answers, receiver.text = [503], "x" * 5000 + "\x00"
    async with sending(world.pool, max_attempts=1) as sender:
        failed = await attempted(world, sender, webhook, 1)
        assert (failed["state"], len(failed["log"][0]["response"])) == ("failed", 1024)
        place = f"/v1/webhooks/{webhook}/deliveries/{failed['delivery_uuid']}/redeliver"
        assert (await world.post({"dry_run": True}, place)).json()["changed"] is True
        assert (await deliveries(world, webhook))[0]["state"] == "failed"
        assert (await world.post({"actor": "ana"}, place)).json()["changed"] is True
        assert (await world.post({"actor": "ana"}, place)).json()["changed"] is False
        done = await attempted(world, sender, webhook, 2)
    assert (done["state"], [one["status"] for one in done["log"]]) == ("delivered", [503, 200])
    text = (await world.http.get("/metrics")).text
    assert 'tasker_webhook_deliveries{state="delivered"} 1.0' in text


async def test_a_receiver_that_does_not_answer_keeps_no_other_waiting(
    world: World, receiver: Receiver
) -> None:
    async with receiving() as dead:
        dead.usual = 0
        silent = (await register(world, dead.url))["webhook"]["webhook_uuid"]
        await register(world, receiver.url, events=["task.failed"])
        for _ in range(6):
            await fail(world)
        async with sending(world.pool, timeout_seconds=60) as sender:

            async def told() -> bool:
                await sender.look()
                return len(receiver.heard) == 6

            await until(told, "the one that answers is told everything")
            assert len(await deliveries(world, silent, state="pending")) == 12
            assert 0 < len(dead.heard) < 12
    assert (await world.get("/v1/dlq/stats"))[0]["pending"] == 6


async def test_nobody_listens_and_time_runs_out(world: World, receiver: Receiver) -> None:
    webhook = (await register(world, receiver.url, events=["task.failed"]))["webhook"]["webhook_uuid"]
    await fail(world)
    receiver.usual = 0
    async with sending(world.pool, timeout_seconds=0.2) as sender:
        silent = await attempted(world, sender, webhook, 1)
    assert (silent["log"][0]["status"], silent["log"][0]["error"]) == (None, "no answer within 0.2 s")


async def test_addresses_of_the_own_network_are_not_called(world: World, receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    webhook = (await register(world, url, events=["task.failed"]))["webhook"]["webhook_uuid"]
    await fail(world)
    async with sending(world.pool, allow_private_networks=False) as sender:
        refused = await attempted(world, sender, webhook, 1)
    assert "not in the public internet" in refused["log"][0]["error"]
    assert receiver.heard == []


@pytest.mark.parametrize(
    ("number", "public"),
    [
        ("127.0.0.1", False), ("10.0.0.1", False), ("169.254.169.254", False), ("0.0.0.0", False),
        ("::1", False), ("::ffff:127.0.0.1", False), ("fe80::1", False), ("224.0.0.1", False),
        ("64:ff9b::a9fe:a9fe", False), ("64:ff9b:1::a00:1", False), ("::127.0.0.1", False),
        ("64:ff9b::101:101", True), ("100.64.0.1", False), ("1.1.1.1", True), ("2606:4700:4700::1111", True),
    ],
)  # fmt: skip
def test_what_counts_as_the_public_internet(number: str, public: bool) -> None:
    assert is_public(number) is public


async def test_one_that_is_gone_is_switched_off(world: World, receiver: Receiver) -> None:
    webhook = (await register(world, receiver.url, events=["task.failed"]))["webhook"]["webhook_uuid"]
    await fail(world)
    receiver.usual = 410
    async with sending(world.pool) as sender:
        assert (await attempted(world, sender, webhook, 1))["state"] == "failed"

        async def off() -> bool:
            return not (await world.get(f"/v1/webhooks/{webhook}"))["enabled"]

        await until(off, "it is switched off")
    assert "410" in (await world.get(f"/v1/webhooks/{webhook}"))["reason"]


async def test_a_ping_says_whether_it_works(world: World, receiver: Receiver) -> None:
    made = await register(world, receiver.url)
    webhook = made["webhook"]["webhook_uuid"]
    pinged = (await world.post({"actor": "ana"}, f"/v1/webhooks/{webhook}/test")).json()["delivery"]
    assert (pinged["event"], pinged["payload"]["data"]) == ("webhook.ping", {"by": "ana"})
    async with sending(world.pool) as sender:
        assert (await attempted(world, sender, webhook, 1))["state"] == "delivered"
    check(made["secret"], receiver.heard[0])
    await world.http.patch(f"/v1/webhooks/{webhook}", json={"enabled": False})
    assert (await world.post({}, f"/v1/webhooks/{webhook}/test")).status_code == 400


async def test_the_secret_is_shown_once_and_the_same_address_registered_once(world: World) -> None:
    dry = await world.post({"url": "https://example.com/h", "events": BOTH, "dry_run": True}, "/v1/webhooks")
    assert (dry.status_code, dry.json()["changed"], dry.json()["secret"]) == (200, True, None)
    assert (await world.get("/v1/webhooks"))["webhooks"] == []
    made = await register(world, "https://example.com/h")
    secret, webhook = made["secret"], made["webhook"]["webhook_uuid"]
    assert secret.startswith("whsec_")
    again = await world.post({"url": "https://example.com/h", "events": BOTH[::-1]}, "/v1/webhooks")
    assert (again.status_code, again.json()["changed"], again.json()["secret"]) == (200, False, None)
    other = await world.post({"url": "https://example.com/h", "events": BOTH[:1]}, "/v1/webhooks")
    assert other.status_code == 409
    for path in ("/v1/webhooks", f"/v1/webhooks/{webhook}", f"/v1/webhooks/{webhook}/deliveries"):
        assert secret not in (await world.http.get(path)).text
    own = "whsec_" + base64.b64encode(b"k" * 32).decode()
    changed = await world.http.patch(f"/v1/webhooks/{webhook}", json={"secret": own, "actor": "ben"})
    assert own not in changed.text
    assert (changed.json()["changed"], changed.json()["webhook"]["updated_by"]) == (True, "ben")
    same = await world.http.patch(f"/v1/webhooks/{webhook}", json={"secret": own})
    assert same.json()["changed"] is False


async def test_a_webhook_is_removed_with_its_log(world: World) -> None:
    webhook = (await register(world, "https://example.com/h"))["webhook"]["webhook_uuid"]
    await fail(world)
    place = f"/v1/webhooks/{webhook}"
    dry = (await world.http.request("DELETE", place, json={"dry_run": True})).json()
    assert (dry["changed"], dry["webhook"]["pending_deliveries"]) == (True, 2)
    page = await world.get(f"{place}/deliveries", limit=1)
    older = await world.get(f"{place}/deliveries", limit=1, before=page["next"])
    assert {one["event"] for one in page["deliveries"] + older["deliveries"]} == set(BOTH)
    assert (await world.http.delete(place)).json()["changed"] is True
    assert (await world.http.get(place)).status_code == 404
    assert (await world.http.get(f"{place}/deliveries")).status_code == 404
    async with world.pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM tasker.webhook_deliveries") == 0


async def test_old_deliveries_are_forgotten(world: World, database: str) -> None:
    webhook = (await register(world, "https://example.com/h"))["webhook"]["webhook_uuid"]
    await fail(world)
    for days, kept in ((29, 2), (31, 0)):
        pool = await open_pool(in_minutes(database, days * 1440))
        async with sending(pool) as sender:
            await sender.forget()
        await pool.close()
        assert len(await deliveries(world, webhook)) == kept


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"url": "ftp://example.com"}, "https://"),
        ({"url": "https://"}, "name a host"),
        ({"url": "https://me:secret@example.com"}, "user or a password"),
        ({"url": "https://example.com:99999"}, "no address"),
        ({"url": "https://a..b/"}, "host name"),
        ({"url": f"https://{'a' * 64}.example/"}, "host name"),
        ({"url": "https://example.com/für"}, "ASCII"),
        ({"events": []}, "events"),
        ({"events": ["task.done"]}, "events"),
        ({"secret": "short"}, "secret"),
        ({"secret": "whsec_c2hvcnQ="}, "24 to 64 bytes"),
    ],
)
async def test_a_wrong_webhook_is_refused(world: World, body: dict[str, Any], said: str) -> None:
    answer = await world.post({"url": "https://example.com", "events": BOTH} | body, "/v1/webhooks")
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]
    assert (await world.http.get(f"/v1/webhooks/{uuid4()}")).status_code == 404
