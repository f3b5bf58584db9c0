"""JSON of users (contexts, results, checkpoints): exact, bounded, and only what PostgreSQL's jsonb can keep.

Whole numbers keep every digit (acceptance scenarios 10 and 11). What jsonb or the reader would choke on
later is refused here, with the place it stands at: NaN and Infinity, NUL characters, lone surrogates, whole
numbers of more than 4,300 digits, nesting deeper than 100, more than the limit in bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json, to_json

from engine.model.problems import Location, path_text

MAX_BYTES = 1_048_576
MAX_DEPTH = 100
MAX_DIGITS = 4_300

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"{}[]")
_DIGITS_AS_ZERO = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_TOO_MANY_DIGITS = b"0" * (MAX_DIGITS + 1)
_TOO_BIG = 10**MAX_DIGITS


class PayloadRejected(ValueError):
    """JSON that cannot be kept: the `location` of the value (empty: the whole), `path` as a text of it,
    `reason`, and `hint` what to do."""

    def __init__(self, location: Location, reason: str, hint: str) -> None:
        self.location = location
        self.path = path_text(location)
        self.reason = reason
        self.hint = hint
        super().__init__(f"{self.path}: {reason}; {hint}" if location else f"{reason}; {hint}")


class PayloadTooLarge(PayloadRejected):
    """More bytes than the limit."""


def load_json(data: str | bytes) -> Any:
    """Read JSON with whole numbers exact; of equal keys the last counts. Raises `PayloadRejected`."""
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise PayloadRejected((), f"not valid JSON: {error}", "send RFC 8259 JSON in UTF-8") from None


def dump_json(value: Any, *, limit_bytes: int = MAX_BYTES) -> str:
    """Write JSON; raises `PayloadRejected`, or `PayloadTooLarge` of it.

    Models, datetimes, UUIDs and Decimals are written as pydantic does: by field name, and a NaN inside a
    model as null unless the model's `ser_json_inf_nan` says otherwise.
    """
    try:
        out = to_json(value, by_alias=False)
    except Exception as error:  # a model's own serialiser may raise anything
        raise _not_serialisable(value, error) from error
    if len(out) > limit_bytes:
        raise _too_large(value, len(out), limit_bytes)
    if _is_suspect(out):
        _check_closely(value, out)
    return out.decode()


def _is_suspect(out: bytes) -> bool:
    """Cheap tests that let no bad value pass, though they also stop good ones."""
    return (
        b"NaN" in out
        or b"Infinity" in out
        or b"\\u0000" in out
        or out.count(b"[") + out.count(b"{") > MAX_DEPTH
        or (len(out) > MAX_DIGITS and _TOO_MANY_DIGITS in out.translate(_DIGITS_AS_ZERO))
    )


def _check_closely(value: Any, out: bytes) -> None:
    without_escapes = out.replace(b"\\\\", b"").replace(b'\\"', b"")
    bare = b"".join(without_escapes.split(b'"')[::2])  # all but the strings
    if _is_too_deep(bare):
        raise _too_deep()
    if b"NaN" in bare or b"Infinity" in bare:
        place = _find(value, lambda node: isinstance(node, float) and not math.isfinite(node))
        raise PayloadRejected(place, "NaN and Infinity are not JSON", "use null or a text instead")
    if b"\\u0000" in without_escapes:
        place = _find(value, _has_nul)
        raise PayloadRejected(place, "text with a NUL character, which PostgreSQL cannot keep", "remove it")
    if _TOO_MANY_DIGITS in bare.translate(_DIGITS_AS_ZERO):
        place = _find(value, lambda node: isinstance(node, int) and abs(node) >= _TOO_BIG)
        raise PayloadRejected(place, f"a whole number of more than {MAX_DIGITS} digits", "use a text instead")


def _is_too_deep(bare: bytes) -> bool:
    """Take away innermost pairs level by level: whatever is left after 100 rounds was deeper."""
    brackets = bare.translate(_BRACKETS, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _too_deep() -> PayloadRejected:
    return PayloadRejected((), f"nested deeper than {MAX_DEPTH} levels", "flatten it, or keep it as a text")


def _too_large(value: Any, size: int, limit: int) -> PayloadTooLarge:
    parts = {str(key): _size(item) for key, item in _children(value)} if isinstance(value, dict) else {}
    largest = max(parts, key=lambda key: parts[key], default="")
    where = f" (the largest part is '{largest}' with {parts[largest]:,} bytes)" if largest else ""
    return PayloadTooLarge(
        (),
        f"{size:,} bytes of JSON{where}, at most {limit:,} are kept",
        "store the data elsewhere and pass a reference to it",
    )


def _size(node: Any) -> int:
    return 0 if _failure(node) else len(to_json(node))


def _not_serialisable(value: Any, error: Exception) -> PayloadRejected:
    if "depth exceeded" in _text(error):
        return _too_deep()
    if "Circular reference" in _text(error):
        return PayloadRejected((), "a value that contains itself", "leave the reference back out")
    for location, node in _walk(value):
        if (inner := _failure(node)) is not None:
            return PayloadRejected(location, *_why(node, inner))
    return PayloadRejected((), *_why(value, error))


def _failure(node: Any) -> Exception | None:
    try:
        to_json(node, by_alias=False)
    except Exception as error:
        return error
    return None


def _why(node: Any, error: Exception) -> tuple[str, str]:
    """Reason and hint for the innermost value that cannot be written."""
    if isinstance(node, str):
        return "text with a lone surrogate, which is not valid Unicode", "decode it with errors='replace'"
    if isinstance(node, bytes | bytearray):
        return "bytes that are not UTF-8", "encode them as a text, such as base64"
    if "unknown type" in _text(error):
        kind = f"{type(node).__module__}.{type(node).__qualname__}".removeprefix("builtins.")
        return (
            f"a value of type {kind} is not JSON",
            "use dicts, lists, texts, numbers, booleans, None, datetimes, UUIDs or pydantic models",
        )
    return f"cannot be written as JSON: {_text(error)}", "check the keys and the value's own serialiser"


def _text(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def _has_nul(node: Any) -> bool:
    if isinstance(node, str):
        return "\0" in node
    return isinstance(node, Mapping) and any(isinstance(key, str) and "\0" in key for key in node)


def _find(value: Any, matches: Callable[[Any], bool]) -> Location:
    return next((location for location, node in _walk(value) if matches(node)), ())


def _walk(value: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Every value within `value`, inner ones first, no deeper than can be kept."""
    if len(location) <= MAX_DEPTH:
        for key, child in _children(value):
            yield from _walk(child, (*location, key))
    yield location, value


def _children(value: Any) -> list[tuple[int | str, Any]]:
    """What a value holds. One whose own code raises here holds nothing, and is what is wrong itself."""
    try:
        return list(_held(value))
    except Exception:
        return []


def _held(value: Any) -> Iterator[tuple[int | str, Any]]:
    if isinstance(value, Mapping):
        return ((str(key), item) for key, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return enumerate(value)
    if isinstance(value, BaseModel):
        return iter(value)
    if is_dataclass(value) and not isinstance(value, type):
        return ((field.name, getattr(value, field.name)) for field in fields(value))
    return iter(())
