"""The decorators that make a handler of a function (reference python-sdk, functional decorators).

    @step_handler("process_payment")
    @depends_on(cart=("validate_cart", Cart))
    @inputs("payment_method")
    async def process_payment(cart: Cart, payment_method: str | None) -> dict[str, Any]: ...

The function stays what it was, so that a test can call it; `__tasker_handler__` on it is its handler's class.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from workers.binding import Binder, bindings, check_signature, declaration_of, needed_steps
from workers.context import StepContext
from workers.decisions import DecisionPointOutcome
from workers.errors import ConfigurationError
from workers.handlers import StepHandler
from workers.results import StepHandlerResult

Function = TypeVar("Function", bound=Callable[..., Any])


class HandlerDecorator(Protocol):
    """Returns the function that it is given."""

    def __call__(self, function: Function, /) -> Function: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What a `@decision_handler` returns: which steps come next, or none."""

    outcome: DecisionPointOutcome

    @classmethod
    def route(cls, steps: list[str], **routing_context: Any) -> Decision:
        """Go on with these steps."""
        return cls(DecisionPointOutcome.create_steps(steps, routing_context=routing_context))

    @classmethod
    def skip(cls, reason: str, **routing_context: Any) -> Decision:
        """Go on with none of the branches."""
        return cls(DecisionPointOutcome.no_branches(reason, routing_context=routing_context))

    def __step_result__(self) -> StepHandlerResult:
        return self.outcome.__step_result__()


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """What a `@batch_analyzer` returns: so many items, so many to a batch."""

    total_items: int
    batch_size: int
    metadata: dict[str, Any] = field(default_factory=dict)

    def __step_result__(self) -> StepHandlerResult:
        raise ConfigurationError(
            "a BatchConfig says how many batches, not who works on them: return it from a function under "
            '@batch_analyzer(name, worker_template="…"), or use batch_analyzer_success of the mixin Batchable'
        )


def _no_extras() -> Mapping[str, Binder]:
    return {}


def _run_it(_: StepContext) -> StepHandlerResult | None:
    return None


def _as_returned(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Kind:
    """What a decorator adds to the plain call: its own arguments, a way past the function, a last touch."""

    argument_names: tuple[str, ...] = ()
    arguments: Callable[[], Mapping[str, Binder]] = _no_extras
    shortcut: Callable[[StepContext], StepHandlerResult | None] = _run_it
    finish: Callable[[Any], Any] = _as_returned


class FunctionHandler(StepHandler):
    """A handler that fills a function's arguments from the context and calls it."""

    __tasker_function__: ClassVar[Callable[..., Any]]
    kind: ClassVar[Kind]

    def __init__(self) -> None:
        compiled = _compile(type(self).__tasker_function__, self.kind)
        self.call = compiled  # type: ignore[assignment,method-assign]  # plain or async, as the function is

    @classmethod
    def needed_steps(cls) -> frozenset[str] | None:
        """The steps whose results the function can see; `None` means all ancestors."""
        return needed_steps(cls.__tasker_function__)


def step_handler(name: str, version: str = "1.0.0") -> HandlerDecorator:
    """Make the function the handler `name`."""
    return _decorator(name, version, Kind())


def decision_handler(name: str, version: str = "1.0.0") -> HandlerDecorator:
    """Make the function a decision point's handler; it returns a `Decision`."""
    return _decorator(name, version, Kind())


def batch_analyzer(name: str, worker_template: str, version: str = "1.0.0") -> HandlerDecorator:
    """Make the function an analyzer; its `BatchConfig` becomes batches for the step `worker_template`."""
    from workers.batch_types import analysis_result

    def finish(value: Any) -> Any:
        if not isinstance(value, BatchConfig):
            return value
        return analysis_result(value.total_items, value.batch_size, worker_template, value.metadata)

    return _decorator(name, version, Kind(finish=finish))


def batch_worker(name: str, version: str = "1.0.0") -> HandlerDecorator:
    """Make the function a batch's worker; it may take `batch_context`, a `BatchWorkerContext`.

    The placeholder instance that stands for *no batches* succeeds without a call of the function.
    """
    from workers.batch_types import BatchWorkerContext, no_op_result

    arguments: Mapping[str, Binder] = {"batch_context": BatchWorkerContext.from_step_context}
    return _decorator(name, version, Kind(("batch_context",), lambda: arguments, no_op_result))


def api_handler(
    name: str,
    base_url: str,
    version: str = "1.0.0",
    timeout: float = 30.0,
    default_headers: dict[str, str] | None = None,
) -> HandlerDecorator:
    """Make the function a handler that calls an HTTP API; it may take `api`, an `APIMixin` for `base_url`.

    `timeout` is in seconds, for one request.
    """
    from workers.api_mixin import APIMixin

    def arguments() -> Mapping[str, Binder]:
        api = APIMixin()
        api.base_url, api.default_timeout = base_url, timeout
        api.default_headers = dict(default_headers or {})
        return {"api": lambda _: api}

    return _decorator(name, version, Kind(("api",), arguments))


def depends_on(**deps: str | tuple[str, type]) -> HandlerDecorator:
    """Pass the results of other steps as arguments: `cart="validate_cart"` or `cart=("validate_cart", Cart)`.

    With a model, or a hint that is one, the result is validated; what does not fit fails the step for good.
    """

    def decorate(function: Function) -> Function:
        declared = _open_declaration(function, "@depends_on")
        for argument, source in deps.items():
            step, model = source if isinstance(source, tuple) else (source, None)
            declared.dependencies[argument] = (step, model)
        return function

    return decorate


def inputs(*keys_or_model: str | type) -> HandlerDecorator:
    """Pass values of the task's context as arguments, or as one model in the argument `inputs`.

    A missing key is passed as the argument's own default, `None` if it has none.
    """

    def decorate(function: Function) -> Function:
        declared = _open_declaration(function, "@inputs")
        for item in keys_or_model:
            if isinstance(item, str):
                declared.keys.append(item)
            elif declared.model is None:
                declared.model = item
            else:
                raise ConfigurationError("@inputs takes one model; join the two, or name the keys")
        return function

    return decorate


def handler_class_of(value: Any) -> type[FunctionHandler] | None:
    """Return the handler's class of a decorated function, `None` for anything else."""
    found = getattr(value, "__tasker_handler__", None)
    return found if isinstance(found, type) and issubclass(found, FunctionHandler) else None


def _open_declaration(function: Callable[..., Any], decorator: str) -> Any:
    if handler_class_of(function) is not None:
        raise ConfigurationError(f"write {decorator} below the decorator that names the handler")
    return declaration_of(function)


def _decorator(name: str, version: str, kind: Kind) -> HandlerDecorator:
    def decorate(function: Function) -> Function:
        if isinstance(function, type):
            raise ConfigurationError(
                f"the decorator of {name!r} makes a handler of a function; a class names itself: handler_name"
            )
        check_signature(function, kind.argument_names)
        members = {
            "handler_name": name,
            "handler_version": version,
            "__tasker_function__": staticmethod(function),
            "kind": kind,
            "__module__": function.__module__,
            "__qualname__": function.__qualname__,
            "__doc__": function.__doc__,
        }
        function.__tasker_handler__ = type(function.__name__, (FunctionHandler,), members)  # type: ignore[attr-defined]
        return function

    return decorate


def _compile(function: Callable[..., Any], kind: Kind) -> Callable[[StepContext], Any]:
    """Build the call once, so that a step costs its binders and nothing else."""
    filled = bindings(function, kind.arguments())
    shortcut, finish = kind.shortcut, kind.finish

    async def call_async(context: StepContext) -> Any:
        done = shortcut(context)
        if done is not None:
            return done
        return finish(await function(**{name: bind(context) for name, bind in filled}))

    def call(context: StepContext) -> Any:
        done = shortcut(context)
        if done is not None:
            return done
        return finish(function(**{name: bind(context) for name, bind in filled}))

    return call_async if inspect.iscoroutinefunction(function) else call
