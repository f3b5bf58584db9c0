"""The handlers that a worker has (reference 7.2, registry)."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, TypeAlias

from workers.discovery import import_source, unload_source
from workers.errors import HandlerImportError
from workers.handlers import StepHandler
from workers.resolver_chain import ResolverChain
from workers.resolvers import ExplicitMappingResolver, HandlerDefinition

HandlerSpec: TypeAlias = str | dict[str, Any] | HandlerDefinition
"""A handler's name, a template's `handler` as a dict, or a `HandlerDefinition`."""

_log = logging.getLogger("tasker.workers")


@dataclass(slots=True)
class _Source:
    """What one call of `discover_handlers` brought: names, class paths too, and what failed."""

    names: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    errors: list[HandlerImportError] = field(default_factory=list)


class HandlerRegistry:
    """Knows handlers by name, by class path, and by whatever the resolvers of its chain can find.

    A name that templates use can be registered with `register`, `discover_handlers` registers what it finds.
    Not for several threads at once, except to resolve.
    """

    _instance: ClassVar[HandlerRegistry | None] = None

    def __init__(self) -> None:
        self._chain = ResolverChain.default()
        self._classes: dict[str, type[StepHandler]] = {}
        self._paths: dict[str, type[StepHandler]] = {}
        self._sources: dict[str, _Source] = {}

    @classmethod
    def instance(cls, skip_bootstrap: bool = False) -> HandlerRegistry:
        """The registry of the process; the first call fills it by `bootstrap_handlers` unless told not to."""
        if cls._instance is None:
            cls._instance = cls()
            if not skip_bootstrap:
                cls._instance.bootstrap_handlers()
        return cls._instance

    @classmethod
    def reset_instance(cls) -> None:
        """Forget the registry of the process."""
        cls._instance = None

    def register(self, name: str, handler_class: type[StepHandler]) -> None:
        """Register a class (or a decorated function) under a name; one that had the name is replaced."""
        target = getattr(handler_class, "__tasker_handler__", handler_class)
        if name in self._classes and self._classes[name] is not target:
            _log.warning("handler %r: %s replaces %s", name, _place(target), _place(self._classes[name]))
        self._classes[name] = target
        self._chain.register(name, target)

    def unregister(self, name: str) -> bool:
        """Forget a name; say whether it was there."""
        explicit = self._chain.explicit_resolver
        known = isinstance(explicit, ExplicitMappingResolver) and explicit.unregister(name)
        self._paths.pop(name, None)
        return self._classes.pop(name, None) is not None or known

    def resolve(self, handler_spec: HandlerSpec) -> Any | None:
        """Return a handler ready to call, `None` if there is none. Raises as `ResolverChain.resolve` does."""
        return self._chain.resolve(definition_of(handler_spec))

    @property
    def resolver_chain(self) -> ResolverChain:
        """The chain, to which resolvers can be added."""
        return self._chain

    def get_handler_class(self, name: str) -> type[StepHandler] | None:
        """Return the class that is registered under a name."""
        return self._classes.get(name)

    def is_registered(self, name: str) -> bool:
        """Say whether a name or class path is registered."""
        return name in self._classes or name in self._chain.registered_callables()

    def list_handlers(self) -> list[str]:
        """The registered names, sorted. With class paths: `resolver_chain.registered_callables()`."""
        return sorted(self._classes)

    def handler_count(self) -> int:
        """How many names are registered."""
        return len(self._classes)

    def clear(self) -> None:
        """Forget all handlers; what was imported stays imported."""
        for name in self._chain.registered_callables():
            self.unregister(name)
        self._sources.clear()

    @property
    def import_errors(self) -> list[HandlerImportError]:
        """What failed in the sources that are loaded at the moment, each with file and line."""
        return [error for source in self._sources.values() for error in source.errors]

    def discover_handlers(self, package_name: str, base_class: type[StepHandler] | None = None) -> int:
        """Import a package and register its handlers; return how many there are.

        `package_name` is a dotted name of a package or module, or the path of a folder or `.py` file. Every
        subclass of `base_class` and every decorated function in it is registered under its name and its class
        path; in a folder the path starts below the folder (`orders.ChargeHandler`). A module that fails does
        not stop the others: see `import_errors`. A name that another source has taken stays with that source.
        A path is imported anew each time, a package only after `unload`.
        """
        self._forget(package_name)
        source = self._sources[package_name] = _Source()
        found = import_source(package_name)
        source.errors.extend(found.errors)
        for shown, module in found.modules:
            for attribute, handler_class in _handlers_in(module, base_class or StepHandler):
                self._adopt(source, package_name, f"{shown}.{attribute}", handler_class)
        return len(source.names)

    def unload(self, package_name: str) -> int:
        """Forget what a source brought, modules included; return how many handlers that were."""
        count = self._forget(package_name)
        unload_source(package_name)
        return count

    def bootstrap_handlers(self) -> int:
        """Discover what `PYTHON_HANDLER_PATH` names (folders, files, packages); return how many handlers."""
        sources = [item for item in os.environ.get("PYTHON_HANDLER_PATH", "").split(os.pathsep) if item]
        return sum(self.discover_handlers(source) for source in sources)

    def template_discovery_info(self) -> dict[str, Any]:
        """Compare with the templates below `TASKER_TEMPLATE_PATH`.

        Returns `template_path`, `template_files`, `handler_callables` (what they name) and `unresolved` (what
        this registry does not have).
        """
        from workers.template_callables import callables_below

        path = os.environ.get("TASKER_TEMPLATE_PATH")
        files, callables = callables_below(Path(path)) if path else ([], [])
        missing = [name for name in callables if not self._chain.can_resolve(HandlerDefinition(name))]
        return {
            "template_path": path,
            "template_files": [str(file) for file in files],
            "handler_callables": callables,
            "unresolved": missing,
        }

    def _adopt(self, source: _Source, wanted: str, path: str, handler_class: type[StepHandler]) -> None:
        name = handler_class.handler_name or handler_class.__name__
        if self._is_free(source, wanted, "handler name", name, self._classes.get(name), handler_class):
            self.register(name, handler_class)
            source.names.append(name)
        if self._classes[name] is not handler_class:
            return
        if self._is_free(source, wanted, "class path", path, self._paths.get(path), handler_class):
            self._chain.register(path, handler_class)
            self._paths[path] = handler_class
            source.paths.append(path)

    def _is_free(
        self, source: _Source, wanted: str, kind: str, key: str, owner: Any, handler_class: type[StepHandler]
    ) -> bool:
        """Say whether a key can be taken; that it is another handler's is an error of the source."""
        if owner is not None and owner is not handler_class:
            file, line = _file_and_line(handler_class)
            reason = f"the {kind} {key!r} is taken by {_place(owner)}; rename one of the two"
            source.errors.append(HandlerImportError(wanted, reason, file=file, line=line))
        return owner is None

    def _forget(self, package_name: str) -> int:
        source = self._sources.pop(package_name, _Source())
        for name in (*source.names, *source.paths):
            self.unregister(name)
        return len(source.names)


def definition_of(spec: HandlerSpec) -> HandlerDefinition:
    """Read any form of a handler's specification."""
    if isinstance(spec, HandlerDefinition):
        return spec
    return HandlerDefinition(spec) if isinstance(spec, str) else HandlerDefinition.from_dict(spec)


def _handlers_in(module: ModuleType, base: type[StepHandler]) -> Iterator[tuple[str, type[StepHandler]]]:
    """The handlers that a module defines itself, with their qualified names."""
    for value in list(vars(module).values()):
        handler_class = getattr(value, "__tasker_handler__", value)
        if not (isinstance(handler_class, type) and issubclass(handler_class, base)):
            continue
        if handler_class.__module__ == module.__name__ and _is_complete(handler_class):
            yield handler_class.__qualname__, handler_class


def _is_complete(handler_class: type[StepHandler]) -> bool:
    """A base class for handlers, which neither has a name nor can be called, is no handler."""
    named = bool(handler_class.handler_name) or handler_class.call is not StepHandler.call
    return named and not inspect.isabstract(handler_class)


def _file_and_line(handler_class: Any) -> tuple[str, int | None]:
    subject = getattr(handler_class, "__tasker_function__", handler_class)
    try:
        return inspect.getsourcefile(subject) or "?", inspect.getsourcelines(subject)[1]
    except (OSError, TypeError):
        return getattr(handler_class, "__module__", "?"), None


def _place(handler_class: Any) -> str:
    file, line = _file_and_line(handler_class)
    qualified = f"{handler_class.__module__}.{handler_class.__qualname__}"
    return f"{qualified} ({file}:{line})" if line else qualified
