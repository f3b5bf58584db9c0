"""Where two JSON values differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pydantic_core import to_json

from engine.model.wire.comparison import ValueDiff, ValueDiffs

LONGEST = 500
"""Characters of a value's JSON that are shown."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MISSING: Any = object()


def compare(a: Any, b: Any, limit: int) -> ValueDiffs:
    """The first `limit` differences in the order of the values, and how many more there are."""
    found = _differences(a, b, "")
    first = list(islice(found, limit))
    return ValueDiffs(differences=first, more=sum(1 for _ in found), too_large=False)


def _differences(a: Any, b: Any, path: str) -> Iterator[ValueDiff]:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            yield from _differences(a.get(key, _MISSING), b.get(key, _MISSING), _member(path, key))
    elif isinstance(a, list) and isinstance(b, list):
        for index in range(max(len(a), len(b))):
            one = a[index] if index < len(a) else _MISSING
            other = b[index] if index < len(b) else _MISSING
            yield from _differences(one, other, f"{path}[{index}]")
    elif not _same(a, b):
        yield _difference(a, b, path)


def _same(a: Any, b: Any) -> bool:
    """Python's equality, except that true is not 1."""
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _member(path: str, key: str) -> str:
    if not _PLAIN.fullmatch(key):
        return f"{path}[{to_json(key).decode()}]"
    return f"{path}.{key}" if path else key


def _difference(a: Any, b: Any, path: str) -> ValueDiff:
    shown_a, cut_a = _shown(a)
    shown_b, cut_b = _shown(b)
    kind = "added" if a is _MISSING else "removed" if b is _MISSING else "changed"
    return ValueDiff.model_validate(
        {"path": path, "kind": kind, "a": shown_a, "b": shown_b, "cut": cut_a or cut_b}
    )


def _shown(value: Any) -> tuple[Any, bool]:
    if value is _MISSING:
        return None, False
    text = to_json(value, inf_nan_mode="constants").decode()
    return (value, False) if len(text) <= LONGEST else (text[:LONGEST], True)
