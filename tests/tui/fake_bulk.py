"""One bulk operation, as the server would answer it from memory."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine.client.calls import Call
from engine.model.wire.base import WireModel
from engine.model.wire.bulk import (
    BulkAnswer,
    BulkDetail,
    BulkPlace,
    BulkPreview,
    BulkPreviewRequest,
    BulkRunRequest,
    BulkRuns,
    BulkState,
)

TOKEN = UUID(int=0xB1)


class FakeBulk:
    """Selects `items` steps."""

    def __init__(self, clock: Any, items: int = 3) -> None:
        self.items = items
        self.asked: BulkPreviewRequest | None = None
        self.run: BulkRunRequest | None = None
        self._clock = clock
        self._done = 0
        self._state = BulkState.PREVIEWED

    def finish(self) -> None:
        """All of it is done."""
        self._done, self._state = self.items, BulkState.COMPLETE

    def answer(self, call: Call[Any]) -> WireModel:
        what = call.path.rsplit("/", 1)[1]
        if what == "preview":
            self.asked = BulkPreviewRequest.model_validate_json(call.content or b"")
        elif what == "run":
            self.run = BulkRunRequest.model_validate_json(call.content or b"")
            self._state = BulkState.RUNNING
        elif what == "stop":
            self._state = BulkState.STOPPED
        detail = self._detail()
        return detail if what in ("preview", str(TOKEN)) else BulkAnswer(
            changed=True, dry_run=False, operation=detail
        )  # fmt: skip

    def _detail(self) -> BulkDetail:
        assert self.asked is not None
        now, run = self._clock.now(), self.run
        place = {"namespace": "example", "template": "order_fulfillment", "version": "1.0.0"}
        return BulkDetail(
            bulk_uuid=TOKEN, verb=self.asked.verb, filter={}, state=self._state, items=self.items,
            done=self._done, skipped=0, failed=0, remaining=self.items - self._done,
            rate=run.rate if run else None, items_per_second=None, eta_seconds=None,
            actor=run.actor if run else None, reason=run.reason if run else None, created_at=now,
            expires_at=now, started_at=None, stopped_at=None, stopped_by=None, stop_reason=None,
            finished_at=None,
            preview=BulkPreview(
                tasks=self.items, steps=self.items, running=0, left_out=0, task_states=[],
                places=[BulkPlace(**place, step="charge_card", state="error", items=self.items)],
                will_run=[BulkRuns(**place, step="charge_card", steps=self.items, idempotent=False,
                                   unknown_outcome=1)],
                sample=[],
            ),
        )  # fmt: skip
