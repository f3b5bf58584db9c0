"""Decorated functions: where their arguments come from (reference python-sdk, functional decorators)."""

from __future__ import annotations

import functools
import inspect
import logging
import typing
from dataclasses import dataclass

import pytest
from pydantic import BaseModel, Field

from tests.unit.workers.support import make_context, resolved, run, stored
from workers import (
    BatchConfig,
    ConfigurationError,
    Decision,
    StepContext,
    batch_analyzer,
    batch_worker,
    decision_handler,
    depends_on,
    inputs,
    step_handler,
)


@step_handler("declared_above_its_models")
@depends_on(cart="validate_cart")
def declared_above_its_models(cart: Cart):
    return {"type": type(cart).__name__, "cents": cart.cents}


class Line(BaseModel):
    sku: str
    quantity: int = 1


class Cart(BaseModel):
    cents: int
    lines: list[Line] = []


class Customer(BaseModel):
    name: str
    email_address: str = Field(default="none", alias="email")
    model_config = {"extra": "forbid"}


@dataclass
class Settings:
    limit: int
    mode: str = "fast"


CART = {"cents": 1250, "lines": [{"sku": "TEA"}]}


async def test_a_result_is_passed_as_an_argument():
    @step_handler("handler", version="3.0.0")
    @depends_on(cart="validate_cart", grand="first_step")
    def handler(cart, grand):
        return {"cart": cart, "grand": grand}

    context = make_context(dependency_results={"validate_cart": stored(CART)})
    done = await run(handler, context)
    assert done.result == {"cart": CART, "grand": None}
    assert resolved(handler).version == "3.0.0"
    assert handler({"x": 1}, None) == {"cart": {"x": 1}, "grand": None}  # still the function that it was


async def test_a_result_is_passed_as_a_model():
    @step_handler("handler")
    @depends_on(cart=("validate_cart", Cart))
    async def handler(cart):
        return {"type": type(cart).__name__, "sku": cart.lines[0].sku}

    done = await run(handler, make_context(dependency_results={"validate_cart": stored(CART)}))
    assert done.result == {"type": "Cart", "sku": "TEA"}


async def test_a_hint_that_is_a_model_is_enough_even_if_it_is_defined_later():
    context = make_context(dependency_results={"validate_cart": stored(CART)})
    assert (await run(declared_above_its_models, context)).result == {"type": "Cart", "cents": 1250}


@pytest.mark.parametrize("hint", [Cart | None, list[Cart], dict[str, Cart], typing.Optional[Cart]])  # noqa: UP045
async def test_hints_around_a_model_are_validated(hint):
    def handler(cart):
        return {"seen": repr(cart)}

    handler.__annotations__["cart"] = hint
    value = {Cart | None: CART, list[Cart]: [CART], dict[str, Cart]: {"a": CART}}.get(hint, CART)
    decorated = step_handler("handler")(depends_on(cart="parent")(handler))
    good = await run(decorated, make_context(dependency_results={"parent": stored(value)}))
    assert "Cart(cents=1250" in good.result["seen"]
    bad = await run(decorated, make_context(dependency_results={"parent": stored({"cents": "many"})}))
    assert (bad.error_type, bad.retryable) == ("validation_error", False)


async def test_hints_without_a_model_are_left_alone():
    @step_handler("handler")
    @depends_on(cart="parent")
    @inputs("amount")
    def handler(cart: int, amount: list[int]):
        return {"cart": cart, "amount": amount}

    context = make_context(dependency_results={"parent": stored("text")}, input_data={"amount": "much"})
    assert (await run(handler, context)).result == {"cart": "text", "amount": "much"}


async def test_what_does_not_fit_fails_for_good_and_names_the_fields():
    @step_handler("handler")
    @depends_on(cart=("validate_cart", Cart))
    def handler(cart):
        return {}

    wrong = {"cents": "x", "lines": [{"quantity": 1}]}
    failed = await run(handler, make_context(dependency_results={"validate_cart": stored(wrong)}))
    assert (failed.error_type, failed.retryable) == ("validation_error", False)
    assert failed.error_message.startswith("the result of step 'validate_cart' does not fit Cart: cents: ")
    assert [item["field"] for item in failed.metadata["fields"]] == ["cents", "lines.0.sku"]
    assert "traceback" not in failed.metadata


async def test_a_missing_result_for_a_model_fails_for_good():
    @step_handler("handler")
    @depends_on(cart=("validate_cart", Cart))
    def handler(cart):
        return {}

    failed = await run(handler)
    assert (failed.error_type, failed.retryable) == ("validation_error", False)


async def test_a_validation_error_of_the_handlers_own_is_like_any_other_exception():
    @step_handler("handler")
    def handler():
        Cart.model_validate({})

    failed = await run(handler)
    assert (failed.error_type, failed.retryable) == ("handler_error", True)


async def test_inputs_by_key():
    @step_handler("handler")
    @inputs("a", "b", "c", "d")
    def handler(a, b, c="default", d: Line | None = None):
        return {"a": a, "b": b, "c": c, "d": None if d is None else d.sku}

    done = await run(handler, make_context(input_data={"a": 1, "d": {"sku": "CUP"}, "more": 2}))
    assert done.result == {"a": 1, "b": None, "c": "default", "d": "CUP"}


async def test_inputs_as_a_model():
    @step_handler("handler")
    @inputs(Customer, "note")
    def handler(inputs, note):
        return {"name": inputs.name, "email": inputs.email_address, "note": note}

    by_name = make_context(input_data={"name": "Ada", "email_address": "a@b", "other": 1, "note": "n"})
    assert (await run(handler, by_name)).result == {"name": "Ada", "email": "a@b", "note": "n"}
    by_alias = make_context(input_data={"name": "Ada", "email": "a@b"})
    assert (await run(handler, by_alias)).result == {"name": "Ada", "email": "a@b", "note": None}
    failed = await run(handler, make_context(input_data={"email": "a@b"}))
    assert (failed.error_type, failed.retryable) == ("validation_error", False)
    assert failed.metadata["fields"] == [{"field": "name", "problem": "Field required"}]


async def test_inputs_as_a_dataclass():
    @step_handler("handler")
    @inputs(Settings)
    def handler(inputs):
        return {"limit": inputs.limit, "mode": inputs.mode}

    assert (await run(handler, make_context(input_data={"limit": "5"}))).result == {
        "limit": 5,
        "mode": "fast",
    }


@pytest.mark.parametrize("name", ["context", "_context"])
async def test_the_context_is_passed_to_who_takes_it(name):
    functions = {"context": lambda context: {"uuid": str(context.task_uuid)}}
    functions["_context"] = lambda _context: {"uuid": str(_context.task_uuid)}
    handler = step_handler("handler")(functions[name])
    context = make_context()
    assert (await run(handler, context)).result == {"uuid": str(context.task_uuid)}
    assert resolved(handler).dependencies is None


async def test_keyword_arguments_take_what_is_declared():
    @step_handler("handler")
    @depends_on(cart="parent")
    def handler(**given):
        return given

    context = make_context(dependency_results={"parent": stored({"a": 1})})
    assert (await run(handler, context)).result == {"cart": {"a": 1}}


def test_needs():
    @step_handler("both")
    @depends_on(a="first", b=("second", Cart))
    def both(a, b):
        return {}

    @step_handler("with_context")
    @depends_on(a="first")
    def with_context(a, context):
        return {}

    @step_handler("none")
    @inputs("x")
    def none(x):
        return {}

    assert resolved(both).dependencies == frozenset({"first", "second"})
    assert resolved(with_context).dependencies is None  # through the context it can see all ancestors
    assert resolved(none).dependencies == frozenset()


@pytest.mark.parametrize("is_async", [True, False])
def test_plain_and_async_functions_are_told_apart(is_async):
    async def coroutine():
        return {}

    def plain():
        return {}

    handler = step_handler("handler")(coroutine if is_async else plain)
    assert resolved(handler).is_async is is_async


def test_the_signature_is_read_when_the_handler_is_made_and_not_per_call(monkeypatch):
    @step_handler("handler")
    @depends_on(cart=("parent", Cart))
    @inputs("a")
    def handler(cart, a, context):
        return {"a": a}

    ready = resolved(handler)
    monkeypatch.setattr(inspect, "signature", lambda *_: pytest.fail("read again"))
    context = make_context(input_data={"a": 1}, dependency_results={"parent": stored(CART)})
    assert ready.call(context) == {"a": 1}


def test_an_argument_that_nothing_fills_is_told_at_once():
    with pytest.raises(ConfigurationError, match=r"nothing fills the argument 'cart'.*@depends_on\(cart="):

        @step_handler("handler")
        def handler(cart):
            return {}


def test_a_declared_name_that_is_no_argument_is_told_at_once():
    with pytest.raises(ConfigurationError, match=r"is to get cart, a and has no such argument"):

        @step_handler("handler")
        @depends_on(cart="validate_cart")
        @inputs("a")
        def handler(other=None):
            return {}


@pytest.mark.parametrize("keys", [("cart",), ("context",)])
def test_an_argument_with_two_sources_is_told_at_once(keys):
    with pytest.raises(ConfigurationError, match="would be filled from two places"):

        @step_handler("handler")
        @depends_on(cart="validate_cart")
        @inputs(*keys)
        def handler(cart, context):
            return {}


def test_other_mistakes_of_declaration():
    with pytest.raises(ConfigurationError, match="takes one model"):
        inputs(Cart, Customer)(lambda inputs: {})
    with pytest.raises(ConfigurationError, match="positional-only"):
        step_handler("handler")(lambda context, /: {})
    with pytest.raises(ConfigurationError, match="write @inputs below"):
        inputs("a")(step_handler("handler")(lambda context: {}))
    with pytest.raises(ConfigurationError, match="makes a handler of a function"):
        step_handler("handler")(Settings)


async def test_a_decorator_that_wraps_well_may_stand_in_between():
    def doubled(function):
        @functools.wraps(function)
        async def wrapper(**given):
            return {"n": 2 * (await function(**given))["n"]}

        return wrapper

    @step_handler("handler")
    @doubled
    @inputs("n")
    async def handler(n: int):
        return {"n": n}

    assert (await run(handler, make_context(input_data={"n": 4}))).result == {"n": 8}


async def test_a_hint_that_cannot_be_resolved_is_reported_and_not_validated(caplog):
    @step_handler("handler")
    @inputs("a")
    def handler(a: Unknown):  # noqa: F821
        return {"a": a}

    with caplog.at_level(logging.WARNING, "tasker.workers"):
        assert (await run(handler, make_context(input_data={"a": 1}))).result == {"a": 1}
    assert "the hint 'Unknown' of a cannot be resolved" in caplog.text


async def test_a_model_of_an_enclosing_function_is_resolved():
    class Local(BaseModel):
        n: int

    @step_handler("handler")
    @inputs("value")
    def handler(value: Local):
        assert isinstance(value, Local)
        return {"n": value.n}

    assert (await run(handler, make_context(input_data={"value": {"n": 3}}))).result == {"n": 3}


async def test_a_decision_handler():
    @decision_handler("decide")
    @depends_on(amount="validate")
    def decide(amount):
        return Decision.route(["auto"], amount=amount) if amount else Decision.skip("no amount")

    routed = await run(decide, make_context(dependency_results={"validate": stored(500)}))
    assert routed.result["decision_point_outcome"]["step_names"] == ["auto"]
    skipped = await run(decide)
    assert skipped.result["decision_point_outcome"]["reason"] == "no amount"
    with pytest.raises(ValueError, match="no_branches"):
        Decision.route([])


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_batch_analyzer(is_async):
    def count(total):
        return BatchConfig(total, 200, {"file": "rows.csv"})

    async def count_async(total):
        return count(total)

    function = inputs("total")(count_async if is_async else count)
    analyzer = batch_analyzer("analyze", worker_template="work")(function)
    found = await run(analyzer, make_context(input_data={"total": 500}))
    assert found.result["batch_processing_outcome"] == {
        "type": "create_batches",
        "worker_template_name": "work",
        "worker_count": 3,
        "cursor_configs": [
            {"batch_id": "001", "start_cursor": 0, "end_cursor": 200, "batch_size": 200},
            {"batch_id": "002", "start_cursor": 200, "end_cursor": 400, "batch_size": 200},
            {"batch_id": "003", "start_cursor": 400, "end_cursor": 500, "batch_size": 100},
        ],
        "total_items": 500,
    }
    assert found.result["batch_metadata"] == {"file": "rows.csv"}
    empty = await run(analyzer, make_context(input_data={"total": 0}))
    assert empty.result["batch_processing_outcome"] == {"type": "no_batches"}


async def test_a_batch_worker():
    @batch_worker("work")
    def work(batch_context, context: StepContext):
        return {"from": batch_context.start_cursor, "to": batch_context.end_cursor}

    share = {"cursor": {"batch_id": "002", "start": 200, "end": 400}, "batch_metadata": {}}
    assert (await run(work, make_context(step_inputs=share))).result == {"from": 200, "to": 400}
    placeholder = {"cursor": {"batch_id": "000", "start": 0, "end": 0}, "is_no_op": True}
    done = await run(work, make_context(step_inputs=placeholder))
    assert done.result == {"batch_id": "000", "no_op": True, "items_processed": 0}


def test_batch_context_is_for_batch_workers_alone():
    with pytest.raises(ConfigurationError, match="nothing fills the argument 'batch_context'"):
        step_handler("handler")(lambda batch_context: {})
