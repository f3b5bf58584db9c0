"""Bulk operations that were sent from here: followed until they end, whatever is shown meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from engine.client import ApiError
from engine.model.bulk import BulkState
from tasker_tui.keymap import with_keys
from tasker_tui.text import count, printable
from tasker_tui.trouble import CALL_FAILURES, explain

if TYPE_CHECKING:
    from textual.app import App

    from engine.model.wire.bulk import BulkOperation
    from tasker_tui.services import Services

LOOK_SECONDS = 1.0


class SentBulk:
    """Those that run. `shown` is the one whose progress is on the screen: it is followed there."""

    def __init__(self) -> None:
        self.running: dict[UUID, BulkOperation] = {}
        self.shown: UUID | None = None
        self.begun = asyncio.Event()

    def begin(self, operation: BulkOperation) -> None:
        """It was sent, or resumed, from here."""
        self.running[operation.bulk_uuid] = operation
        self.begun.set()

    def learn(self, operation: BulkOperation) -> bool:
        """How far one is now; True if it was followed and has ended."""
        if operation.bulk_uuid not in self.running:
            return False
        self.running[operation.bulk_uuid] = operation
        ended = operation.state is not BulkState.RUNNING
        if ended:
            self.forget(operation.bulk_uuid)
        return ended

    def forget(self, bulk_uuid: UUID) -> None:
        """Follow it no longer."""
        self.running.pop(bulk_uuid, None)

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many items are done with, of how many; None where nothing runs."""
        items = sum(one.items for one in self.running.values())
        return (items - sum(one.remaining for one in self.running.values()), items) if items else None


async def follow_sent(app: App[None], services: Services) -> None:
    """Look at them once a second, keep the header's figures, and tell how those ended that are not shown."""
    sent = services.sent
    while True:
        await sent.begun.wait()
        for uuid in [uuid for uuid in sent.running if uuid != sent.shown]:
            await _look(app, services, uuid)
        services.link = replace(services.link, bulk=sent.progress)
        if not sent.running:
            sent.begun.clear()
        await services.clock.sleep(LOOK_SECONDS)


async def _look(app: App[None], services: Services, uuid: UUID) -> None:
    from engine.client import bulk  # nearly no dashboard sends one before its first rows

    try:
        found = await services.client.send(bulk.get(uuid))
    except CALL_FAILURES as error:
        if isinstance(error, ApiError) and error.status == 404:
            services.sent.forget(uuid)
            app.notify(explain(error), severity="warning", markup=False)
        return
    if services.sent.learn(found):
        well = found.state is BulkState.COMPLETE and not found.failed
        more = "" if well else with_keys(app, "\n{app.go_bulk} shows it")
        app.notify(
            f"{how_it_ended(found)}{more}", severity="information" if well else "warning", markup=False
        )


def how_it_ended(one: BulkOperation) -> str:
    """In words: `retry is complete: 409 of 412 done, 3 failed`."""
    verb = one.verb.replace("_", " ")
    if one.state is BulkState.COMPLETE:
        return f"{verb} is complete: {how_far(one)}"
    by, at = (
        printable(one.stopped_by or "somebody"),
        f"{count(one.items - one.remaining)} of {count(one.items)}",
    )
    return f"{verb} was stopped by {by} at {at}: {printable(one.stop_reason or 'no reason was given')}"


def how_far(one: BulkOperation) -> str:
    """In figures: `409 of 412 done, 2 skipped, 1 failed`."""
    more = ((one.skipped, "skipped"), (one.failed, "failed"), (one.remaining, "to go"))
    parts = [f"{count(number)} {word}" for number, word in more if number]
    return ", ".join([f"{count(one.done)} of {count(one.items)} done", *parts])
