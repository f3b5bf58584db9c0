"""A worker that a test moves by hand, one call of the database at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from engine.store import claims
from engine.store.claims import ClaimedStep, FinishedStep, RefusedResult, SubmitAnswer, WorkerIdentity
from engine.store.pool import Connection
from engine.store.workers import register_worker
from tests.support.workflows import NAMESPACE


class HandWorker:
    """Has every handler of `handlers`; claims nothing but when told."""

    def __init__(self, conn: Connection, *, handlers: Sequence[str] = ("echo",), lease: float = 30.0) -> None:
        self.conn = conn
        self.identity = WorkerIdentity(uuid4(), [NAMESPACE], list(handlers), timedelta(seconds=lease))

    async def register(self) -> None:
        """Make it known, as a live worker."""
        await register_worker(
            self.conn, self.identity.worker_uuid, name="by hand", hostname="here", pid=1, version="1",
            namespaces=self.identity.namespaces, handlers=self.identity.handlers, slots=10,
        )  # fmt: skip

    async def claim(self, limit: int = 1) -> list[ClaimedStep]:
        """Claim up to so many steps."""
        return await claims.claim(self.conn, self.identity, uuid4(), limit)

    async def succeed(self, *steps: ClaimedStep, keep: int = 0, call: UUID | None = None) -> SubmitAnswer:
        """Submit successes."""
        results = [FinishedStep(one.step_uuid, one.claim_no, True, "{}", None, 1) for one in steps]
        return await claims.submit(self.conn, self.identity, call or uuid4(), results, keep=keep, claim=0)

    async def fail(self, *steps: ClaimedStep, **details: Any) -> SubmitAnswer:
        """Submit failures; `details` are those of packing: retryable, retry_after …"""
        text = json.dumps({"error_type": "by_hand", "message": "fails", "retryable": True} | details)
        results = [FinishedStep(one.step_uuid, one.claim_no, False, None, text, 1) for one in steps]
        return await claims.submit(self.conn, self.identity, uuid4(), results, keep=0, claim=0)

    async def beat(self, *steps: ClaimedStep) -> list[RefusedResult]:
        """Renew the leases of these claims."""
        return await claims.heartbeat(
            self.conn, self.identity, busy=len(steps), stuck=0, state="running",
            steps=[one.step_uuid for one in steps], claims=[one.claim_no for one in steps],
        )  # fmt: skip


async def process(conn: Connection) -> int:
    """Let an engine process what submits left; returns how many it took."""
    taken: int = await conn.fetchval("SELECT taken FROM tasker.process_results(1000, 'engine')")
    return taken


async def process_all(conn: Connection) -> None:
    """The same until nothing is left."""
    while await process(conn):
        pass
