"""Reads the examples of a guide: fenced blocks of Markdown, each for what its language says it is.

| fence | what it is |
|---|---|
| `yaml` | a template, if it has `steps`: it is registered. Else a part of one: its fields must be known |
| `python` | handlers: all of a guide's are one module, in their order |
| `python` with `engine.client` in it | a program, which is run at its place |
| `console` | commands after `$ `, each with what it writes (see `doc_output`) |
| `text` after a program | what the program prints |
| `sql` | is run at its place, on the stack's database |
| `json`, `toml` | must be readable |
| `sh` and others | for the reader alone |

`title=NAME` after the language makes a file of the block, in the folder where the commands run.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt

_TITLE = re.compile(r"title=(\S+)")
_HANDLER = re.compile(r"""(?:@\w*(?:handler|analyzer|worker)\(|\bhandler_name = )["']([^"']+)""")


@dataclass(frozen=True, slots=True)
class Fence:
    """A block; `line` is the number of its first line in the guide."""

    language: str
    title: str | None
    line: int
    text: str

    @property
    def is_program(self) -> bool:
        """Whether it is run as a program, beside the worker."""
        return self.language == "python" and "engine.client" in self.text

    @property
    def is_handlers(self) -> bool:
        """Whether the worker gets it."""
        return self.language == "python" and not self.is_program

    def template(self) -> Any:
        """The YAML read, if it is a whole template, else None."""
        data = yaml.safe_load(self.text) if self.language == "yaml" else None
        return data if isinstance(data, dict) and "steps" in data and "namespace_name" in data else None


@dataclass(frozen=True, slots=True)
class Command:
    """A command and the lines that are shown of its output; `line` is its number in the guide."""

    words: list[str]
    shown: list[str]
    line: int


@dataclass(slots=True)
class Guide:
    """A guide's blocks in their order."""

    path: Path
    fences: list[Fence] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Guide:
        """Find the blocks of a file."""
        guide = cls(path)
        for token in MarkdownIt().parse(path.read_text()):
            if token.type == "fence" and token.map is not None:
                language, _, rest = token.info.strip().partition(" ")
                title = _TITLE.search(rest)
                fence = Fence(language, title and title[1], token.map[0] + 2, token.content)
                guide.fences.append(fence)
        return guide

    def place(self, line: int) -> str:
        """A line of the guide, for messages."""
        return f"{self.path.name}:{line}"

    def template_names(self) -> list[str]:
        """Namespace, name and version of each template."""
        found = [fence.template() for fence in self.fences]
        return [f"{one['namespace_name']}/{one['name']} {one['version']}" for one in found if one]

    def handler_names(self) -> list[str]:
        """The names that its handlers are registered by."""
        return [name for fence in self.fences if fence.is_handlers for name in _HANDLER.findall(fence.text)]

    def write_flows(self, templates: Path, handlers: Path) -> None:
        """Put the templates and the handlers where a worker finds them."""
        for fence in self.fences:
            if fence.template() is not None:
                (templates / f"{self.path.stem}_{fence.line}.yaml").write_text(fence.text)
        module = "\n\n".join(fence.text for fence in self.fences if fence.is_handlers)
        (handlers / f"{self.path.stem.replace('-', '_')}.py").write_text(module)

    def write_titled(self, folder: Path) -> None:
        """Put the blocks with a title where the commands find them."""
        for fence in self.fences:
            if fence.title is not None:
                target = folder / fence.title
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(fence.text)


def commands(fence: Fence) -> list[Command]:
    """The commands of a console block. A line that ends with a backslash goes on in the next one."""
    found: list[Command] = []
    lines = iter(enumerate(fence.text.splitlines(), fence.line))
    for number, line in lines:
        if line.startswith("$ "):
            text = line[2:]
            while text.endswith("\\"):
                text = text[:-1] + next(lines)[1].removeprefix("> ")
            found.append(Command(shlex.split(text, comments=True), [], number))
        elif found:
            found[-1].shown.append(line)
        else:
            raise AssertionError(f"line {number}: a console block begins with a command after `$ `")
    return [command for command in found if command.words]
