"""Runs many `tasker` commands, each in a process of its own, without starting Python for each.

A process that has imported the whole command line and spoken to the server once forks for every command.
`Commands` is its other end.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import tasker_tui.cli
from tasker_tui.cli.main import main


@dataclass(frozen=True, slots=True)
class Done:
    """What a command wrote, to standard output and error in their order, and its exit code."""

    output: str
    code: int


class Commands:
    """Runs commands against the server at `url` for the length of a `with` block, one at a time."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> Commands:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.command_server"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TASKER_URL": self._url},
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Done:
        """Run `tasker ARGUMENTS` in a folder with some variables added to the environment."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile() as output:
            order = {"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)}
            self._process.stdin.write(json.dumps({**order, "output": output.name}) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return Done(Path(output.name).read_text(), code)


def _serve() -> None:
    for module in pkgutil.iter_modules(tasker_tui.cli.__path__):
        if module.name != "__main__":
            importlib.import_module(f"tasker_tui.cli.{module.name}")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        _main("task", "list")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(order: Mapping[str, object]) -> None:
    """In the child: become the command, and end with its exit code."""
    code = 1
    output = os.open(str(order["output"]), os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.chdir(str(order["cwd"]))
        os.environ.update(order["environment"])  # type: ignore[call-overload]
        code = _main(*order["arguments"])  # type: ignore[misc]
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _main(*arguments: str) -> int:
    sys.argv = ["tasker", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


if __name__ == "__main__":
    _serve()
