"""From a template's `handler` to the code that runs, with a real worker (reference 7.2, 10.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.api import BLOCKED, Api, Json, standing

DISPATCH = "e2e_dispatch"


@pytest.mark.scenario(85, 86, 87, 88)
async def test_every_way_to_name_a_handler(api: Api) -> None:
    results = await api.run("dispatch", DISPATCH, {"amount": 7, "seconds": 0})
    assert results == {
        "validate": {"method": "validate", "amount": 7},
        "process": {"method": "process"},
        "refund": {"method": "refund"},
        "default": {"method": "call"},
        "explicit_call": {"method": "call"},
        "by_path": {"method": "refund"},
        "by_import": {"slept": True},
        "hinted": {"article": "tea", "method": "call"},
        "hinted_method": {"article": "cup", "method": "discount"},
        "by_the_chain": {"article": "cup", "method": "call"},
    }


async def failed_step(api: Api, name: str, handler: Json) -> Json:
    """Run a template of one step that nobody can run; the step."""
    template: dict[str, Any] = {
        "name": name,
        "namespace_name": DISPATCH,
        "version": "1.0.0",
        "identity_strategy": "always_unique",
        "steps": [{"name": "only", "handler": handler, "retry": {"max_attempts": 5, "backoff_base_ms": 100}}],
    }
    await api.register(template, replace="true")
    task = await api.create(name, DISPATCH)
    assert standing(await api.rested(task)) == BLOCKED
    step = (await api.steps(task))["only"]
    assert step["current_state"] == "error"
    assert (step["last_error"]["error_type"], step["last_error"]["retryable"]) == ("handler_not_found", False)
    return step


@pytest.mark.scenario(89)
@pytest.mark.parametrize(
    ("name", "handler", "said"),
    [
        (
            "unknown_resolver",
            {"callable": "e2e.payments", "resolver": "price_lst"},
            [
                "asks for the resolver 'price_lst'",
                "it has explicit_mapping, price_list, class_lookup. Did you mean 'price_list'?",
                "Correct handler.resolver in the template",
            ],
        ),
        (
            "bad_method",
            {"callable": "e2e.payments", "method": "refnd"},
            [
                "handler 'e2e.payments' (",
                "has no method refnd(self, context); it has call, process, refund, validate.",
                "Did you mean 'refund'?",
            ],
        ),
        (
            "no_handler_class",
            {"callable": "collections.OrderedDict"},
            ["'collections.OrderedDict' is no subclass of workers.StepHandler"],
        ),
    ],
)
async def test_a_handler_that_cannot_be_used_fails_for_good(
    api: Api, name: str, handler: Json, said: list[str]
) -> None:
    step = await failed_step(api, name, handler)
    assert step["attempts"] == 1
    for part in said:
        assert part in step["last_error"]["message"]


@pytest.mark.scenario(75, 89)
@pytest.mark.parametrize(
    ("name", "handler", "near"),
    [
        ("misspelt", {"callable": "e2e.paymnets"}, "Did you mean 'e2e.payments'?"),
        ("elsewhere", {"callable": "shop.payments"}, "'e2e.payments'"),
        ("not_in_the_list", {"callable": "price.cap", "resolver": "price_list"}, "'price.cup'"),
        ("nothing_like_it", {"callable": "zzz.qqq"}, ""),
    ],
)
async def test_a_handler_that_nobody_has_is_told_with_near_names(
    api: Api, name: str, handler: Json, near: str
) -> None:
    step = await failed_step(api, name, handler)
    assert step["attempts"] == 0
    message = step["last_error"]["message"]
    assert f"no live worker of namespace '{DISPATCH}' has the handler '{handler['callable']}'" in message
    assert near in message
    assert ("Did you mean" in message) is bool(near)
