"""What `tasker bulk …` does: select, show, ask, begin, and follow it to its end."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from engine.client import TaskerClient, bulk
from engine.model.problems import field_problems
from engine.model.wire.bulk import (
    BulkDetail,
    BulkFilter,
    BulkOperation,
    BulkOutcome,
    BulkState,
    BulkVerb,
)
from tasker_tui.cli import bulk_views as views
from tasker_tui.cli.console import console, print_json
from tasker_tui.cli.errors import FAILED, INTERRUPTED, USAGE, CommandError
from tasker_tui.cli.inputs import read_object
from tasker_tui.cli.session import converse

LOOK_SECONDS = 0.25
AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
OPTIONS = {"states": "state", "step_states": "step-state", "signatures": "signature", "task_uuids": "task"}


@dataclass(frozen=True, slots=True)
class How:
    """The options that say how an operation is begun and followed."""

    url: str
    rate: float | None
    reason: str
    by: str
    yes: bool
    detach: bool
    as_json: bool


def act(verb: str, wanted: dict[str, Any], result: str | None, how: How, *, dry_run: bool) -> int:
    """Select, show and, unless it is a dry run, ask and do it; returns the exit code."""
    if verb == BulkVerb.COMPLETE and result is None:
        raise CommandError("complete needs --result", "or skip the steps, which needs none", USAGE)
    given = None if result is None else read_object("--result", result)
    asked = bulk.preview(BulkVerb(verb), _filter(wanted), result=given)
    selected = converse(how.url, lambda client: client.send(asked))
    if dry_run and how.as_json:
        print_json(selected)
        return 0
    if not how.as_json:
        console().print(views.preview(selected))
    if dry_run and selected.items:
        console().print(
            f"nothing is done yet; within 15 minutes: tasker bulk run {selected.bulk_uuid}", markup=False
        )
    if dry_run or not selected.items:
        return _nothing(selected, how) if not dry_run else 0
    return _ask_and_run(selected, how)


def run_selected(operation: str, how: How) -> int:
    """Ask, and do what was selected before."""
    call = bulk.get(_id(operation))
    selected = converse(how.url, lambda client: client.send(call))
    if selected.state is not BulkState.PREVIEWED:
        return _follow_to_end(selected, how)
    if not how.as_json:
        console().print(views.preview(selected))
    return _ask_and_run(selected, how)


def resume(operation: str, how: How) -> int:
    """Let a stopped operation go on, and follow it."""
    call = bulk.resume(_id(operation), reason=how.reason, actor=how.by)
    return _follow_to_end(converse(how.url, lambda client: client.send(call)).operation, how)


def stop(url: str, operation: str, *, reason: str, by: str, as_json: bool) -> None:
    """Stop an operation, and say how far it got."""
    call = bulk.stop(_id(operation), reason=reason, actor=by)
    answer = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(answer)
        return
    about = answer.operation
    said = "stopped" if answer.changed else f"did not run: it is {about.state}"
    console().print(f"{about.bulk_uuid} {said}; {views.progress(about)}", markup=False)


def show(url: str, operation: str, *, as_json: bool) -> None:
    """Everything about one operation."""
    call = bulk.get(_id(operation))
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    else:
        console().print(views.detail(found))


def list_operations(url: str, limit: int, *, as_json: bool) -> None:
    """Those that were run."""
    found = converse(url, lambda client: client.send(bulk.list_operations(limit=limit)))
    if as_json:
        print_json(found)
    elif not found.operations:
        console().print("there is no bulk operation; `tasker bulk retry --help` says how to begin one")
    else:
        console().print(views.operations(found))


def list_items(
    url: str, operation: str, *, outcome: str | None, after: int, limit: int, as_json: bool
) -> None:
    """A page of its items."""
    if outcome is not None and outcome not in {one.value for one in BulkOutcome}:
        raise CommandError(
            f"--outcome: there is no {outcome!r}", f"known are {', '.join(BulkOutcome)}", USAGE
        )
    call = bulk.list_items(_id(operation), after=after, outcome=outcome, limit=limit)
    found = converse(url, lambda client: client.send(call))
    if as_json:
        print_json(found)
    elif not found.items:
        console().print("there is no such item; without --outcome all are listed")
    else:
        console().print(views.items(found))


def _nothing(selected: BulkDetail, how: How) -> int:
    if how.as_json:
        print_json(selected)
    return 0


def _ask_and_run(selected: BulkDetail, how: How) -> int:
    if not how.yes:
        _ask(selected)
    call = bulk.run(selected.bulk_uuid, reason=how.reason, actor=how.by, rate=how.rate)
    return _follow_to_end(converse(how.url, lambda client: client.send(call)).operation, how)


def _ask(selected: BulkDetail) -> None:
    """Raises CommandError unless the number of items is typed."""
    print(f"type {selected.items} to {views.aim(selected)}: ", end="", file=sys.stderr, flush=True)
    typed = sys.stdin.readline().strip().replace(",", "")
    if typed != str(selected.items):
        raise CommandError(
            "not confirmed: nothing was done", f"type {selected.items}, or give --yes to not be asked"
        )


def _follow_to_end(operation: BulkOperation, how: How) -> int:
    if how.detach:
        _say(operation, how)
        return 0
    try:
        operation = converse(how.url, lambda client: _follow(client, operation, quiet=how.as_json))
    except KeyboardInterrupt:
        uuid = operation.bulk_uuid
        print(f"\nit goes on; `tasker bulk stop {uuid}` stops it", file=sys.stderr)
        return INTERRUPTED
    _say(operation, how)
    return 0 if operation.state is BulkState.COMPLETE and not operation.failed else FAILED


async def _follow(client: TaskerClient, operation: BulkOperation, *, quiet: bool) -> BulkOperation:
    with views.bar(operation, shown=sys.stdout.isatty() and not quiet) as update:
        while operation.state is BulkState.RUNNING:
            await asyncio.sleep(LOOK_SECONDS)
            operation = await _look(client, operation.bulk_uuid)
            update(operation)
    return operation


async def _look(client: TaskerClient, bulk_uuid: UUID) -> BulkOperation:
    return await client.send(bulk.get(bulk_uuid))


def _say(operation: BulkOperation, how: How) -> None:
    if how.as_json:
        print_json(BulkOperation.model_validate(operation.model_dump()))
        return
    out = console()
    out.print(f"{operation.bulk_uuid} is {operation.state}: {views.progress(operation)}", markup=False)
    if operation.failed or operation.skipped:
        outcome = BulkOutcome.FAILED if operation.failed else BulkOutcome.SKIPPED
        out.print(f"  why: tasker bulk items {operation.bulk_uuid} --outcome {outcome}", markup=False)
    elif operation.state is BulkState.RUNNING:
        out.print(f"  how far: tasker bulk show {operation.bulk_uuid}", markup=False)
    elif operation.state is BulkState.STOPPED:
        out.print(f"  go on: tasker bulk resume {operation.bulk_uuid}", markup=False)


def _filter(wanted: dict[str, Any]) -> BulkFilter:
    given = {name: value for name, value in wanted.items() if value}
    for name in given:
        if name.endswith(("_since", "_until")):
            given[name] = _time(f"--{name.replace('_', '-')}", given[name])
    try:
        return BulkFilter.model_validate(given)
    except ValidationError as error:
        problem = field_problems(error, BulkFilter)[0]
        if not problem.location:
            raise CommandError(
                "the filter is empty, and would select everything",
                "name --namespace, --template, --signature or --task, for example", USAGE,
            ) from None  # fmt: skip
        name = str(problem.location[0])
        option = OPTIONS.get(name, name.replace("_", "-"))
        hint = problem.hint or "the command's --help says more"
        raise CommandError(f"--{option}: {problem.message}", hint, USAGE) from None


def _time(option: str, given: str) -> datetime:
    """A time, or how long ago it was: `30m`."""
    if ago := AGO.fullmatch(given):
        return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: float(ago[1])})
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        hint = "write 2026-01-31T12:00 (UTC), or how long ago: 30m, 6h, 2d"
        raise CommandError(f"{option}: {given!r} is not a time", hint, USAGE) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _id(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise CommandError(
            f"{given!r} is not a bulk operation's id", "`tasker bulk list` shows ids", USAGE
        ) from None
