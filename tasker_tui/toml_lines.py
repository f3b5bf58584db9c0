"""Reading a user's TOML file so that every mistake is told with its file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

LONG_HINT = 400
Names = tuple[str, ...]
"""The names that lead to a value: `("profiles", "production", "url")`."""


class ConfigError(Exception):
    """Something in the file is not right; the message begins with `file:line`. `hint` says what to do."""

    def __init__(self, file: Path, line: int, problem: str, hint: str = "") -> None:
        super().__init__(f"{file}:{line}: {problem}")
        self.line, self.hint = line, hint

    @property
    def told(self) -> str:
        """What is wrong and what to do, in one line."""
        return f"{self}; {self.hint}" if self.hint else str(self)


class ConfigErrors(Exception):
    """All that is not right in a part of the file, by line."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        self.errors = sorted(errors, key=lambda error: error.line)
        super().__init__("\n".join(map(str, self.errors)))


class Document:
    """A TOML file as data, with the lines of its names. Raises ConfigError for what is no TOML."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self._text = file, text
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r" \(at line (\d+), column \d+\)| \(at end of document\)", str(error))
            line = int(found[1]) if found and found[1] else text.count("\n") + 1
            problem = str(error)[: found.start()] if found else str(error)
            raise ConfigError(file, line, problem[:1].lower() + problem[1:]) from None

    def error(self, path: Names, problem: str, hint: str = "") -> ConfigError:
        """What is wrong with the value that `path` leads to."""
        return ConfigError(self.file, line_of(self._text, path), problem, hint)

    def table(self, path: Names, known: Iterable[str] | None = None) -> Mapping[str, Any]:
        """The table at `path`, empty where there is none; names other than `known` are refused."""
        found: Any = self.data
        for name in path:
            found = found.get(name, {})
            if not isinstance(found, dict):
                raise self.error(path, f"{'.'.join(path)} must be a table: [{'.'.join(path)}]")
        for name in found if known is not None else ():
            self.refuse_unknown((*path, name), known or ())
        return dict(found)

    def refuse_unknown(self, path: Names, known: Iterable[str], name: str = "") -> None:
        """Raise unless `name`, else the last of `path`, is one of `known`; with one that comes near."""
        names, last = list(known), name or path[-1]
        if last not in names:
            near = get_close_matches(last, names, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(names)}"
            raise self.error(path, f"there is no {last!r} here", hint if len(hint) < LONG_HINT else "")

    def value(self, path: Names, kind: type, default: Any = None) -> Any:
        """The value at `path`, of one type; `default` where there is none."""
        found = self.table(path[:-1]).get(path[-1], default)
        if found is not default and not isinstance(found, kind):
            words = {str: "a text in quotes", bool: "true or false", list: "a list, […]"}
            raise self.error(path, f"{path[-1]} must be {words[kind]}")
        return found


def line_of(text: str, path: Names) -> int:
    """The line, from 1, on which the value at `path` is; else that of what holds it."""
    table: Names = ()
    best, line = 0, 1
    for number, content in enumerate(text.splitlines(), 1):
        header = content.strip().startswith("[")
        names = _names(content.strip() if header else content.partition("=")[0] + "= 0")
        if header and names:
            table = names
        place = names if header else (*table, *names)
        shared = min(len(place), len(path))
        if names and shared > best and path[:shared] == place[:shared]:
            best, line = shared, number
    return line


def _names(content: str) -> Names:
    """The dotted names that a line begins with; none if it is no header and no assignment."""
    try:
        found: Any = tomllib.loads(content)
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(found, dict | list) and found:
        if isinstance(found, list):
            found = found[0]
        else:
            name, found = next(iter(found.items()))
            names.append(name)
    return tuple(names)
