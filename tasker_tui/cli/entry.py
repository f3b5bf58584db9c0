"""Entry point of the program `tasker`."""

from __future__ import annotations

import os
import sys

from tasker_tui.cli import starting
from tasker_tui.cli.errors import exit_code_of
from tasker_tui.cli.plain import read_plain


def main() -> None:
    """Run the command and end with its exit code."""
    sys.exit(exit_code_of(run_command))


def run_command() -> int:
    """Run the command that the program's arguments say; returns its exit code."""
    starting.leave_out_the_httpx_program()
    if sys.argv[1:2] == ["tui"]:
        starting.leave_out_collections()
        starting.leave_out_the_plugins_of_pydantic()
    plain = read_plain(sys.argv[1:], os.environ)
    if plain is not None:
        from tasker_tui.opening import run

        profile, locator = plain
        return run(profile, locator=locator)
    from tasker_tui.cli.main import run_with_typer

    return run_with_typer()
