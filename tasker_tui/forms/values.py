"""Values as the texts of fields, and back."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from tasker_tui.forms.shapes import Kind
from tasker_tui.text import printable

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_HALF = re.compile(r"[\ud800-\udfff]")
"""Half of a character: JSON may hold it, a terminal cannot show it."""


class NotAValue(ValueError):
    """A text that is no value of its field's kind; the message says what would be."""


def read_text(kind: Kind, text: str) -> Any:
    """The value that a text means. Raises NotAValue."""
    match kind:
        case "text":
            return text
        case "integer":
            return _integer(text.strip())
        case "number":
            return _number(text.strip())
    return read_json(text)


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises NotAValue with the place of what is wrong."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in text.strip() else ""
        place = f"in {line}column {error.colno}" if line else f"at column {error.colno}"
        raise NotAValue(f"not JSON: {error.msg} {place}") from None
    except (ValueError, RecursionError) as error:
        raise NotAValue(f"not JSON: {error}") from None


def json_document(text: str) -> dict[str, Any]:
    """The JSON object that a text is, an empty one for no text. Raises NotAValue."""
    found = read_json(text if text.strip() else "{}")
    if not isinstance(found, dict):
        raise NotAValue("the input must be a JSON object, {…}")
    return found


def text_of(kind: Kind, value: Any) -> str | None:
    """The text that means exactly this value in a field of that kind, None if none does."""
    text = value if kind == "text" and isinstance(value, str) else json_text(value)
    if not text.strip() or printable(text) != text or _HALF.search(text):
        return None
    try:
        return text if json.dumps(read_text(kind, text)) == json.dumps(value) else None
    except NotAValue:
        return None


def json_text(value: Any) -> str:
    """The value as JSON on one line, of characters that can be printed."""
    text = json.dumps(value, ensure_ascii=False)
    return text if printable(text) == text and not _HALF.search(text) else json.dumps(value)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise NotAValue("must be a whole number, such as 3")
    return _whole(text)


def _number(text: str) -> int | float:
    if _INTEGER.fullmatch(text):
        return _whole(text)
    if not _NUMBER.fullmatch(text):
        raise NotAValue("must be a number, such as 12.9")
    try:
        return _finite(text)
    except ValueError as error:
        raise NotAValue(str(error)) from None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotAValue("has too many digits") from None


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(f"{text[:20]} is too large a number")
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")
