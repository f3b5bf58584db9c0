"""Runs many `tasker` commands against one server, each in a process of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.forks import FORKS, PATIENCE


@dataclass(frozen=True, slots=True)
class Done:
    """What a command wrote, to standard output and error in their order, and its exit code."""

    output: str
    code: int


class Commands:
    """Runs commands against the server at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> Done:
        """Run `tasker ARGUMENTS` in a folder with some variables added to the environment."""
        ours = {"PYTHONPATH": os.pathsep.join(sys.path), "TASKER_URL": self._url}
        with tempfile.TemporaryFile() as output:
            process = FORKS.start(
                "tasker", list(arguments), cwd=cwd, env=os.environ | ours | environment, stdout=output
            )
            try:
                code = process.wait(PATIENCE)
            finally:
                process.kill()
            output.seek(0)
            return Done(output.read().decode(), code)
