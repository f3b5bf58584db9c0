"""Shows on standard error what is being measured and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Stages:
    """One stage after another: a bar on a terminal, a line each elsewhere; nothing when `silent`."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a stage for the length of a `with` block; gives what to tell how much is done."""
        if self._silent:
            yield lambda done: None
        elif not sys.stderr.isatty():
            print(f"{title} …", file=sys.stderr, flush=True)
            yield lambda done: None
        else:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
                bar = bars.add_task(title, total=total)
                yield lambda done: bars.update(bar, completed=done)
