"""A heartbeat that nobody answers."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta
from uuid import uuid4

from engine.store.claims import WorkerIdentity
from tests.unit.workers.executing import running_step
from workers.runtime.heartbeat import Heartbeat, Load


def test_a_lease_ends_although_connecting_hangs() -> None:
    """The server accepts the connection and never says a word."""
    step = running_step()
    step.lease_until = time.monotonic()
    lost = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        heartbeat = Heartbeat(
            f"postgresql://tasker@127.0.0.1:{silent.getsockname()[1]}/tasker",
            WorkerIdentity(uuid4(), ["test"], ["handler"], timedelta(seconds=1)),
            lambda: Load(1, 0, "running"), lambda: [step], lambda step, reason: lost.set(), endless=False,
        )  # fmt: skip
        heartbeat.start()
        told = lost.wait(10)
        heartbeat.stop()
    heartbeat.join(10)
    assert told
