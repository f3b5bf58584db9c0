"""Where something went wrong, and the part of a traceback that is the handler's own."""

from __future__ import annotations

import itertools
import traceback
from collections.abc import Iterator
from types import TracebackType

_MACHINERY = ("asyncio", "concurrent.futures", "threading", "contextvars", "importlib", "_frozen_importlib")
_ABOVE_HANDLERS = ("workers.runtime", "workers.functional")
_OURS = "workers"
_EXAMPLES = "workers.examples"

MAX_TRACEBACK_BYTES = 16 * 1024


def file_and_line(error: BaseException, within: str = "") -> tuple[str, int | None]:
    """Where an exception came from: the line of a syntax error, else its innermost frame in package `within`.

    Without one there it is the innermost frame outside the machinery, and `("?", None)` without any.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return error.filename, error.lineno
    frames = [(_module_of(trace), trace) for trace in _traces(error) if not _is_machinery(trace)]
    own = [trace for name, trace in frames if within and _is_in(name, within)]
    last = own or [trace for _, trace in frames]
    return (last[-1].tb_frame.f_code.co_filename, last[-1].tb_lineno) if last else ("?", None)


def place_of_error(error: BaseException, within: str = "") -> str:
    """`file:line` of an exception."""
    file, line = file_and_line(error, within)
    return f"{file}:{line}" if line else file


def handler_traceback(error: BaseException) -> list[str]:
    """Format a traceback from the handler's first frame on, a line an item, at most 16 KiB.

    The frames of the worker above the handler say nothing to its author. Of a long one the middle is cut: the
    beginning says what was called, the end what happened.
    """
    formatted = traceback.TracebackException(type(error), error, _from_the_handler(error)).format()
    lines = [line for block in formatted for line in storable(block).rstrip("\n").split("\n")]
    return _shortened(lines)


def storable(text: str) -> str:
    """Make a text fit for PostgreSQL: no NUL, no lone surrogates."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _from_the_handler(error: BaseException) -> TracebackType | None:
    """The first frame below what calls handlers; below it the mixins' frames and libraries' are kept."""
    frames = list(_traces(error))
    above = [
        index
        for index, trace in enumerate(frames)
        if any(_is_in(_module_of(trace), module) for module in _ABOVE_HANDLERS)
    ]
    own = itertools.dropwhile(_is_machinery, frames[above[-1] + 1 if above else 0 :])
    return next(own, None)


def _traces(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _module_of(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", ""))


def _is_machinery(trace: TracebackType) -> bool:
    name = _module_of(trace)
    if _is_in(name, _EXAMPLES):
        return False
    return _is_in(name, _OURS) or any(_is_in(name, module) for module in _MACHINERY)


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _shortened(lines: list[str]) -> list[str]:
    sizes = [len(line.encode()) + 1 for line in lines]
    if sum(sizes) <= MAX_TRACEBACK_BYTES:
        return lines
    head = _fitting(lines, MAX_TRACEBACK_BYTES // 4)
    tail = _fitting(lines[::-1], MAX_TRACEBACK_BYTES // 2)[::-1]
    return [*head, f"... {len(lines) - len(head) - len(tail)} lines are left out ...", *tail]


def _fitting(lines: list[str], budget: int) -> list[str]:
    """The first lines that fit into so many bytes; a line that is too long by itself is cut."""
    kept: list[str] = []
    for line in lines:
        raw = line.encode()
        if len(raw) + 1 > budget:
            if not kept:
                kept.append(raw[:budget].decode("utf-8", "ignore"))
            break
        kept.append(line)
        budget -= len(raw) + 1
    return kept
