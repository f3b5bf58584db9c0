"""Where commands write: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console
    from rich.text import Text

WIDE = 1000


def console() -> Console:
    """A console on standard output; into a file or pipe nothing is coloured, wrapped or cut."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=WIDE, soft_wrap=True)


def plain(text: str) -> Text:
    """Text of others for a table: no markup in it, and nothing that moves the cursor."""
    from rich.text import Text

    from tasker_tui.text import printable

    return Text(printable(text))


def print_json(value: BaseModel | Sequence[BaseModel]) -> None:
    """Write the object, or the array of objects, as the server answers it, on one line."""
    if isinstance(value, Sequence):
        print(f"[{','.join(item.model_dump_json() for item in value)}]", flush=True)
    else:
        print(value.model_dump_json(), flush=True)
