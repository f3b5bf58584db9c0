"""Where the arguments of a decorated function come from (reference python-sdk, `@depends_on` and `@inputs`).

A signature is read once, when the function is decorated; type hints are resolved once, when its handler is
made, so that a module may define its models below its handlers. A call then only runs the binders.
"""

from __future__ import annotations

import dataclasses
import inspect
import logging
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from workers.context import StepContext
from workers.errors import ConfigurationError, ValidationError, fields_of

Binder: TypeAlias = Callable[[StepContext], Any]
"""Takes one argument's value out of a context. Raises `ValidationError` if it does not fit the hint."""

CONTEXT_NAMES = ("context", "_context")
MODEL_NAME = "inputs"

_log = logging.getLogger("tasker.workers")


@dataclass(slots=True)
class Declaration:
    """What `@depends_on` and `@inputs` said about a function."""

    dependencies: dict[str, tuple[str, Any]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    model: Any = None

    def names(self) -> list[str]:
        """The arguments that are declared, one name twice if it was declared twice."""
        return [*self.dependencies, *self.keys, *([MODEL_NAME] if self.model is not None else [])]


def declaration_of(function: Callable[..., Any]) -> Declaration:
    """Return the function's declaration, an empty one for a function that has none yet."""
    declared: Declaration | None = getattr(function, "__tasker_declaration__", None)
    if declared is None:
        declared = Declaration()
        function.__tasker_declaration__ = declared  # type: ignore[attr-defined]
    return declared


def check_signature(function: Callable[..., Any], extras: Iterable[str]) -> None:
    """Raise `ConfigurationError` if an argument has no source, two sources, or a source no argument."""
    label = describe(function)
    declared = declaration_of(function).names()
    known = {*declared, *extras, *CONTEXT_NAMES}
    twice = sorted({name for name in declared if declared.count(name) > 1 or name in CONTEXT_NAMES})
    if twice:
        raise ConfigurationError(f"{label}: {', '.join(twice)} would be filled from two places")
    parameters = inspect.signature(function).parameters.values()
    taken = {parameter.name for parameter in parameters}
    for parameter in parameters:
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ConfigurationError(f"{label}: {parameter.name} is positional-only; arguments come by name")
        if _must_be_given(parameter) and parameter.name not in known:
            raise ConfigurationError(
                f"{label}: nothing fills the argument {parameter.name!r}; below the handler's decorator "
                f'write @depends_on({parameter.name}="some_step") for the result of a step or '
                f'@inputs("{parameter.name}") for a value of the task\'s context, or name it context'
            )
    lost = [name for name in declared if name not in taken]
    if lost and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        raise ConfigurationError(f"{label} is to get {', '.join(lost)} and has no such argument")


def bindings(function: Callable[..., Any], extras: Mapping[str, Binder]) -> tuple[tuple[str, Binder], ...]:
    """Return a binder for each argument that a call passes by name."""
    declared = declaration_of(function)
    parameters = inspect.signature(function).parameters
    found: dict[str, Binder] = {name: binder for name, binder in extras.items() if name in parameters}
    found |= {name: _whole for name in CONTEXT_NAMES if name in parameters}
    for name, (step, model) in declared.dependencies.items():
        hint = _hint(function, parameters.get(name)) if model is None else model
        found[name] = _dependency(step, _checker(hint, f"the result of step {step!r}", model is not None))
    for key in declared.keys:
        hint = _hint(function, parameters.get(key))
        found[key] = _input(key, parameters.get(key), _checker(hint, f"input {key!r}", False))
    if declared.model is not None:
        found[MODEL_NAME] = _model(declared.model)
    return tuple(found.items())


def needed_steps(function: Callable[..., Any]) -> frozenset[str] | None:
    """The steps whose results the function can see; `None` if it takes the context and so can see all."""
    if any(name in inspect.signature(function).parameters for name in CONTEXT_NAMES):
        return None
    return frozenset(step for step, _ in declaration_of(function).dependencies.values())


def describe(function: Callable[..., Any]) -> str:
    """Name a function for a message: `orders.charge (orders.py:12)`."""
    inner = inspect.unwrap(function)
    name = f"{getattr(inner, '__module__', '?')}.{getattr(inner, '__qualname__', repr(inner))}"
    code = getattr(inner, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


def _must_be_given(parameter: inspect.Parameter) -> bool:
    variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return not variadic and parameter.default is parameter.empty


def _whole(context: StepContext) -> StepContext:
    return context


def _dependency(step: str, check: Callable[[Any], Any] | None) -> Binder:
    if check is None:
        return lambda context: context.get_dependency_result(step)
    return lambda context: check(context.get_dependency_result(step))


def _input(key: str, parameter: inspect.Parameter | None, check: Callable[[Any], Any] | None) -> Binder:
    """A missing key gives the argument's own default if it has one, `None` if not."""
    absent = None if parameter is None or parameter.default is parameter.empty else parameter.default
    if check is None:
        return lambda context: context.input_data.get(key, absent)
    if parameter is None or parameter.default is parameter.empty:
        return lambda context: check(context.input_data.get(key))
    return lambda context: check(context.input_data[key]) if key in context.input_data else absent


def _model(model: Any) -> Binder:
    """Fill a model from the context by field name (an alias does as well); other keys stay outside."""
    sources = _field_sources(model)
    check = _checker(model, "the task's context", True)
    assert check is not None  # an explicit model always has one

    def bind(context: StepContext) -> Any:
        given = context.input_data
        return check({key: given[key] for names in sources for key in names if key in given})

    return bind


def _field_sources(model: Any) -> list[tuple[str, ...]]:
    """For each field of a model, dataclass or typed dict the keys that may hold it."""
    fields: Mapping[str, Any] | None = getattr(model, "model_fields", None)
    if fields is not None:
        aliases = ((name, info.validation_alias or info.alias) for name, info in fields.items())
        return [(name, alias) if isinstance(alias, str) else (name,) for name, alias in aliases]
    if dataclasses.is_dataclass(model):
        return [(item.name,) for item in dataclasses.fields(model)]
    return [(name,) for name in typing.get_type_hints(model)]


def _checker(hint: Any, what: str, explicit: bool) -> Callable[[Any], Any] | None:
    """Return what turns a value into the hinted type, `None` if the hint asks for no model."""
    if not explicit and not _mentions_model(hint):
        return None
    from pydantic import TypeAdapter  # here, because handlers without models need not pay for it
    from pydantic import ValidationError as ModelError

    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    wanted = getattr(hint, "__name__", None) or str(hint)

    def check(value: Any) -> Any:
        try:
            return adapter.validate_python(value, by_alias=True, by_name=True)
        except ModelError as error:
            fields = fields_of(error.errors(include_url=False, include_context=False, include_input=False))
            listed = "; ".join(f"{item['field']}: {item['problem']}" for item in fields)
            raise ValidationError(
                f"{what} does not fit {wanted}: {listed}", metadata={"fields": fields}
            ) from None

    return check


def _mentions_model(hint: Any) -> bool:
    pydantic = sys.modules.get("pydantic")
    if pydantic is None:  # then nobody can have made a model
        return False
    if isinstance(hint, type):
        return issubclass(hint, pydantic.BaseModel)
    return any(_mentions_model(part) for part in typing.get_args(hint))


def _hint(function: Callable[..., Any], parameter: inspect.Parameter | None) -> Any:
    """Resolve one argument's annotation; one that cannot be resolved is reported, and not validated."""
    if parameter is None or parameter.annotation is parameter.empty:
        return None
    if not isinstance(parameter.annotation, str):
        return parameter.annotation
    inner = inspect.unwrap(function)
    names = {**getattr(inner, "__globals__", {}), **_closure(inner)}
    try:
        return eval(parameter.annotation, names)
    except Exception as error:
        _log.warning(
            "%s: the hint %r of %s cannot be resolved (%s), so its value is not validated; import or define "
            "the name at module level",
            describe(function), parameter.annotation, parameter.name, error,
        )  # fmt: skip
        return None


def _closure(function: Callable[..., Any]) -> dict[str, Any]:
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None) or ()
    pairs = zip(code.co_freevars if code else (), cells, strict=False)
    return {name: cell.cell_contents for name, cell in pairs if _is_filled(cell)}


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  an empty cell raises
    except ValueError:
        return False
    return True
