"""Where commands write for people: tables as wide as the terminal, and as their content when it is none."""

from __future__ import annotations

import sys

from rich.console import Console

WIDE = 1000


def console() -> Console:
    """A console on standard output; into a file or pipe nothing is coloured, wrapped or cut."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=WIDE, soft_wrap=True)
