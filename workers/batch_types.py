"""The data of batch processing: cursors, outcomes, aggregation (reference 8.1).

A cursor is the range [start, end) of items. The analyzer's outcome stands in its result under
`batch_processing_outcome`: `{"type": "no_batches"}` or `{"type": "create_batches", "worker_template_name",
"worker_count", "cursor_configs": [{"batch_id", "start_cursor", "end_cursor", "batch_size"}], "total_items"}`.
A worker instance finds `cursor`, `batch_metadata` and `is_no_op` in its `step_inputs`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from workers.context import StepContext
from workers.results import StepHandlerResult

OUTCOME_KEY = "batch_processing_outcome"


class FailureStrategy(StrEnum):
    """What a failed batch means for the others."""

    CONTINUE_ON_FAILURE = "continue_on_failure"
    FAIL_FAST = "fail_fast"
    ISOLATE = "isolate"


@dataclass(slots=True)
class CursorConfig:
    """The items [start_cursor, end_cursor), taken `step_size` at a time."""

    start_cursor: int
    end_cursor: int
    step_size: int = 1
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class BatchCursor:
    """A cursor as it is stored: with the id of its batch, `001` and on."""

    batch_id: str
    start_cursor: int
    end_cursor: int
    batch_size: int


RustCursorConfig = BatchCursor


@dataclass(slots=True)
class NoBatchesOutcome:
    """There is nothing to do."""

    def to_dict(self) -> dict[str, Any]:
        """The stored shape."""
        return {"type": "no_batches"}

    def __step_result__(self) -> StepHandlerResult:
        return StepHandlerResult.success({OUTCOME_KEY: self.to_dict()})


@dataclass(slots=True)
class CreateBatchesOutcome:
    """One instance of the step `worker_template_name` for each cursor."""

    worker_template_name: str
    worker_count: int
    cursor_configs: list[BatchCursor]
    total_items: int

    def to_dict(self) -> dict[str, Any]:
        """The stored shape."""
        return {"type": "create_batches", **asdict(self)}

    def __step_result__(self) -> StepHandlerResult:
        return StepHandlerResult.success({OUTCOME_KEY: self.to_dict()})


def no_batches() -> NoBatchesOutcome:
    """Say that there is nothing to do."""
    return NoBatchesOutcome()


def create_batches(
    worker_template_name: str, worker_count: int, cursor_configs: list[BatchCursor], total_items: int
) -> CreateBatchesOutcome:
    """Say which batches to make. Raises `ValueError` if the count is not that of the cursors."""
    if worker_count != len(cursor_configs):
        raise ValueError(f"{worker_count} workers for {len(cursor_configs)} cursors; there is one for each")
    return CreateBatchesOutcome(worker_template_name, worker_count, cursor_configs, total_items)


@dataclass(slots=True)
class BatchAnalyzerOutcome:
    """What an analyzer found: the cursors, and what all workers should know."""

    cursor_configs: list[CursorConfig] = field(default_factory=list)
    total_items: int | None = None
    batch_metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_ranges(
        cls,
        ranges: list[tuple[int, int]],
        step_size: int = 1,
        total_items: int | None = None,
        batch_metadata: dict[str, Any] | None = None,
    ) -> BatchAnalyzerOutcome:
        """Make a cursor of each [start, end); the total is their sum unless given."""
        cursors = [CursorConfig(start, end, step_size) for start, end in ranges]
        total = sum(end - start for start, end in ranges) if total_items is None else total_items
        return cls(cursors, total, batch_metadata or {})


@dataclass(slots=True)
class BatchWorkerOutcome:
    """What a worker did with its items."""

    items_processed: int = 0
    items_succeeded: int = 0
    items_failed: int = 0
    items_skipped: int = 0
    results: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    last_cursor: int | None = None
    batch_metadata: dict[str, Any] = field(default_factory=dict)

    def __step_result__(self) -> StepHandlerResult:
        return StepHandlerResult.success(asdict(self))


@dataclass(slots=True)
class BatchWorkerInputs:
    """The inputs of a worker's instance as they are stored."""

    batch_id: str
    cursor: CursorConfig
    batch_metadata: dict[str, Any] = field(default_factory=dict)
    is_no_op: bool = False

    @classmethod
    def from_step_inputs(cls, step_inputs: dict[str, Any]) -> BatchWorkerInputs | None:
        """Read an instance's inputs; `None` if they are no batch's."""
        found = step_inputs.get("cursor")
        if not isinstance(found, dict):
            return None
        cursor: dict[str, Any] = found
        return cls(
            str(cursor.get("batch_id", "")),
            CursorConfig(
                cursor.get("start_cursor", cursor.get("start", 0)),
                cursor.get("end_cursor", cursor.get("end", 0)),
                cursor.get("step_size", 1),
                cursor.get("metadata") or {},
            ),
            step_inputs.get("batch_metadata") or {},
            bool(step_inputs.get("is_no_op", False)),
        )


@dataclass(slots=True)
class BatchWorkerContext:
    """A worker's share, and where an earlier yield stopped. `batch_index` counts from 0."""

    batch_id: str
    cursor_config: CursorConfig
    batch_index: int
    total_batches: int
    batch_metadata: dict[str, Any] = field(default_factory=dict)
    checkpoint: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_step_context(cls, step_context: StepContext) -> BatchWorkerContext | None:
        """Read a worker's share from its step; `None` if the step is no batch."""
        inputs = BatchWorkerInputs.from_step_inputs(step_context.step_inputs)
        if inputs is None:
            return None
        number = int(inputs.batch_id) if inputs.batch_id.isdigit() else 1
        return cls(
            inputs.batch_id,
            inputs.cursor,
            step_context.step_inputs.get("batch_index", max(number - 1, 0)),
            step_context.step_inputs.get("total_batches", max(number, 1)),
            inputs.batch_metadata,
            step_context.checkpoint or {},
        )

    @property
    def start_cursor(self) -> int:
        """The first item."""
        return self.cursor_config.start_cursor

    @property
    def end_cursor(self) -> int:
        """The item after the last."""
        return self.cursor_config.end_cursor

    @property
    def step_size(self) -> int:
        """How many items to take at a time."""
        return self.cursor_config.step_size

    @property
    def checkpoint_cursor(self) -> int | str | dict[str, Any] | None:
        """Where the last yield stopped."""
        cursor: int | str | dict[str, Any] | None = self.checkpoint.get("cursor")
        return cursor

    @property
    def accumulated_results(self) -> dict[str, Any] | None:
        """What the last yield had gathered."""
        return self.checkpoint.get("accumulated_results")

    @property
    def checkpoint_items_processed(self) -> int:
        """How many items were done at the last yield."""
        return int(self.checkpoint.get("items_processed") or 0)

    def has_checkpoint(self) -> bool:
        """Say whether an earlier yield left something to go on from."""
        return self.checkpoint_cursor is not None


def cursor_ranges(
    total_items: int, batch_size: int, step_size: int = 1, max_batches: int | None = None
) -> list[CursorConfig]:
    """Cut [0, total_items) into cursors of `batch_size`, larger ones if there would be over `max_batches`.

    Raises `ValueError` for a size or a limit below 1, or fewer than no items.
    """
    if batch_size < 1 or total_items < 0 or (max_batches is not None and max_batches < 1):
        raise ValueError(
            f"cannot cut {total_items} items into batches of {batch_size} (at most {max_batches}): "
            "the size and the limit are at least 1"
        )
    if max_batches is not None:
        batch_size = max(batch_size, -(-total_items // max_batches))
    starts = range(0, total_items, batch_size)
    return [CursorConfig(start, min(start + batch_size, total_items), step_size) for start in starts]


def batches_of(
    cursors: list[CursorConfig], worker_template: str, total_items: int | None
) -> NoBatchesOutcome | CreateBatchesOutcome:
    """Number the cursors from `001` on; no cursors are `no_batches`."""
    if not cursors:
        return NoBatchesOutcome()
    numbered = [
        BatchCursor(f"{number:03d}", item.start_cursor, item.end_cursor, item.end_cursor - item.start_cursor)
        for number, item in enumerate(cursors, 1)
    ]
    total = sum(item.batch_size for item in numbered) if total_items is None else total_items
    return CreateBatchesOutcome(worker_template, len(numbered), numbered, total)


def analysis_result(
    total_items: int, batch_size: int, worker_template: str, batch_metadata: dict[str, Any]
) -> StepHandlerResult:
    """The result of an analyzer that counted its items."""
    cursors = cursor_ranges(total_items, batch_size)
    outcome = batches_of(cursors, worker_template, total_items)
    return StepHandlerResult.success(
        {OUTCOME_KEY: outcome.to_dict(), "total_items": total_items, "batch_metadata": batch_metadata}
    )


def no_op_result(context: StepContext) -> StepHandlerResult | None:
    """The result of the placeholder that stands for *no batches*; `None` for an instance with work to do."""
    inputs = BatchWorkerInputs.from_step_inputs(context.step_inputs)
    if inputs is None or not inputs.is_no_op:
        return None
    return StepHandlerResult.success({"batch_id": inputs.batch_id, "no_op": True, "items_processed": 0})
