"""YAML of a template, read with the line of every key, and without what makes YAML dangerous.

Built from the parser's events rather than its nodes: the event parser does not recurse, so nesting is refused
before it costs the process its stack. Plain words are read by YAML 1.2's core schema (`no`, `on` and
`2026-01-31` are texts, as the original reads them). Aliases and merge keys work within a bound; keys are
texts and unique.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from engine.model.payload import MAX_DEPTH
from engine.model.problems import Location, path_text
from engine.model.template_errors import TemplateInvalid, TemplateProblem

MAX_CHARACTERS = 8_388_608
MAX_VALUES = 500_000
"""Values in one template, those that aliases repeat counted each time: no billion laughs."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(slots=True)
class Mark:
    """Where a value stands: its key's line and column (from 1), and the marks of what is inside."""

    line: int
    column: int
    inner: dict[int | str, Mark] = field(default_factory=dict)

    def at(self, location: Location) -> Mark:
        """The mark of a location, or of the nearest that exists around it."""
        here = self
        for part in location:
            if part not in here.inner:
                break
            here = here.inner[part]
        return here


@dataclass(slots=True)
class Document:
    """A read YAML text; `problems` are those that did not keep it from being read to the end."""

    value: Any
    mark: Mark
    problems: list[TemplateProblem]


def read_yaml(text: str, source: str) -> Document:
    """Read one YAML document. Raises `TemplateInvalid` where reading cannot go on."""
    reader = _Reader(text, source)
    try:
        value, mark = reader.document()
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        reader.stop(f"not valid YAML: {message}", Mark(at.line + 1, at.column + 1) if at else None)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        reader.stop(f"not valid YAML: {error.reason}", Mark(line, 1), "remove the character")
    except UnicodeEncodeError as error:
        line = text[: error.start].count("\n") + 1
        reader.stop(
            "text with a lone surrogate, which is not valid Unicode", Mark(line, 1), "save it as UTF-8"
        )
    return Document(value, mark, reader.problems)


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.problems: list[TemplateProblem] = []
        self._source = source
        if len(text) > MAX_CHARACTERS:
            self.stop(f"{len(text):,} characters, at most {MAX_CHARACTERS:,} are read", None)
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, tuple[Any, Mark, int]] = {}
        self._values = 0

    def stop(self, message: str, mark: Mark | None, hint: str | None = None) -> NoReturn:
        self._note((), message, mark, hint)
        raise TemplateInvalid(self.problems)

    def document(self) -> tuple[Any, Mark]:
        next(self._events)  # the start of the stream
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            self.stop("the template is empty", None, "start with `name:`, `namespace_name:` and `steps:`")
        value, mark = self._value(next(self._events), ())
        next(self._events)  # the end of the document
        following = next(self._events)
        if not isinstance(following, yaml.StreamEndEvent):
            self.stop("a second document begins here", _mark(following), "keep one template a file")
        return value, mark

    def _note(self, location: Location, message: str, mark: Mark | None, hint: str | None = None) -> None:
        line, column = (mark.line, mark.column) if mark else (None, None)
        self.problems.append(TemplateProblem(self._source, line, column, path_text(location), message, hint))

    def _value(self, event: Any, location: Location) -> tuple[Any, Mark]:
        mark, before = _mark(event), self._values
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark)
        self._count(1, mark)
        if len(location) > MAX_DEPTH:
            self.stop(f"nested deeper than {MAX_DEPTH} levels", mark, "flatten it")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, location, mark)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(event, location, mark)
        else:
            value = self._mapping(event, location, mark)
        if event.anchor:
            self._anchors[event.anchor] = (value, mark, self._values - before)
        return value, mark

    def _count(self, values: int, mark: Mark) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            self.stop(f"more than {MAX_VALUES:,} values, aliases written out", mark, "use fewer aliases")

    def _alias(self, event: Any, mark: Mark) -> tuple[Any, Mark]:
        if event.anchor not in self._anchors:
            self.stop(f"alias '*{event.anchor}' without an anchor before it", mark, "define it further up")
        value, anchored, size = self._anchors[event.anchor]
        self._count(size, mark)
        return value, Mark(mark.line, mark.column, anchored.inner)

    def _sequence(self, event: Any, location: Location, mark: Mark) -> list[Any]:
        self._expect_tag(event, location, "seq", mark)
        items: list[Any] = []
        for inner in self._events:
            if isinstance(inner, yaml.SequenceEndEvent):
                break
            value, mark.inner[len(items)] = self._value(inner, (*location, len(items)))
            items.append(value)
        return items

    def _mapping(self, event: Any, location: Location, mark: Mark) -> dict[str, Any]:
        self._expect_tag(event, location, "map", mark)
        entries: dict[str, Any] = {}
        merges: list[tuple[Any, Mark]] = []
        for key_event in self._events:
            if isinstance(key_event, yaml.MappingEndEvent):
                break
            key, key_mark = self._key(key_event, location)
            value, value_mark = self._value(next(self._events), (*location, key))
            if key == "<<" and key_event.implicit[0]:
                merges.append((value, Mark(key_mark.line, key_mark.column, value_mark.inner)))
            elif key in entries:
                first = mark.inner[key].line
                self._note((*location, key), f"is given twice, first in line {first}", key_mark, "keep one")
            else:
                entries[key] = value
                mark.inner[key] = Mark(key_mark.line, key_mark.column, value_mark.inner)
        for value, value_mark in merges:
            self._merge(value, value_mark, entries, mark)
        return entries

    def _key(self, event: Any, location: Location) -> tuple[str, Mark]:
        mark = _mark(event)
        if not isinstance(event, yaml.ScalarEvent):
            self.stop("a key must be a plain text", mark, "write `name: value`")
        return event.value, mark

    def _merge(self, value: Any, value_mark: Mark, entries: dict[str, Any], mark: Mark) -> None:
        """YAML's `<<`: keys that the mapping does not have itself; of several sources the first wins."""
        many = isinstance(value, list)
        for index, source in enumerate(value if many else [value]):
            source_mark = value_mark.at((index,)) if many else value_mark
            if not isinstance(source, dict):
                self._note((), "`<<` takes a mapping or a list of mappings", value_mark)
                continue
            for key in source.keys() - entries.keys():
                entries[key] = source[key]
                mark.inner[key] = source_mark.inner[key]

    def _scalar(self, event: Any, location: Location, mark: Mark) -> Any:
        text: str = event.value
        if event.tag is None and event.implicit[0]:
            return self._plain(text, location, mark)
        kind = "str" if event.tag in (None, "!") else event.tag.removeprefix(_CORE)
        if kind in ("str", "timestamp"):
            return text
        value = self._plain(text, location, mark)
        if type(value).__name__.replace("NoneType", "null") != kind:
            self._note(location, f"'{text}' with the tag {event.tag} cannot be read", mark, "remove the tag")
        return value

    def _plain(self, text: str, location: Location, mark: Mark) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return self._whole_number(text, location, mark)
        if _NO_NUMBER.fullmatch(text):
            self._note(location, f"{text} is not JSON", mark, "leave it out, or put it in quotes")
        elif _FLOAT.fullmatch(text):
            number = float(text)
            if not math.isfinite(number):
                self._note(location, f"{text} is too large a number", mark, "put it in quotes")
            return number
        return text

    def _whole_number(self, text: str, location: Location, mark: Mark) -> int:
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        try:
            return int(text, base)
        except ValueError:  # Python reads no more than 4,300 digits
            self._note(location, f"a whole number of {len(text):,} digits", mark, "put it in quotes")
            return 0

    def _expect_tag(self, event: Any, location: Location, kind: str, mark: Mark) -> None:
        if event.tag not in (None, "!", _CORE + kind):
            self._note(location, f"the tag {event.tag} is not supported", mark, "remove the tag")


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)
