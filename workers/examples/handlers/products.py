"""A file in batches: one step counts its lines, as many as are needed work on them, one adds up."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from workers import (
    BatchConfig,
    BatchWorkerContext,
    StepContext,
    batch_analyzer,
    batch_worker,
    step_handler,
)

PRODUCTS = Path(__file__).parent.parent / "data" / "products.csv"
DEFAULT_BATCH_SIZE = 200


@batch_analyzer("example.products.analyze", worker_template="process_products")
def analyze(context: StepContext) -> BatchConfig:
    """Count what there is; without a line there are no batches."""
    with PRODUCTS.open(encoding="utf-8", newline="") as file:
        lines = sum(1 for _ in csv.DictReader(file))
    wanted = context.get_input_or("rows", lines)
    size = context.get_input_or("batch_size", DEFAULT_BATCH_SIZE)
    return BatchConfig(min(wanted, lines), size, {"file": PRODUCTS.name})


@batch_worker("example.products.process")
def process(batch_context: BatchWorkerContext) -> dict[str, Any]:
    """Value the stock of a batch's lines."""
    with PRODUCTS.open(encoding="utf-8", newline="") as file:
        lines = list(islice(csv.DictReader(file), batch_context.start_cursor, batch_context.end_cursor))
    cents: Counter[str] = Counter()
    for line in lines:
        cents[line["category"]] += round(float(line["unit_price"]) * 100) * int(line["on_hand"])
    return {"items_processed": len(lines), "value_cents": dict(cents)}


@step_handler("example.products.aggregate")
def aggregate(context: StepContext) -> dict[str, Any]:
    batches = context.get_all_dependency_results("process_products_")
    cents: Counter[str] = Counter()
    for batch in batches:
        cents.update(batch.get("value_cents", {}))
    return {
        "total_processed": sum(batch["items_processed"] for batch in batches),
        "worker_count": sum(1 for batch in batches if not batch.get("no_op")),
        "inventory_value_cents": cents.total(),
        "value_cents_by_category": dict(sorted(cents.items())),
    }
