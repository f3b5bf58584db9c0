"""One bulk operation, and what is left of older ones, as the server would answer them from memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from engine.client import ApiError
from engine.client.calls import Call
from engine.model.wire.base import WireModel
from engine.model.wire.bulk import (
    BulkAnswer,
    BulkChangeRequest,
    BulkDetail,
    BulkList,
    BulkOperation,
    BulkPlace,
    BulkPreview,
    BulkPreviewRequest,
    BulkRunRequest,
    BulkRuns,
    BulkSample,
    BulkState,
    BulkStateCount,
    BulkVerb,
)

TOKEN = UUID(int=0xB1)


class FakeBulk:
    """Selects `items` steps."""

    def __init__(self, clock: Any, items: int = 3) -> None:
        self.items = items
        self.asked: BulkPreviewRequest | None = None
        self.run: BulkRunRequest | None = None
        self.past: list[BulkOperation] = []
        self._clock = clock
        self._done, self._gone = 0, False
        self._state = BulkState.PREVIEWED
        self._stopped: BulkChangeRequest | None = None

    def move(self, done: int) -> None:
        """So much is done."""
        self._done = done

    def finish(self) -> None:
        """All of it is done."""
        self._done, self._state = self.items, BulkState.COMPLETE

    def stop(self, by: str, reason: str) -> None:
        """Somebody stops it."""
        self._state, self._stopped = BulkState.STOPPED, BulkChangeRequest(reason=reason, actor=by)

    def forget(self) -> None:
        """It is there no longer."""
        self._gone = True

    def remember(self, verb: BulkVerb, state: BulkState, minutes: float, **fields: Any) -> None:
        """There was another one before."""
        at = self._clock.now() - timedelta(minutes=minutes)
        number = UUID(int=TOKEN.int + 1 + len(self.past))
        known = {"verb": verb, "state": state, "bulk_uuid": number, "created_at": at, "started_at": at}
        self.past.append(_operation(at, 1_000).model_copy(update=known | fields))

    def answer(self, call: Call[Any]) -> WireModel:
        what = call.path.rsplit("/", 1)[1]
        if what == "bulk":
            ours = [self._detail()] if self.run else []
            return BulkList(operations=[BulkOperation.model_validate(one.model_dump()) for one in
                                        (*ours, *self.past)])  # fmt: skip
        if what == "preview":
            self.asked = BulkPreviewRequest.model_validate_json(call.content or b"")
        elif what == "run":
            self.run = BulkRunRequest.model_validate_json(call.content or b"")
            self._state = BulkState.RUNNING
        elif what == "stop":
            asked = BulkChangeRequest.model_validate_json(call.content or b"")
            self.stop(asked.actor, asked.reason)
        elif what == "resume":
            self._state, self._stopped = BulkState.RUNNING, None
        elif found := next((one for one in self.past if str(one.bulk_uuid) == what), None):
            return BulkDetail(**found.model_dump(), preview=_preview(found.items))
        elif self._gone or what != str(TOKEN):
            raise ApiError(404, "NOT_FOUND", f"there is no bulk operation {what}", {})
        detail = self._detail()
        return detail if what in ("preview", str(TOKEN)) else BulkAnswer(
            changed=True, dry_run=False, operation=detail
        )  # fmt: skip

    def _detail(self) -> BulkDetail:
        assert self.asked is not None
        run, stopped, now = self.run, self._stopped, self._clock.now()
        wanted = self.asked.filter.model_dump(mode="json", exclude_defaults=True)
        known = _operation(now, self.items).model_dump() | {
            "verb": self.asked.verb, "filter": wanted, "state": self._state, "done": self._done,
            "remaining": self.items - self._done, "rate": run.rate if run else None,
            "items_per_second": run.rate if run else None, "eta_seconds": 0.6 if run else None,
            "started_at": now if run else None, "stopped_at": now if stopped else None,
            "actor": run.actor if run else None, "reason": run.reason if run else None,
            "stopped_by": stopped.actor if stopped else None,
            "stop_reason": stopped.reason if stopped else None,
        }  # fmt: skip
        return BulkDetail(**known, preview=_preview(self.items))


def _preview(items: int) -> BulkPreview:
    place = {"namespace": "example", "template": "order_fulfillment", "version": "1.0.0"}
    return BulkPreview(
        tasks=items, steps=items, running=0, left_out=0,
        task_states=[BulkStateCount(state="blocked_by_failures", tasks=items)],
        places=[BulkPlace(**place, step="charge_card", state="error", items=items)],
        will_run=[BulkRuns(**place, step="charge_card", steps=items, idempotent=False,
                           unknown_outcome=1)],
        sample=[BulkSample(task_uuid=TOKEN, step_uuid=TOKEN, step="charge_card", state="error",
                           message="CardDeclined: insufficient_funds")],
    )  # fmt: skip


def _operation(now: Any, items: int) -> BulkOperation:
    return BulkOperation(
        bulk_uuid=TOKEN, verb=BulkVerb.RETRY, filter={}, state=BulkState.COMPLETE, items=items, done=items,
        skipped=0, failed=0, remaining=0, rate=None, items_per_second=None, eta_seconds=None, actor="ben",
        reason=None, created_at=now, expires_at=now, started_at=None, stopped_at=None, stopped_by=None,
        stop_reason=None, finished_at=None,
    )  # fmt: skip
