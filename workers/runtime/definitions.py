"""Step definitions and their handlers, looked up once each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.store.pool import Pool, until_reachable
from engine.store.step_definitions import StepDefinition, load_definitions
from workers.errors import HandlerNotFound
from workers.invocation import ResolvedHandler, resolve
from workers.registry import HandlerRegistry
from workers.resolvers import HandlerDefinition


class Definitions:
    """Keeps what a revision's steps say (a revision never changes) and the handlers that they name.

    Without `time_outs` no step has one.
    """

    def __init__(self, pool: Pool, registry: HandlerRegistry, *, time_outs: bool) -> None:
        self._pool = pool
        self._time_outs = time_outs
        self._registry = registry
        self._known: dict[int, StepDefinition] = {}
        self._handlers: dict[int, ResolvedHandler] = {}
        self.hits = 0
        self.misses = 0

    async def load(self, ids: Iterable[int]) -> None:
        """Have these definitions at hand."""
        wanted = set(ids)
        missing = [number for number in wanted if number not in self._known]
        self.hits += len(wanted) - len(missing)
        self.misses += len(missing)
        if missing:
            for definition in await until_reachable(lambda: self._read(missing)):
                if not self._time_outs:
                    definition = replace(definition, timeout_seconds=None)
                self._known[definition.template_step_id] = definition

    async def _read(self, ids: list[int]) -> list[StepDefinition]:
        async with self._pool.acquire() as conn:
            return await load_definitions(conn, ids)

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, template_step_id: int) -> StepDefinition:
        return self._known[template_step_id]

    def handler(self, definition: StepDefinition) -> ResolvedHandler:
        """The handler of a step; raises `HandlerNotFound` (not remembered: it may be registered later)."""
        handler = self._handlers.get(definition.template_step_id)
        if handler is None:
            handler = resolve(self._registry, _as_handler_definition(definition))
            self._handlers[definition.template_step_id] = handler
        return handler

    @property
    def registered(self) -> list[str]:
        """The names under which handlers are registered here, whether a template names them or not."""
        return self._registry.list_handlers()

    def can_resolve(self, handler: str, method: str, resolver: str | None) -> bool:
        """Whether this worker can find the callable that a template names."""
        try:
            resolve(self._registry, HandlerDefinition(handler, method, resolver))
        except HandlerNotFound as error:
            # The callable is there and something else about it is wrong: this worker is who can say so.
            return type(error) is not HandlerNotFound
        return True


def _as_handler_definition(definition: StepDefinition) -> HandlerDefinition:
    return HandlerDefinition(
        definition.handler, definition.method, definition.resolver, definition.initialization
    )
