"""The worker's sign of life, in a thread with a loop and a connection of its own.

Neither a handler that blocks the main loop nor a busy pool can stop it. It renews the leases of the steps
that run, hears which of them are lost or cancelled, and tells their handlers within a second.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.store import claims
from engine.store.claims import WorkerIdentity
from engine.store.pool import PASSING, Connection, connect
from workers.runtime.running import RunningStep

log = logging.getLogger("tasker.worker")

BEAT_SECONDS = 0.5
YOUNG_SECONDS = 0.5
"""Steps younger than this are not named: most end before."""


@dataclass(slots=True)
class Load:
    """What a heartbeat tells of the worker."""

    busy: int
    stuck: int
    state: str


class Heartbeat(threading.Thread):
    """Beats from `start` to `stop`. `running` lists the held steps; `lost` is called in this thread.

    With `endless` a step is held for as long as this beats: its time-out does not end the lease.
    """

    def __init__(
        self,
        dsn: str,
        worker: WorkerIdentity,
        load: Callable[[], Load],
        running: Callable[[], list[RunningStep]],
        lost: Callable[[RunningStep, str], None],
        *,
        endless: bool,
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.last_beat = time.monotonic()
        self._dsn = dsn
        self._worker = worker
        self._load = load
        self._running = running
        self._lost = lost
        self._endless = endless
        self._ending = threading.Event()

    def run(self) -> None:
        """The thread's body."""
        asyncio.run(self._beat_on())

    def stop(self) -> None:
        """End the thread, within a beat."""
        self._ending.set()

    async def _beat_on(self) -> None:
        conn: Connection | None = None
        while not self._ending.is_set():
            try:
                # Where packets vanish, connecting takes a minute, and leases end meanwhile.
                async with asyncio.timeout(self._worker.lease.total_seconds() / 3):
                    conn = conn or await connect(self._dsn)
                    await self._beat(conn)
            except PASSING as error:
                log.warning("heartbeat failed: %s", error or "no answer in time")
                if conn is not None:
                    conn.terminate()
                conn = None
            except Exception:
                log.exception("heartbeat failed")
            if not self._endless:
                self._fence()
            await asyncio.sleep(BEAT_SECONDS)

    async def _beat(self, conn: Connection) -> None:
        since = time.monotonic()
        held = [s for s in self._running() if not s.reported and since - s.claimed_at > YOUNG_SECONDS]
        load = self._load()
        if self._endless:
            await claims.lift_deadlines(conn, self._worker)
        answer = await claims.heartbeat(
            conn, self._worker, busy=load.busy, stuck=load.stuck, state=load.state,
            steps=[s.claimed.step_uuid for s in held], claims=[s.claimed.claim_no for s in held],
        )  # fmt: skip
        self.last_beat = since
        gone = {(step, claim_no): reason for step, claim_no, reason in answer}
        for step in held:
            reason = gone.get((step.claimed.step_uuid, step.claimed.claim_no))
            if reason is None:
                step.lease_until = since + self._worker.lease.total_seconds() * 2 / 3
            elif not step.reported:
                self._lost(step, reason)

    def _fence(self) -> None:
        """Steps whose lease must have run out belong to somebody else, whatever the database would say."""
        now = time.monotonic()
        for step in self._running():
            if now > step.lease_until and not step.reported:
                self._lost(step, "lost")
