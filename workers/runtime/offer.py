"""What a worker offers: namespaces and handlers, kept true as templates come and go."""

from __future__ import annotations

import os
import socket

from engine.store.claims import WorkerIdentity
from engine.store.pool import Connection
from engine.store.step_definitions import load_handlers
from engine.store.workers import debugged_handlers, register_worker
from workers.runtime.definitions import Definitions


class Offer:
    """The worker's entry in the database. `identity` is what claims carry, with the handlers it can run.

    With `debugged` it offers that handler alone; others leave its steps to it, and have it among `left` then.
    """

    def __init__(
        self, identity: WorkerIdentity, version: str, slots: int, debugged: str | None = None
    ) -> None:
        self.identity = identity
        self.debugged = debugged
        self.left: set[str] = set()
        self._version = version
        self._slots = slots
        self._withdrawn: set[tuple[str, str]] = set()
        self._said: list[str] = []

    def withdraw(self, namespace: str, handler: str) -> None:
        """Stop offering a handler that turned out not to be there."""
        self._withdrawn.add((namespace, handler))
        self.identity.handlers[:] = [name for name in self.identity.handlers if name != handler]

    async def refresh(self, conn: Connection, definitions: Definitions) -> bool:
        """Find out which handlers of the templates can be resolved here, and say so.

        The worker's entry has the registered names as well: whoever misspelt one is told. Returns whether
        what is claimed by changed.
        """
        named = await load_handlers(conn, self.identity.namespaces)
        withdrawn = {handler for _, handler in self._withdrawn}
        found = {
            handler
            for handler, method, resolver in named
            if definitions.can_resolve(handler, method, resolver)
        } - withdrawn
        known = {*found, *definitions.registered} - withdrawn
        if self.debugged is None:
            self.left = await debugged_handlers(conn, self.identity.worker_uuid, self.identity.namespaces)
            offered = sorted(found - self.left)
        else:
            known, offered = {self.debugged}, sorted(found & {self.debugged})
        self.identity.handlers[:] = offered
        await register_worker(
            conn,
            self.identity.worker_uuid,
            name=f"{socket.gethostname()}:{os.getpid()}",
            hostname=socket.gethostname(),
            pid=os.getpid(),
            version=self._version,
            namespaces=self.identity.namespaces,
            handlers=sorted(known),
            slots=self._slots,
            debugs=self.debugged is not None,
        )
        changed, self._said = offered != self._said, offered
        return changed
