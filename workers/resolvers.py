"""Ways from a template's `handler` to the handler itself (reference 7.2, resolver chain)."""

from __future__ import annotations

import importlib
import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from workers.errors import ResolutionError
from workers.handlers import CallableHandler, StepHandler
from workers.near import did_you_mean
from workers.places import place_of_error


@dataclass(slots=True)
class HandlerDefinition:
    """What a template says under a step's `handler` (reference 1.4)."""

    callable: str
    handler_method: str | None = None
    resolver: str | None = None
    initialization: dict[str, Any] = field(default_factory=dict)

    def effective_method(self) -> str:
        """The method that runs the step, `call` unless said otherwise."""
        return self.handler_method or "call"

    def uses_method_dispatch(self) -> bool:
        """Say whether a method other than `call` runs the step."""
        return self.effective_method() != "call"

    def has_resolver_hint(self) -> bool:
        """Say whether one resolver is named, which is then the only one that is asked."""
        return bool(self.resolver)

    @classmethod
    def from_callable(cls, callable_str: str) -> HandlerDefinition:
        """Make the definition that consists of a name alone."""
        return cls(callable_str)

    @classmethod
    def from_dict(cls, data: dict[str, Any] | None) -> HandlerDefinition:
        """Read a template's `handler` (its method as `method` or `handler_method`); `None` names nothing."""
        given = data or {}
        return cls(
            str(given.get("callable") or ""),
            given.get("handler_method") or given.get("method"),
            given.get("resolver"),
            given.get("initialization") or {},
        )


class BaseResolver(ABC):
    """One way to find a handler. Resolvers with a lower priority number are asked first."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that a template's `handler.resolver` can give."""

    @property
    def priority(self) -> int:
        """Its place in the chain: explicit names are 10, class paths 100."""
        return 50

    @abstractmethod
    def can_resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> bool:
        """Say whether the definition looks like one of its own."""

    @abstractmethod
    def resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> Any | None:
        """Return the handler, `None` if it has none. Raises `ResolutionError` for one that is broken."""

    def registered_callables(self) -> list[str]:
        """The names that it knows beforehand."""
        return []


class RegistryResolver(BaseResolver):
    """A resolver of your own: set `prefix` or `pattern` (a regular expression), write `resolve_handler`."""

    pattern: ClassVar[str | None] = None
    prefix: ClassVar[str | None] = None

    def __init__(self) -> None:
        self._matches = re.compile(self.pattern).search if self.pattern else None

    @property
    def name(self) -> str:
        """The class's name in snake case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()

    def can_resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> bool:
        """Say whether the callable has the prefix or matches the pattern; without both, it does."""
        if self.prefix is not None and definition.callable.startswith(self.prefix):
            return True
        if self._matches is not None:
            return self._matches(definition.callable) is not None
        return self.prefix is None

    def resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> Any | None:
        """Ask `resolve_handler`; what it returns may be a handler, its class, or a decorated function."""
        found = self.resolve_handler(definition, config or {})
        return None if found is None else make_handler(found, definition.callable)

    def resolve_handler(self, definition: HandlerDefinition, config: dict[str, Any]) -> Any | None:
        """Return the handler, `None` if there is none."""
        raise NotImplementedError(f"{type(self).__name__} has no method resolve_handler")


class ExplicitMappingResolver(BaseResolver):
    """Names that were registered by hand or by discovery."""

    def __init__(self, name: str = "explicit_mapping") -> None:
        self._name = name
        self._handlers: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """`explicit_mapping` unless said otherwise."""
        return self._name

    @property
    def priority(self) -> int:
        """10: it is asked first."""
        return 10

    def can_resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> bool:
        """Say whether the name is registered."""
        return definition.callable in self._handlers

    def resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> Any | None:
        """Return the handler of that name; of a class a new instance."""
        found = self._handlers.get(definition.callable)
        return None if found is None else make_handler(found, definition.callable)

    def register(self, key: str, handler: Any) -> None:
        """Remember a handler, its class, a decorated function, or any callable that takes a context."""
        self._handlers[key] = handler

    def unregister(self, key: str) -> bool:
        """Forget a name; say whether it was there."""
        return self._handlers.pop(key, None) is not None

    def registered_callables(self) -> list[str]:
        """The names, sorted."""
        return sorted(self._handlers)


class ClassLookupResolver(BaseResolver):
    """Import paths of handler classes: `package.module.ClassName`."""

    CLASS_PATTERN = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)*\.[A-Z][a-zA-Z0-9_]*$")

    @property
    def name(self) -> str:
        """`class_lookup`."""
        return "class_lookup"

    @property
    def priority(self) -> int:
        """100: it is asked last."""
        return 100

    def can_resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> bool:
        """Say whether the callable reads like a class's path."""
        return self.CLASS_PATTERN.match(definition.callable) is not None

    def resolve(self, definition: HandlerDefinition, config: dict[str, Any] | None = None) -> Any | None:
        """Import the class and make an instance; `None` if there is no such module or class.

        Raises `ResolutionError` if the module fails to import, or if the class is no `StepHandler`: a
        template may not make a worker call whatever can be imported.
        """
        if not self.can_resolve(definition):
            return None
        found = _import_path(definition.callable)
        if found is None:
            return None
        if not (isinstance(found, type) and issubclass(found, StepHandler)):
            raise ResolutionError(f"{definition.callable!r} is no subclass of workers.StepHandler")
        return make_handler(found, definition.callable)


def make_handler(found: Any, name: str) -> Any:
    """Make a handler of what was registered: an instance of a class, a decorated function's handler.

    Raises `ResolutionError` if it cannot be made.
    """
    target = getattr(found, "__tasker_handler__", found)
    if isinstance(target, type):
        try:
            return target()
        except Exception as error:
            place = place_of_error(error, target.__module__)
            raise ResolutionError(
                f"handler {name!r}: {target.__module__}.{target.__qualname__}() raised "
                f"{type(error).__name__}: {error} ({place}); a handler's class is made without arguments"
            ) from error
    if hasattr(target, "call"):
        return target
    if callable(target):
        return CallableHandler(name, target)
    raise ResolutionError(f"handler {name!r} is registered as {target!r}, which cannot be called")


def bound_method(handler: Any, definition: HandlerDefinition) -> Callable[..., Any]:
    """Return the method that runs the step. Raises `ResolutionError` if the handler has no such method."""
    method = definition.effective_method()
    if _runs_steps(handler, method):
        found: Callable[..., Any] = getattr(handler, method)
        _check_takes_context(found, definition)
        return found
    own = [name for name in dir(type(handler)) if _runs_steps(handler, name)]
    has = f"; it has {', '.join(own)}" if own else ""
    raise ResolutionError(
        f"handler {definition.callable!r} ({type(handler).__module__}.{type(handler).__qualname__}) has no "
        f"method {method}(self, context){has}.{did_you_mean(method, own)} Write it, or correct "
        "handler.method in the template"
    )


def _runs_steps(handler: Any, method: str) -> bool:
    """Say whether it is the handler's own method; what all handlers and mixins have is no step's code."""
    if method.startswith("_") or isinstance(getattr(type(handler), method, None), property):
        return False
    found = getattr(handler, method, None)
    module = str(getattr(getattr(found, "__func__", None), "__module__", ""))
    shared = module.startswith("workers.") and not module.startswith("workers.examples.")
    return callable(found) and not isinstance(found, type) and not shared


def _check_takes_context(method: Callable[..., Any], definition: HandlerDefinition) -> None:
    try:
        signature = inspect.signature(method)
    except ValueError:
        return  # a builtin does not tell
    try:
        signature.bind(None)
    except TypeError as error:
        raise ResolutionError(
            f"handler {definition.callable!r}: {definition.effective_method()}{signature} cannot be called "
            f"with one argument, the context ({error})"
        ) from None


def _import_path(path: str) -> Any | None:
    """Import `package.module.Class` or `package.module.Outer.Inner`; `None` if a part is not there."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module_name = ".".join(parts[:cut])
        try:
            found: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name and f"{module_name}.".startswith(f"{error.name}."):
                continue  # a part of the path itself is missing; a shorter one may hold a nested class
            raise _broken(path, error) from error
        except Exception as error:
            raise _broken(path, error) from error
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found
    return None


def _broken(path: str, error: Exception) -> ResolutionError:
    place = place_of_error(error, path.split(".")[0])
    return ResolutionError(
        f"the module of handler {path!r} cannot be imported: {type(error).__name__}: {error} ({place})"
    )
