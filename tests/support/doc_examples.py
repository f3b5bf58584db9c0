"""Runs the examples of the guides against a running stack, and says which of them are not so.

One worker has the templates and handlers of all guides and the bundled examples, as the command
`tasker dev --templates … --handlers …` would run them; that one and its like are therefore not run again.
A command that only looks is run again until it shows what the guide shows, for up to ten seconds, since the
system goes on beside it; so is a command that is refused. Whatever changes something is run once.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import yaml

from engine.model.template_errors import TemplateInvalid
from engine.model.templates import StepDefinition, Template, load_template
from tests.support.commands import Commands, Done
from tests.support.doc_guides import Command, Fence, Guide, commands
from tests.support.doc_output import Bindings
from tests.support.e2e_stack import Stack

EXAMPLES = Path(__file__).parents[2] / "workers" / "examples"
LOCAL = ("http://localhost:8080", "http://127.0.0.1:8080")
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.1
STARTS_THE_STACK = {"dev", "server", "worker", "tui", "migrate"}
LOOKS = {
    "analytics",
    "diff",
    "failures",
    "grid",
    "handlers",
    "history",
    "list",
    "logs",
    "pauses",
    "queues",
    "show",
    "steps",
    "summary",
    "timeline",
    "why",
    "watch",
}

BARE_STEP = {"name": "step", "handler": {"callable": "handler"}}
BARE_TEMPLATE = {"name": "name", "namespace_name": "name", "version": "1.0.0", "steps": [BARE_STEP]}


def worker_environment(guides: Sequence[Guide], folder: Path) -> Mapping[str, str]:
    """The settings of a worker for all guides; fails for what cannot be read or is in two of them."""
    templates, handlers = folder / "templates", folder / "handlers"
    for made in (templates, handlers):
        made.mkdir()
    for guide in guides:
        for fence in guide.fences:
            _check(guide, fence)
        guide.write_flows(templates, handlers)
    for kind, names in (("template", Guide.template_names), ("handler", Guide.handler_names)):
        counts = Counter(name for guide in guides for name in names(guide))
        twice = [name for name, count in counts.items() if count > 1]
        assert not twice, f"the guides have a {kind} more than once: {', '.join(twice)}"
    return {
        "TASKER_WORKER_TEMPLATES": json.dumps([str(EXAMPLES / "templates"), str(templates)]),
        "TASKER_WORKER_HANDLERS": json.dumps(["workers.examples.handlers", str(handlers)]),
    }


class GuideRun:
    """One guide on a stack."""

    def __init__(self, guide: Guide, stack: Stack, programs: Commands, folder: Path) -> None:
        self.guide = guide
        self.stack = stack
        self.programs = programs
        self.folder = folder
        self.bindings = Bindings()
        self.ran = 0

    async def run(self) -> None:
        """Run everything; fails with the first example that is not so, or if there is none."""
        self.guide.write_titled(self.folder)
        before: Fence | None = None
        for fence in self.guide.fences:
            if fence.language == "console":
                for command in commands(fence):
                    await self._command(command)
            elif fence.is_program:
                await self._program(fence)
            elif fence.language == "sql":
                await asyncio.to_thread(self._sql, fence)
            elif fence.language == "text" and before is not None and before.is_program:
                self._compare(fence.text.splitlines(), self.printed, fence.line)
            before = fence
        assert self.ran, f"{self.guide.path.name} has no example that runs: it needs a ```console block"

    async def _command(self, command: Command) -> None:
        words = [self.bindings.translate(word) for word in command.words]
        own = dict(word.split("=", 1) for word in words if _is_assignment(word))
        words = [word for word in words if not _is_assignment(word)]
        words = words[2:] if words[:2] == ["uv", "run"] else words
        assert words[0] in ("tasker", "curl"), f"{self._place(command.line)}: {words[0]} is not run here"
        self.ran += 1
        if words[0] == "tasker" and words[1] in STARTS_THE_STACK:
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            done = await asyncio.to_thread(self._run, words, own)
            if self._is_as_shown(command, done):
                return
            again = done.output.startswith("error: ") or not LOOKS.isdisjoint(words[1:3])
            if not again or time.monotonic() > deadline:
                self._fail(command.shown, done.output, command.line, f"exit code {done.code}")
            await asyncio.sleep(POLL_SECONDS)

    def _is_as_shown(self, command: Command, done: Done) -> bool:
        """A command that fails has to show how."""
        said = any(line.strip() not in ("", "…", "...") for line in command.shown)
        if done.code != 0 and not said:
            return False
        return not command.shown or self.bindings.matches(command.shown, done.output)

    def _run(self, words: list[str], own: Mapping[str, str]) -> Done:
        environment = {"TASKER_URL": self.stack.url, "USER": "ada", **own}
        if words[0] == "tasker":
            return self.programs.run(words[1:], self.folder, environment)
        argv = ["curl", "-sS", *(self._at_the_stack(word) for word in words[1:])]
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, timeout=60)
        return Done(done.stdout + done.stderr, done.returncode)

    async def _program(self, fence: Fence) -> None:
        self.ran += 1
        source = self.bindings.translate(self._at_the_stack(fence.text))
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", source], cwd=self.folder, capture_output=True, text=True,
            timeout=60, env={**os.environ, "TASKER_URL": self.stack.url},
        )  # fmt: skip
        assert done.returncode == 0, f"{self._place(fence.line)}: the program failed:\n{done.stderr}"
        self.printed = done.stdout

    def _sql(self, fence: Fence) -> None:
        try:
            with psycopg.connect(self.stack.dsn, autocommit=True) as conn:
                conn.execute(fence.text)
        except psycopg.Error as error:
            raise AssertionError(f"{self._place(fence.line)}: the database says {error}") from error

    def _at_the_stack(self, text: str) -> str:
        for url in LOCAL:
            text = text.replace(url, self.stack.url)
        return text

    def _compare(self, shown: list[str], written: str, line: int) -> None:
        if not self.bindings.matches(shown, written):
            self._fail(shown, written, line, "printed")

    def _fail(self, shown: list[str], written: str, line: int, how: str) -> None:
        log = self.stack.workers[-1].log.read_text()[-1500:]
        raise AssertionError(
            f"{self._place(line)}: the guide shows\n"
            + "\n".join(shown)
            + f"\n--- but it is ({how})\n{written}"
            f"\n--- known ids {self.bindings.actual}\n--- the worker's log ends\n{log}"
        )

    def _place(self, line: int) -> str:
        return self.guide.place(line)


def _is_assignment(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier() and name.isupper()


def _check(guide: Guide, fence: Fence) -> None:
    try:
        _check_readable(fence)
    except (ValueError, SyntaxError, TemplateInvalid, yaml.YAMLError) as error:
        raise AssertionError(f"{guide.place(fence.line)}: the {fence.language} is wrong: {error}") from error


def _check_readable(fence: Fence) -> None:
    if fence.language == "json":
        json.loads(fence.text)
    elif fence.language == "toml":
        tomllib.loads(fence.text)
    elif fence.language == "python":
        compile(fence.text, "guide", "exec")
    elif fence.template() is not None:
        load_template(fence.text)
    elif fence.language == "yaml":
        _check_part(yaml.safe_load(fence.text))


def _check_part(part: Any) -> None:
    """A part of a template: its steps, some of its own fields, or some of a step's."""
    if isinstance(part, list):
        for step in part:
            StepDefinition.model_validate(step)
    elif not isinstance(part, dict):
        raise ValueError("it is no part of a template")
    elif part.keys() <= Template.model_fields.keys():
        Template.model_validate(BARE_TEMPLATE | part)
    else:
        StepDefinition.model_validate(BARE_STEP | part)
