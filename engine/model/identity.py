"""When two creations are the same task (reference 1.3)."""

from __future__ import annotations

import hashlib
from typing import Any

from engine.model.canonical import canonical_json
from engine.model.templates import IdentityStrategy


class IdentityKeyRequired(ValueError):
    """The template's strategy is caller_provided, and the request has no idempotency key."""

    def __init__(self) -> None:
        super().__init__(
            "this template takes its identity from the caller: send a non-empty `idempotency_key`"
        )


def identity_key(
    strategy: IdentityStrategy, context: dict[str, Any], idempotency_key: str | None = None
) -> bytes | None:
    """32 bytes that equal creations of one template share; None when each creation is a task of its own.

    An idempotency key overrides every strategy. `strict` compares contexts as canonical JSON: the order of
    keys does not count, 1 and 1.0 are different. The caller scopes the key by template. Raises
    `IdentityKeyRequired`.
    """
    if idempotency_key is not None:
        return hashlib.sha256(b"key:" + idempotency_key.encode()).digest()
    if strategy == "caller_provided":
        raise IdentityKeyRequired
    if strategy == "always_unique":
        return None
    return hashlib.sha256(b"context:" + canonical_json(context)).digest()
