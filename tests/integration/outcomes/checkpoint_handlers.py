"""Workers of batches that yield: one counts, one dies by a gate, one fails in the middle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from workers import Batchable, PermanentError, RetryableError, StepContext, StepHandler

FOLDER = Path(os.environ["TEST_FOLDER"])


def mark(line: str) -> None:
    with (FOLDER / "effects").open("a") as file:
        file.write(f"{line}\n")


class CountTo(StepHandler, Batchable):
    """Works through `total` items, `size` at a time, and yields after each portion."""

    handler_name = "count_to"

    def call(self, context: StepContext) -> Any:
        total, size = context.get_config("total"), context.get_config("size")
        start = context.checkpoint_cursor or 0
        done = (context.accumulated_results or {}).get("sum", 0)
        mark(f"{context.attempt}: {start}")
        self.trouble(context, start)
        end = min(start + size, total)
        done += sum(range(start, end))
        if end < total:
            return self.checkpoint_yield(end, end, {"sum": done})
        return self.success({"sum": done, "resumed_from": start, "yields": len(history(context))})

    def trouble(self, context: StepContext, start: int) -> None:
        kind, at = context.get_config("trouble"), context.get_config("at")
        if kind is None or start < at:
            return
        if kind == "permanent":
            raise PermanentError("no further")
        if kind == "once" and context.attempt == 1:
            raise RetryableError("not now")
        if kind == "hang" and context.attempt == 1:
            context.cancelled.wait()


def history(context: StepContext) -> list[dict[str, Any]]:
    return (context.checkpoint or {}).get("history", [])
