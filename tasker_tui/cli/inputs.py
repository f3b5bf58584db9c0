"""Reads what commands are given: JSON in three ways, and ids."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from tasker_tui.cli.errors import USAGE, CommandError


def read_object(option: str, given: str | None) -> dict[str, Any]:
    """The JSON object that an option gives: as text, `@FILE`, or `-` for standard input; none is `{}`.

    Raises CommandError with line and column of what is wrong.
    """
    if given is None:
        return {}
    text, source = _text(option, given)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise CommandError(
            f"{source} is not JSON: {error.msg} at {place}", "an example: '{\"order_id\": 7}'", USAGE
        ) from error
    if not isinstance(value, dict):
        raise CommandError(f"{source} must be a JSON object, and is {_kind(value)}", "write {…}", USAGE)
    return value


def read_id(given: str) -> UUID:
    """A task's id; raises CommandError when it is none."""
    try:
        return UUID(given)
    except ValueError:
        raise CommandError(f"{given!r} is not a task's id", "`tasker task list` shows ids", USAGE) from None


def _text(option: str, given: str) -> tuple[str, str]:
    """The text itself and, for messages, where it is from."""
    if given == "-":
        return sys.stdin.read(), f"{option} (standard input)"
    if not given.startswith("@"):
        return given, option
    path = Path(given[1:]).expanduser()
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"{option}: cannot read {path}: {error}", "give @FILE, - or JSON", USAGE
        ) from error


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
