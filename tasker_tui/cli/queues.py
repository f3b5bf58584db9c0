"""`tasker queues` and `tasker handlers`: what waits for workers, and who could take it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tasker_tui.cli.task import LOCAL, JsonOption, UrlOption

if TYPE_CHECKING:
    from rich.table import Table

    from engine.model.wire.queues import HandlerList, HeldSteps, Queue, QueueList, QueueLoad

NamespaceOption = Annotated[str | None, typer.Option("--namespace", "-n", help="Only this one.")]


def queues(namespace: NamespaceOption = None, url: UrlOption = LOCAL, as_json: JsonOption = False) -> None:
    """List what waits, is held and runs in each namespace, and the workers that serve it."""
    from engine.client.queues import list_queues
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse
    from tasker_tui.text import printable

    found = converse(url, lambda client: client.send(list_queues(namespace=namespace)))
    if as_json:
        print_json(found)
    elif not found.queues:
        console().print("there is no namespace yet; a worker that starts registers its templates")
    else:
        _print_queues(found)
    if not as_json and found.broker and not found.broker.connected:
        problem = printable(found.broker.problem or "no answer")
        console().print(f"{found.broker.title} is away ({problem}): steps are found by polling", markup=False)


def handlers(
    namespace: NamespaceOption = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only those that no live worker has.")] = False,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List the handlers that templates and ready steps ask for, and who has them."""
    from engine.client.queues import list_handlers
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse

    call = list_handlers(namespace=namespace, missing=missing)
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    elif not found.handlers and not found.unused:
        console().print("no handler is missing" if missing else "no template asks for a handler yet")
    else:
        _print_handlers(found)


def _print_queues(found: QueueList) -> None:
    from rich.text import Text

    from tasker_tui.cli.console import console

    table = _table(
        "NAMESPACE", "HANDLER", "READY", "OLDEST", "HELD", "RUNNING", "RETRYING", "WORKERS", "NOTE"
    )
    for queue in found.queues:
        served = f"{queue.workers} ({queue.busy}/{queue.slots} busy)"
        table.add_row(Text(queue.namespace), "", *_load(queue), served, Text("; ".join(_notes(queue))))
        for part in queue.handlers:
            note = "no live worker has it" if part.status == "missing" else ""
            table.add_row("", Text(part.handler), *_load(part), str(part.workers), note)
    console().print(table)


def _load(one: QueueLoad) -> tuple[str, ...]:
    from tasker_tui.text import duration

    oldest = "" if one.oldest_seconds is None else duration(one.oldest_seconds)
    return str(one.ready), oldest, _held(one.held), str(one.in_progress), str(one.retrying)


def _held(held: HeldSteps) -> str:
    reasons = [f"{count} {name.replace('_', ' ')}" for name, count in held if count]
    return ", ".join(reasons) or "0"


def _notes(queue: Queue) -> Iterator[str]:
    if queue.paused:
        yield f"paused by {queue.paused.paused_by}: {queue.paused.reason}"
    if not queue.workers:
        yield "no live worker"


def _print_handlers(found: HandlerList) -> None:
    from rich.text import Text

    from tasker_tui.cli.console import console

    table = _table("NAMESPACE", "HANDLER", "STATUS", "WORKERS", "READY", "USED BY", "NOTE")
    for one in found.handlers:
        first = one.used_by[:1]
        used = "".join(f"{user.template}@{user.version} {', '.join(user.steps[:3])}" for user in first)
        more = f" +{one.templates - 1}" if one.templates > 1 else ""
        table.add_row(
            Text(one.namespace),
            Text(one.handler),
            one.status.replace("_", " "),
            str(one.workers),
            str(one.ready),
            Text(used + more),
            Text(f"workers have {' or '.join(one.near)}" if one.near else ""),
        )
    console().print(table)
    if found.unused:
        names = ", ".join(one.handler for one in found.unused)
        console().print(Text(f"nobody asks for {names}", style="dim"))


def _table(*columns: str) -> Table:
    from rich.table import Table

    return Table(*columns, box=None, pad_edge=False, header_style="bold")
