"""Bulk operations as text and tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.model.wire.bulk import (
    BulkDetail,
    BulkItemPage,
    BulkList,
    BulkOperation,
    BulkPlace,
    BulkRuns,
    BulkVerb,
)
from tasker_tui.text import printable

if TYPE_CHECKING:
    from rich.progress import TaskID

SHOWN = 20
AIMS = {
    BulkVerb.RETRY: "retry {steps}",
    BulkVerb.RETRY_DOWNSTREAM: "run {steps} again with all that comes after",
    BulkVerb.RETRY_TASK: "run {tasks} again from the start",
    BulkVerb.SKIP: "skip {steps}",
    BulkVerb.RESOLVE: "resolve {steps}",
    BulkVerb.COMPLETE: "complete {steps}",
    BulkVerb.CANCEL: "cancel {tasks}",
    BulkVerb.PAUSE: "pause {tasks}",
    BulkVerb.RESUME: "resume {tasks}",
}
IDEMPOTENT = {True: "yes", False: "NO", None: "not said"}


def aim(selected: BulkDetail) -> str:
    """What would be done, such as `retry 12 steps of 10 tasks`."""
    tasks = _count(selected.preview.tasks, "task")
    steps = f"{_count(selected.preview.steps, 'step')} of {tasks}"
    return AIMS[selected.verb].format(tasks=tasks, steps=steps)


def preview(selected: BulkDetail) -> RenderableType:
    """What was selected, what will run, and one example."""
    shown = selected.preview
    if not selected.items:
        return Text(f"nothing fits: there is nothing to {selected.verb.replace('_', ' ')}")
    parts: list[RenderableType] = [Text(aim(selected), style="bold"), _places(shown.places)]
    if shown.will_run:
        parts += [Text("\nruns at once or after it", style="bold"), _runs(shown.will_run)]
    notes = [
        (shown.running, "with a worker now; what it does is lost"),
        (shown.left_out, "named and left out: unknown, or nothing to do"),
    ]
    parts += [Text(f"{number} {what}", style="yellow") for number, what in notes if number]
    if shown.sample and shown.sample[0].message:
        first = shown.sample[0]
        parts.append(Text(printable(f"for example {first.task_uuid} {first.step}: {first.message}"), "dim"))
    return Group(*parts)


def detail(found: BulkDetail) -> RenderableType:
    """One operation: how far it is, who began it, and what was selected."""
    fields = _grid()
    for name, value in (
        ("operation", str(found.bulk_uuid)),
        ("verb", found.verb.value),
        ("filter", ", ".join(f"{name}={value}" for name, value in found.filter.items())),
        ("state", found.state.value),
        ("progress", progress(found)),
        ("rate", "as fast as it goes" if found.rate is None else f"{found.rate:g} a second"),
        ("by", found.actor or ""),
        ("reason", found.reason or ""),
        ("stopped by", found.stopped_by and f"{found.stopped_by}: {found.stop_reason}"),
    ):
        if value:
            fields.add_row(Text(name, style="dim"), Text(printable(value)))
    return Group(fields, Text(), preview(found))


def operations(found: BulkList) -> RenderableType:
    """One line an operation."""
    table = _table("OPERATION", "VERB", "STATE", "PROGRESS", "BY", "BEGUN", "REASON")
    for one in found.operations:
        begun = f"{one.started_at:%Y-%m-%d %H:%M:%S}" if one.started_at else ""
        table.add_row(
            str(one.bulk_uuid), one.verb.value, one.state.value, progress(one),
            Text(printable(one.actor or "")), begun, Text(printable(one.reason or "")),
        )  # fmt: skip
    return table


def items(page: BulkItemPage) -> RenderableType:
    """One line an item."""
    table = _table("NUMBER", "TASK", "STEP", "OUTCOME", "WHY")
    for one in page.items:
        table.add_row(
            str(one.number), str(one.task_uuid), str(one.step_uuid or ""), one.outcome.value,
            Text(printable(one.message or "")),
        )  # fmt: skip
    if page.next_after is None:
        return table
    return Group(table, Text(f"more: --after {page.next_after}", style="dim"))


def progress(one: BulkOperation) -> str:
    """Counts in one line: `40 of 120 done, 2 skipped, 78 to go, 19.9 a second, 4 s left`."""
    parts = [f"{one.done} of {one.items} done"]
    parts += [
        f"{number} {what}" for number, what in ((one.skipped, "skipped"), (one.failed, "failed")) if number
    ]
    if one.remaining and one.started_at:
        parts.append(f"{one.remaining} to go")
    if one.eta_seconds is not None and one.items_per_second is not None:
        parts += [f"{one.items_per_second:.1f} a second", f"{one.eta_seconds:.0f} s left"]
    return ", ".join(parts)


@contextmanager
def bar(one: BulkOperation, *, shown: bool) -> Iterator[Callable[[BulkOperation], None]]:
    """A progress bar for the length of a `with` block; gives what moves it."""
    if not shown:
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[about]}"),
    )
    with Progress(*columns, transient=True) as running:
        line: TaskID = running.add_task(one.verb.value, total=one.items, about="")

        def update(now: BulkOperation) -> None:
            running.update(line, completed=now.items - now.remaining, about=progress(now))

        yield update


def _places(places: list[BulkPlace]) -> Table:
    table = _table("ITEMS", "STATE", "WHERE")
    for one in places[:SHOWN]:
        where = f"{one.namespace}/{one.template}@{one.version} {one.step or ''}".rstrip()
        table.add_row(str(one.items), one.state or "", Text(printable(where)))
    if len(places) > SHOWN:
        table.add_row("…", "", f"{len(places) - SHOWN} more")
    return table


def _runs(runs: list[BulkRuns]) -> Table:
    table = _table("STEPS", "WHERE", "IDEMPOTENT", "OUTCOME UNKNOWN")
    for one in runs[:SHOWN]:
        where = Text(printable(f"{one.namespace}/{one.template}@{one.version} {one.step}"))
        table.add_row(str(one.steps), where, IDEMPOTENT[one.idempotent], str(one.unknown_outcome or ""))
    if len(runs) > SHOWN:
        table.add_row("…", f"{len(runs) - SHOWN} more")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _grid() -> Table:
    return Table.grid(padding=(0, 2))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
