"""From a template's `handler` to a handler: resolvers, methods, what is said when there is none."""

import pytest

from tests.unit.workers.support import make_context, resolved, run
from workers import (
    ClassLookupResolver,
    ExplicitMappingResolver,
    HandlerDefinition,
    HandlerNotFound,
    HandlerRegistry,
    PermanentError,
    RegistryResolver,
    ResolutionError,
    ResolverChain,
    ResolverNotFoundError,
    StepHandler,
    step_handler,
)
from workers.invocation import failure_from_exception, resolve


class Payments(StepHandler):
    handler_name = "payments"
    handler_version = "1.2.0"

    def __init__(self):
        self.made = True

    def call(self, context):
        return {"method": "call"}

    def refund(self, context):
        return {"method": "refund"}

    async def settle(self, context):
        return {"method": "settle"}

    def takes_more(self, context, amount):
        return {}

    def _internal(self, context):
        return {}


class OnlyMethods(StepHandler):
    def validate(self, context):
        return {"method": "validate"}


class NeedsArguments(StepHandler):
    def __init__(self, url):
        self.url = url

    def call(self, context):
        return {}


class NotAHandler:
    def call(self, context):
        return {}


class Outer:
    class Inner(StepHandler):
        def call(self, context):
            return {"nested": True}


HERE = __name__


def error_of(name="payments", handler=Payments, **definition):
    with pytest.raises(PermanentError) as caught:
        resolved(handler, name, **definition)
    failed = failure_from_exception(caught.value, handler_version="")
    assert (failed.error_type, failed.retryable) == ("handler_not_found", False)
    return caught.value


@pytest.mark.scenario(85)
@pytest.mark.parametrize("method", ["refund", "settle"])
async def test_a_method_is_dispatched(method):
    assert (await run(Payments, handler_method=method)).result == {"method": method}


@pytest.mark.scenario(86, 87)
@pytest.mark.parametrize("method", [None, "call"])
async def test_call_is_the_method_unless_said_otherwise(method):
    assert (await run(Payments, handler_method=method)).result == {"method": "call"}


async def test_a_handler_may_have_no_call_at_all():
    assert (await run(OnlyMethods, handler_method="validate")).result == {"method": "validate"}
    message = str(error_of("only", OnlyMethods))
    assert "has no method call(self, context); it has validate" in message


@pytest.mark.scenario(89)
@pytest.mark.parametrize("method", ["refnd", "_internal", "success", "config_schema", "name", "handler_name"])
def test_a_method_that_runs_no_steps_is_refused(method):
    error = error_of(handler_method=method)
    assert isinstance(error, ResolutionError)
    assert f"has no method {method}(self, context); it has call, refund, settle, takes_more" in str(error)


def test_a_method_that_takes_more_than_the_context_is_refused():
    message = str(error_of(handler_method="takes_more"))
    assert "takes_more(context, amount) cannot be called with one argument, the context" in message


@pytest.mark.scenario(89)
def test_an_unknown_resolver_is_told_with_those_there_are():
    error = error_of(resolver="explict_mapping")
    assert isinstance(error, ResolverNotFoundError)
    assert "the resolver 'explict_mapping'" in str(error)
    assert "it has explicit_mapping, class_lookup. Did you mean 'explicit_mapping'?" in str(error)


@pytest.mark.scenario(89)
def test_a_bad_method_is_told_with_a_near_one():
    assert "takes_more. Did you mean 'refund'? Write it" in str(error_of(handler_method="refnd"))


class Raises(RegistryResolver):
    prefix = "raises."
    priority = 1

    def can_resolve(self, definition, config=None):
        raise KeyError("no configuration")

    def resolve_handler(self, definition, config):
        return Payments


def test_a_resolver_that_raises_does_not_stop_the_chain(caplog):
    registry = HandlerRegistry()
    registry.resolver_chain.add_resolver(Raises())
    registry.register("payments", Payments)
    assert type(registry.resolve("payments")) is Payments
    assert "the resolver 'raises' raised KeyError: 'no configuration'" in caplog.text
    assert not registry.resolver_chain.can_resolve(HandlerDefinition("no_such_thing"))
    with pytest.raises(
        HandlerNotFound, match="'no_such_thing' was not found: the resolver 'raises'"
    ) as caught:
        registry.resolve("no_such_thing")
    # Another worker may have it: it is none of the errors that this worker alone can tell of.
    assert type(caught.value) is HandlerNotFound
    with pytest.raises(ResolutionError, match=r"KeyError: 'no configuration' \(.*test_resolution.py:\d+\)"):
        registry.resolve(HandlerDefinition("payments", resolver="raises"))


@pytest.mark.scenario(75)
def test_a_missing_handler_is_told_with_places_and_near_names():
    registry = HandlerRegistry()
    registry.register("orders.process_payment", Payments)
    registry.register("send_receipt", Payments)
    with pytest.raises(HandlerNotFound) as caught:
        resolve(registry, HandlerDefinition("proces_payment"))
    assert str(caught.value) == (
        "no handler named 'proces_payment'; looked in explicit_mapping (2 names), class_lookup (not of its "
        "form). Did you mean 'orders.process_payment'? Correct handler.callable in the template, or register "
        "a handler of that name and load its module into the worker"
    )
    with pytest.raises(HandlerNotFound, match=r"explicit_mapping \(2 names\)\. Did you mean 'send_receipt'"):
        resolve(registry, HandlerDefinition("send_reciept", resolver="explicit_mapping"))
    with pytest.raises(HandlerNotFound, match=r"class_lookup \(it has none\)\. Correct"):
        resolve(registry, HandlerDefinition("no.such.module.Handler"))


@pytest.mark.scenario(88)
def test_a_hint_asks_one_resolver_alone():
    registry = HandlerRegistry()
    path = f"{HERE}.Payments"
    registry.register(path, OnlyMethods)
    by_chain = registry.resolve(HandlerDefinition(path))
    by_hint = registry.resolve(HandlerDefinition(path, resolver="class_lookup"))
    assert type(by_chain) is OnlyMethods
    assert type(by_hint) is Payments
    wrapped = registry.resolve(HandlerDefinition(path, "refund", "class_lookup"))
    assert wrapped.call(make_context()) == {"method": "refund"}
    assert (wrapped.name, wrapped.version) == ("payments", "1.2.0")


def test_class_paths():
    registry = HandlerRegistry()
    ready = resolve(registry, HandlerDefinition(f"{HERE}.Payments"))
    assert (ready.name, ready.version) == ("payments", "1.2.0")
    nested = resolve(registry, HandlerDefinition(f"{HERE}.Outer.Inner"))
    assert nested.call(make_context()) == {"nested": True}
    assert registry.resolve(f"{HERE}.Missing") is None
    assert registry.resolve("nowhere_at_all.Handler") is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (f"{HERE}.NotAHandler", "is no subclass of workers.StepHandler"),
        ("collections.OrderedDict", "is no subclass of workers.StepHandler"),
        (f"{HERE}.NeedsArguments", "a handler's class is made without arguments"),
    ],
)
def test_a_class_that_is_no_usable_handler_is_refused(name, said):
    with pytest.raises(ResolutionError, match=said):
        resolve(HandlerRegistry(), HandlerDefinition(name))


def test_a_module_that_fails_to_import_is_told_with_file_and_line(tmp_path, monkeypatch):
    (tmp_path / "broken_module_of_handlers.py").write_text("import math\n\nmath.sqrt(-1)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ResolutionError, match=r"ValueError: .*broken_module_of_handlers\.py:3\)"):
        resolve(HandlerRegistry(), HandlerDefinition("broken_module_of_handlers.Handler"))
    (tmp_path / "missing_import_of_handlers.py").write_text("import no_such_library_here\n")
    with pytest.raises(ResolutionError, match="no_such_library_here"):
        resolve(HandlerRegistry(), HandlerDefinition("missing_import_of_handlers.Handler"))


class PricesResolver(RegistryResolver):
    prefix = "prices."

    def resolve_handler(self, definition, config):
        return {"prices.vat": Payments}.get(definition.callable)


class NumberedResolver(RegistryResolver):
    pattern = r"^step_\d+$"

    @property
    def priority(self):
        return 5

    def resolve_handler(self, definition, config):
        return lambda context: {"number": int(definition.callable[5:])}


def test_resolvers_of_your_own():
    registry = HandlerRegistry()
    registry.resolver_chain.add_resolver(PricesResolver()).add_resolver(NumberedResolver())
    assert registry.resolver_chain.list_resolvers() == [
        ("numbered_resolver", 5),
        ("explicit_mapping", 10),
        ("prices_resolver", 50),
        ("class_lookup", 100),
    ]
    assert type(registry.resolve("prices.vat")) is Payments
    assert registry.resolve("prices.other") is None
    assert resolve(registry, HandlerDefinition("step_12")).call(make_context()) == {"number": 12}
    assert not registry.resolver_chain.can_resolve(HandlerDefinition("step_x"))


def test_the_chain_itself():
    chain = ResolverChain.default()
    assert chain.resolver_names == ["explicit_mapping", "class_lookup"]
    assert isinstance(chain.get_resolver("class_lookup"), ClassLookupResolver)
    assert isinstance(chain.explicit_resolver, ExplicitMappingResolver)
    chain.register("b", Payments).register("a", Payments)
    assert chain.registered_callables() == ["a", "b"]
    assert chain.chain_info()[0] == {
        "name": "explicit_mapping",
        "priority": 10,
        "type": "ExplicitMappingResolver",
        "callables": 2,
    }
    assert isinstance(chain.remove_resolver("class_lookup"), ClassLookupResolver)
    assert chain.remove_resolver("class_lookup") is None
    replaced = ExplicitMappingResolver()
    chain.add_resolver(replaced)
    assert chain.list_resolvers() == [("explicit_mapping", 10)]
    assert chain.resolve(HandlerDefinition("a")) is None
    empty = ResolverChain()
    assert empty.explicit_resolver is None
    assert type(empty.register("a", Payments).resolve(HandlerDefinition("a"))) is Payments


def test_what_can_be_registered_explicitly():
    explicit = ExplicitMappingResolver("own")
    assert (explicit.name, explicit.priority) == ("own", 10)
    instance = Payments()

    @step_handler("decorated")
    async def decorated():
        return {}

    for key, handler in {"class": Payments, "instance": instance, "decorated": decorated}.items():
        explicit.register(key, handler)
    assert explicit.resolve(HandlerDefinition("instance")) is instance
    assert type(explicit.resolve(HandlerDefinition("class"))) is Payments
    assert explicit.resolve(HandlerDefinition("decorated")).name == "decorated"
    assert explicit.unregister("class")
    assert not explicit.unregister("class")
    explicit.register("number", 5)
    with pytest.raises(ResolutionError, match="cannot be called"):
        explicit.resolve(HandlerDefinition("number"))


def test_definitions():
    bare = HandlerDefinition.from_callable("a.b")
    assert (bare.effective_method(), bare.uses_method_dispatch(), bare.has_resolver_hint()) == (
        "call",
        False,
        False,
    )
    full = HandlerDefinition.from_dict(
        {"callable": "x", "method": "refund", "resolver": "own", "initialization": {"a": 1}}
    )
    assert full == HandlerDefinition("x", "refund", "own", {"a": 1})
    assert full.uses_method_dispatch()
    assert full.has_resolver_hint()
    assert HandlerDefinition.from_dict(None) == HandlerDefinition("")


async def test_an_object_with_an_async_call_is_async():
    class Greeting:
        async def __call__(self, context):
            return {"hello": True}

    assert (await run(Greeting())).result == {"hello": True}


def test_capabilities_come_from_the_mixins():
    from workers import APIMixin, Batchable, DecisionMixin

    class Everything(StepHandler, APIMixin, DecisionMixin, Batchable):
        def call(self, context):
            return {}

    assert Payments().capabilities == ["process"]
    assert set(Everything().capabilities) >= {"process", "http", "decision_point", "batchable"}
    assert Everything().name == "Everything"
    assert Everything().config_schema() is None
