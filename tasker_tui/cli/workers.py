"""`tasker workers`: who works, and what each has in hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from tasker_tui.cli.task import LOCAL, JsonOption, UrlOption

if TYPE_CHECKING:
    from engine.model.wire.queues import WorkerSteps
    from engine.model.wire.worker import WorkerInfo


def workers(
    worker: Annotated[
        UUID | None, typer.Argument(help="A worker's id: list the steps that it holds.", show_default=False)
    ] = None,
    url: UrlOption = LOCAL,
    as_json: JsonOption = False,
) -> None:
    """List the workers that are known, or the steps that one of them holds."""
    from engine.client.queues import worker_steps
    from tasker_tui.cli.console import console, print_json
    from tasker_tui.cli.session import converse

    if worker is not None:
        held = converse(url, lambda client: client.send(worker_steps(worker)))
        if as_json:
            print_json(held)
        else:
            _print_steps(held)
        return
    found = converse(url, lambda client: client.list_workers())
    if as_json:
        print_json(found)
    elif not found:
        console().print("no worker has been seen yet; tasker worker --templates DIR starts one")
    else:
        _print_workers(found)


def _print_workers(found: Sequence[WorkerInfo]) -> None:
    from datetime import UTC, datetime

    from rich.table import Table

    from tasker_tui.cli.console import console, plain
    from tasker_tui.text import age

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("WORKER", "NAME", "HOST", "STATE", "BUSY", "HEARD", "NAMESPACES"):
        table.add_column(column)
    for one in found:
        table.add_row(
            str(one.worker_uuid),
            plain(one.name),
            plain(f"{one.hostname}:{one.pid}"),
            one.state,
            f"{one.busy}/{one.slots}",
            age(one.last_heartbeat_at, datetime.now(UTC)),
            plain(", ".join(one.namespaces)),
        )
    console().print(table)


def _print_steps(held: WorkerSteps) -> None:
    from rich.table import Table

    from tasker_tui.cli.console import console, plain
    from tasker_tui.text import duration

    if not held.steps:
        console().print("it holds no step now")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("HELD", "TASK", "STEP", "ATTEMPT", "TEMPLATE", "HANDLER"):
        table.add_column(column)
    for one in held.steps:
        table.add_row(
            duration((held.calculated_at - one.claimed_at).total_seconds()),
            str(one.task_uuid),
            plain(one.step),
            str(one.attempt),
            plain(f"{one.namespace}/{one.template} {one.version}"),
            plain(one.handler),
        )
    console().print(table)
