"""The chain of resolvers that a registry asks (reference 7.2)."""

from __future__ import annotations

import logging
from typing import Any

from workers.errors import HandlerNotFound, ResolutionError, ResolverNotFoundError
from workers.handlers import StepHandler
from workers.near import did_you_mean
from workers.places import place_of_error
from workers.resolvers import (
    BaseResolver,
    ClassLookupResolver,
    ExplicitMappingResolver,
    HandlerDefinition,
    bound_method,
)

_log = logging.getLogger("tasker.workers")


class MethodDispatchHandler(StepHandler):
    """A handler whose `call` is another method of the handler that it wraps."""

    def __init__(self, handler: Any, definition: HandlerDefinition) -> None:
        self.wrapped = handler
        self.handler_name = getattr(handler, "name", definition.callable)
        self.handler_version = getattr(handler, "version", StepHandler.handler_version)
        self.call = bound_method(handler, definition)  # type: ignore[method-assign]


class ResolverChain:
    """Asks resolvers in the order of their priority; a definition's `resolver` hint asks that one alone."""

    def __init__(self) -> None:
        self._resolvers: list[BaseResolver] = []

    @classmethod
    def default(cls) -> ResolverChain:
        """A chain of explicit names (10), then class paths (100)."""
        return cls().add_resolver(ExplicitMappingResolver()).add_resolver(ClassLookupResolver())

    def add_resolver(self, resolver: BaseResolver) -> ResolverChain:
        """Put a resolver in its place; one of the same name is replaced."""
        self.remove_resolver(resolver.name)
        self._resolvers.append(resolver)
        self._resolvers.sort(key=lambda item: item.priority)
        return self

    def remove_resolver(self, name: str) -> BaseResolver | None:
        """Take a resolver out and return it."""
        found = self.get_resolver(name)
        if found is not None:
            self._resolvers.remove(found)
        return found

    def get_resolver(self, name: str) -> BaseResolver | None:
        """Return the resolver of that name."""
        return next((item for item in self._resolvers if item.name == name), None)

    @property
    def explicit_resolver(self) -> BaseResolver | None:
        """The resolver of explicit names."""
        return self.get_resolver("explicit_mapping")

    def resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> Any | None:
        """Return the handler, its `call` being the method that the definition names; `None` if there is none.

        Raises `ResolverNotFoundError` for a hint that names no resolver, `ResolutionError` for a handler that
        is there and cannot be used.
        """
        handler = self.find(definition, config)
        return None if handler is None else self.wrap_for_method_dispatch(handler, definition)

    def find(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> Any | None:
        """Return the handler as its resolver gives it. Raises as `resolve` does.

        A resolver that raises something of its own does not stop the chain. If no other one has the handler,
        `HandlerNotFound` tells of it, `ResolutionError` where the template names that resolver.
        """
        trouble: list[str] = []
        for resolver in self._asked(definition):
            try:
                knows = resolver.can_resolve(definition, config)
                found = resolver.resolve(definition, config) if knows else None
            except HandlerNotFound:
                raise
            except Exception as error:
                trouble.append(_trouble_of(resolver, error))
                _log.warning("handler %r: %s", definition.callable, trouble[-1])
                continue
            if found is not None:
                return found
        if trouble:
            kind = ResolutionError if definition.resolver else HandlerNotFound
            raise kind(
                f"handler {definition.callable!r} was not found: {'; '.join(trouble)}. Correct the resolver, "
                "or handler.callable in the template"
            )
        return None

    def can_resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> bool:
        """Say whether a resolver would try."""
        return any(recognises(resolver, definition, config) for resolver in self._asked(definition))

    def registered_callables(self) -> list[str]:
        """The names that the resolvers know beforehand, sorted."""
        return sorted({name for resolver in self._resolvers for name in resolver.registered_callables()})

    def register(self, key: str, handler: Any) -> ResolverChain:
        """Remember a handler under an explicit name."""
        resolver = self.explicit_resolver
        if not isinstance(resolver, ExplicitMappingResolver):
            resolver = ExplicitMappingResolver()
            self.add_resolver(resolver)
        resolver.register(key, handler)
        return self

    def chain_info(self) -> list[dict[str, Any]]:
        """Describe the resolvers in their order: `name`, `priority`, `type`, `callables` (how many)."""
        return [
            {
                "name": item.name,
                "priority": item.priority,
                "type": type(item).__name__,
                "callables": len(item.registered_callables()),
            }
            for item in self._resolvers
        ]

    @property
    def resolver_names(self) -> list[str]:
        """The resolvers' names in their order."""
        return [item.name for item in self._resolvers]

    def list_resolvers(self) -> list[tuple[str, int]]:
        """The resolvers' names and priorities in their order."""
        return [(item.name, item.priority) for item in self._resolvers]

    def wrap_for_method_dispatch(self, handler: Any, definition: HandlerDefinition) -> Any:
        """Make `call` the method that the definition names. Raises `ResolutionError` if there is none."""
        return MethodDispatchHandler(handler, definition) if definition.uses_method_dispatch() else handler

    def _asked(self, definition: HandlerDefinition) -> list[BaseResolver]:
        if not definition.resolver:
            return list(self._resolvers)
        resolver = self.get_resolver(definition.resolver)
        if resolver is None:
            raise ResolverNotFoundError(
                f"handler {definition.callable!r} asks for the resolver {definition.resolver!r}, which this "
                f"worker does not have; it has {', '.join(self.resolver_names)}."
                f"{did_you_mean(definition.resolver, self.resolver_names)} Correct handler.resolver in the "
                "template, or add the resolver to the worker's registry"
            )
        return [resolver]


def recognises(
    resolver: BaseResolver, definition: HandlerDefinition, config: dict[str, Any] | None = None
) -> bool:
    """Say whether a resolver takes the definition for one of its own; one that raises does not."""
    try:
        return bool(resolver.can_resolve(definition, config))
    except Exception as error:
        _log.warning("handler %r: %s", definition.callable, _trouble_of(resolver, error))
        return False


def _trouble_of(resolver: BaseResolver, error: Exception) -> str:
    place = place_of_error(error, type(resolver).__module__)
    return f"the resolver {resolver.name!r} raised {type(error).__name__}: {error} ({place})"
