"""What a task is created from: the current revision of each template, kept in memory.

A revision never changes, so it is read once. Which one is current is asked again when the last answer is
older than half a second: a creation uses a registration that is at most that old.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid5

import asyncpg

from engine.model.inputs import InputValidator
from engine.model.payload import load_json
from engine.model.problems import did_you_mean
from engine.model.templates import IdentityStrategy
from engine.store.pool import Pool
from engine.store.templates import TemplateKey, current_revisions, newest

T = TypeVar("T")

FRESH_SECONDS = 0.5
KEPT = 1_000
NAMED_STEPS = UUID("6a1f8f5e-7c1b-4d0e-9a54-3f0c2b9d7e11")


class TemplateNotFound(LookupError):
    """No such template, or none in that version; `hint` says what there is."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint


def named_step_uuid(name: str) -> UUID:
    """The uuid under which clients know a step's name; in the reference templates share the named steps."""
    return uuid5(NAMED_STEPS, name)


@dataclass(frozen=True, slots=True)
class InitialStep:
    """A step as a new task has it; `position` is its place in the plan."""

    position: int
    name: str
    named_step_uuid: str
    total_parents: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of a template; `steps` are those that a task has from its start."""

    revision_id: int
    template_id: int
    namespace: str
    name: str
    version: str
    identity_strategy: IdentityStrategy
    validator: InputValidator | None
    steps: tuple[InitialStep, ...]


class RevisionCache:
    """Finds the revision that a new task is created from."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._index: dict[tuple[str, str], dict[str, TemplateKey]] = {}
        self._asked_at = float("-inf")
        self._registrations = 0
        self._revisions: OrderedDict[int, Revision] = OrderedDict()
        self._running: dict[object, asyncio.Task[Any]] = {}

    def invalidate(self) -> None:
        """Ask again before the next creation: a template was registered."""
        self._asked_at = float("-inf")
        self._registrations += 1

    async def find(self, namespace: str, name: str, version: str | None) -> Revision:
        """The current revision of a version, of the highest one without `version`.

        Raises `TemplateNotFound`.
        """
        while time.monotonic() - self._asked_at > FRESH_SECONDS:
            await self._ask()
        try:
            key = self._current(namespace, name, version)
        except TemplateNotFound:
            await self._ask()  # it may have been registered a moment ago
            key = self._current(namespace, name, version)
        return await self.get(key)

    async def get(self, key: TemplateKey) -> Revision:
        """A revision that is known to exist, the current one of its template or an earlier one."""
        revision = self._revisions.get(key.revision_id)
        if revision is None:
            revision = await self._once(key.revision_id, lambda: self._read_revision(key))
        return revision

    def _current(self, namespace: str, name: str, version: str | None) -> TemplateKey:
        versions = self._index.get((namespace, name))
        if versions is None:
            raise self._unknown(namespace, name)
        key = versions.get(version or newest(versions))
        if key is None:
            known = ", ".join(sorted(versions))
            raise TemplateNotFound(
                f"template '{namespace}/{name}' has no version '{version}'", f"registered are {known}"
            )
        return key

    async def _ask(self) -> None:
        await self._once(("index", self._registrations), self._read_index)

    def _unknown(self, namespace: str, name: str) -> TemplateNotFound:
        names = [known for space, known in self._index if space == namespace]
        elsewhere = sorted(space for space, known in self._index if known == name)
        hint = did_you_mean(name, names)
        if elsewhere:
            hint = f"there is one in namespace {' and '.join(map(repr, elsewhere))}"
        return TemplateNotFound(
            f"no template '{name}' is registered in namespace '{namespace}'",
            hint or "start a worker that has it, or register it with POST /v1/templates",
        )

    async def _once(self, what: object, read: Callable[[], Awaitable[T]]) -> T:
        """Read for all who wait for the same; one that is cancelled does not take the others with it."""
        task = self._running.get(what)
        if task is None:
            task = asyncio.ensure_future(read())
            self._running[what] = task
            task.add_done_callback(lambda _: self._running.pop(what, None))
        return await asyncio.shield(task)

    async def _read_index(self) -> None:
        registrations = self._registrations
        index: dict[tuple[str, str], dict[str, TemplateKey]] = {}
        async with self._pool.acquire() as conn:
            for key in await current_revisions(conn):
                index.setdefault((key.namespace, key.name), {})[key.version] = key
        if registrations == self._registrations:
            self._index, self._asked_at = index, time.monotonic()

    async def _read_revision(self, key: TemplateKey) -> Revision:
        async with self._pool.acquire() as conn:
            row = await conn.fetchrow(
                """
                SELECT coalesce(configuration ->> 'identity_strategy', 'strict') AS strategy,
                       configuration -> 'input_schema' AS input_schema
                FROM tasker.template_revisions WHERE revision_id = $1
                """,
                key.revision_id,
            )
            steps = await conn.fetch(
                """
                SELECT s.position, s.name, s.max_attempts,
                       (SELECT count(*)::int FROM tasker.template_steps p
                        WHERE p.revision_id = s.revision_id AND p.position = ANY (s.parents)
                          AND p.created_at_start) AS total_parents
                FROM tasker.template_steps s
                WHERE s.revision_id = $1 AND s.created_at_start
                ORDER BY s.position
                """,
                key.revision_id,
            )
        assert row is not None
        schema = load_json(row["input_schema"]) if row["input_schema"] else None
        revision = Revision(
            key.revision_id, key.template_id, key.namespace, key.name, key.version, row["strategy"],
            InputValidator(schema) if schema else None,
            tuple(_initial(step) for step in steps),
        )  # fmt: skip
        self._remember(revision)
        return revision

    def _remember(self, revision: Revision) -> None:
        self._revisions[revision.revision_id] = revision
        if len(self._revisions) > KEPT:
            self._revisions.popitem(last=False)


def _initial(row: asyncpg.Record) -> InitialStep:
    name = row["name"]
    return InitialStep(
        row["position"], name, str(named_step_uuid(name)), row["total_parents"], row["max_attempts"]
    )
