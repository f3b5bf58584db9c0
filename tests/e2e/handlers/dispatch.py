"""Handlers that are found by name, by class path, by a resolver of our own, and their methods."""

from __future__ import annotations

from typing import Any

from workers import HandlerDefinition, HandlerRegistry, RegistryResolver, StepContext, StepHandler


class Payments(StepHandler):
    """Four ways to deal with a payment; each tells which one it was."""

    handler_name = "e2e.payments"

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"method": "call"}

    def validate(self, context: StepContext) -> dict[str, Any]:
        return {"method": "validate", "amount": context.get_input_or("amount", 1)}

    async def process(self, context: StepContext) -> dict[str, Any]:
        return {"method": "process"}

    def refund(self, context: StepContext) -> dict[str, Any]:
        return {"method": "refund"}


class Priced(StepHandler):
    """Made by the resolver, of which each name is one."""

    def __init__(self, article: str) -> None:
        self.article = article

    def call(self, context: StepContext) -> dict[str, Any]:
        return {"article": self.article, "method": "call"}

    def discount(self, context: StepContext) -> dict[str, Any]:
        return {"article": self.article, "method": "discount"}


class PriceResolver(RegistryResolver):
    """`price.tea` is a handler that no module defines."""

    prefix = "price."

    @property
    def name(self) -> str:
        return "price_list"

    def resolve_handler(self, definition: HandlerDefinition, config: dict[str, Any]) -> Any | None:
        article = definition.callable.removeprefix("price.")
        return Priced(article) if article in ("tea", "cup") else None


HandlerRegistry.instance(skip_bootstrap=True).resolver_chain.add_resolver(PriceResolver())
