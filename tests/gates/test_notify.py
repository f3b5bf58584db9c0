"""A commit that notifies takes one lock of the whole server, so claims and submits never do."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from engine.messaging.channels import READY, RESULTS, TEMPLATES
from engine.store.claims import FinishedStep, claim, submit
from tests.gates.running import a_worker, connected, create, register_bench, succeeded


async def test_claim_and_submit_notify_nobody(quiet_database):
    heard: list[str] = []
    ended = asyncio.Event()
    worker = a_worker()
    async with connected(quiet_database) as conn, connected(quiet_database) as listener:
        revision = await register_bench(conn, "diamond_async")
        for channel in (READY, RESULTS, TEMPLATES):
            await listener.add_listener(channel, lambda _conn, _pid, channel, _payload: heard.append(channel))
        await listener.add_listener("the_end", lambda *_: ended.set())
        await create(conn, revision, 2)
        held = await claim(conn, worker, uuid4(), 1)
        # Ends of every kind: handed over, sent to the queue, left to an engine.
        [held_over] = (await submit(conn, worker, uuid4(), [succeeded(held[0])], keep=1, claim=0)).held
        failed = FinishedStep(held_over.step_uuid, held_over.claim_no, False, None, '{"retryable": true}', 1)
        answer = await submit(conn, worker, uuid4(), [failed], keep=0, claim=2)
        await conn.execute("SELECT pg_notify('the_end', '')")
        async with asyncio.timeout(10):
            await ended.wait()  # notifications come in the order of commits
    assert (len(answer.held), answer.left_over) == (2, 1)
    assert heard == []


async def test_one_function_notifies_and_triggers_run_for_failures_alone(quiet_database):
    async with connected(quiet_database) as conn:
        await register_bench(conn, "linear_async")
        notifying = await conn.fetch(
            "SELECT proname FROM pg_proc "
            "WHERE pronamespace = 'tasker'::regnamespace AND prosrc ~* 'notify' ORDER BY 1"
        )
        triggers = await conn.fetch(
            "SELECT tgname, tgqual IS NULL AS always FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        )
    assert [name for (name,) in notifying] == ["create_tasks"]
    assert [tuple(one) for one in triggers] == [
        ("failed_step_gone", False),
        ("step_failed_or_went_on", False),
    ]
