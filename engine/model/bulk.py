"""What operators do to many items at once, and how far it is."""

from __future__ import annotations

from enum import StrEnum


class BulkVerb(StrEnum):
    """What is done to each item: to a step, from `retry_task` on to a task."""

    RETRY = "retry"
    RETRY_DOWNSTREAM = "retry_downstream"
    SKIP = "skip"
    RESOLVE = "resolve"
    COMPLETE = "complete"
    RETRY_TASK = "retry_task"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"

    @property
    def takes_steps(self) -> bool:
        """Whether an item is a step."""
        return self not in (BulkVerb.RETRY_TASK, BulkVerb.CANCEL, BulkVerb.PAUSE, BulkVerb.RESUME)

    @property
    def takes_result(self) -> bool:
        """Whether its steps may be given a result."""
        return self in (BulkVerb.SKIP, BulkVerb.COMPLETE)


class BulkState(StrEnum):
    """Where a bulk operation is."""

    PREVIEWED = "previewed"
    RUNNING = "running"
    STOPPED = "stopped"
    COMPLETE = "complete"
