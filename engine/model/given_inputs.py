"""What a step's handler is given as input: the task's context, and the step's own inputs over it.

A step's own inputs are what an operator changed of it, and of a batch's worker also its share of the work. A
null among them takes a value of the context away.
"""

from __future__ import annotations

from typing import Any

from engine.model.canonical import canonical_json
from engine.model.merge_patch import merge_patch

_SHARE = frozenset(
    ["cursor", "batch_metadata", "template_step", "batch_index", "total_batches", "is_no_op"]
)  # as carry_out_batch writes it


def given_inputs(context: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The context as the step sees it. A batch's share is no part of it: it would hide equal names."""
    if not own:
        return context
    share = _share(own)
    over = {key: value for key, value in own.items() if key not in share}
    return {key: value for key, value in (context | over).items() if key not in over or value is not None}


def patched_inputs(context: dict[str, Any], own: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """The step's own inputs after a merge patch (RFC 7396) of what it is given.

    A value that the patch makes equal to the context's is the step's own no more.
    """
    share = _share(own)
    below = {key: value for key, value in context.items() if key not in share}
    after, inputs = merge_patch(below | own, patch), dict(own)
    for key in patch:
        if _same(key, after, below):
            inputs.pop(key, None)
        else:
            inputs[key] = after.get(key)
    return inputs


def _share(own: dict[str, Any]) -> frozenset[str]:
    return _SHARE if "is_no_op" in own else frozenset()


def _same(key: str, one: dict[str, Any], other: dict[str, Any]) -> bool:
    if key not in one or key not in other:
        return key not in one and key not in other
    return canonical_json(one[key]) == canonical_json(other[key])  # Python finds 1 and true alike
