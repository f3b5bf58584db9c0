"""A small pipeline over real files: read CSV and JSON, clean them, join them, say what is in them.

Each task has a folder of its own below the user's cache, so that a step which is run again finds what the
steps above it wrote; folders of runs that are over a day old are removed.
"""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import platformdirs

from workers import StepContext, depends_on, step_handler

SOURCES = Path(__file__).parent.parent / "data"
KEPT_SECONDS = 24 * 60 * 60

Row = dict[str, Any]


@step_handler("example.etl.extract_sales")
def extract_sales(context: StepContext) -> Row:
    return _extracted(context, "sales", _read_csv(SOURCES / "sales.csv"))


@step_handler("example.etl.extract_inventory")
def extract_inventory(context: StepContext) -> Row:
    return _extracted(context, "inventory", _read_csv(SOURCES / "inventory.csv"))


@step_handler("example.etl.extract_customers")
def extract_customers(context: StepContext) -> Row:
    return _extracted(context, "customers", json.loads((SOURCES / "customers.json").read_text("utf-8")))


@step_handler("example.etl.transform_sales")
@depends_on(extracted="extract_sales")
def transform_sales(extracted: Row, context: StepContext) -> Row:
    """Numbers for texts; lines that were entered twice or sell nothing are dropped."""
    lines = {row["order_id"]: row for row in _read_json(extracted["file"]) if int(row["quantity"]) > 0}
    cleaned = [
        {**row, "quantity": int(row["quantity"]), "cents": round(float(row["unit_price"]) * 100)}
        for row in lines.values()
    ]
    return _transformed(context, "sales", cleaned, dropped=extracted["rows"] - len(cleaned))


@step_handler("example.etl.transform_inventory")
@depends_on(extracted="extract_inventory")
def transform_inventory(extracted: Row, context: StepContext) -> Row:
    """One line an article, the stock of all warehouses together."""
    stock: dict[str, int] = defaultdict(int)
    for row in _read_json(extracted["file"]):
        stock[row["sku"]] += int(row["on_hand"])
    cleaned = [{"sku": sku, "on_hand": on_hand} for sku, on_hand in sorted(stock.items())]
    return _transformed(context, "inventory", cleaned, dropped=extracted["rows"] - len(cleaned))


@step_handler("example.etl.transform_customers")
@depends_on(extracted="extract_customers")
def transform_customers(extracted: Row, context: StepContext) -> Row:
    """Regions as one writes them."""
    cleaned = [{**row, "region": row["region"].strip().title()} for row in _read_json(extracted["file"])]
    return _transformed(context, "customers", cleaned, dropped=extracted["rows"] - len(cleaned))


@step_handler("example.etl.aggregate")
@depends_on(sales="transform_sales", inventory="transform_inventory", customers="transform_customers")
def aggregate(sales: Row, inventory: Row, customers: Row, context: StepContext) -> Row:
    """Join the three: revenue by region and by article, and how much of an article is left."""
    regions = {row["customer_id"]: row["region"] for row in _read_csv(Path(customers["file"]))}
    stock = {row["sku"]: int(row["on_hand"]) for row in _read_csv(Path(inventory["file"]))}
    by_region: dict[str, int] = defaultdict(int)
    sold: dict[str, int] = defaultdict(int)
    revenue: dict[str, int] = defaultdict(int)
    for row in _read_csv(Path(sales["file"])):
        cents = int(row["quantity"]) * int(row["cents"])
        by_region[regions.get(row["customer_id"], "Unknown")] += cents
        sold[row["sku"]] += int(row["quantity"])
        revenue[row["sku"]] += cents
    summary = {
        "orders": sales["rows"],
        "revenue_cents": sum(by_region.values()),
        "revenue_cents_by_region": dict(sorted(by_region.items())),
        "revenue_cents_by_article": dict(sorted(revenue.items())),
        "left_by_article": {sku: stock.get(sku, 0) - count for sku, count in sorted(sold.items())},
    }
    return {**summary, "file": str(_write_json(_folder(context) / "summary.json", summary))}


@step_handler("example.etl.insights")
@depends_on(summary="aggregate_metrics")
def insights(summary: Row, context: StepContext) -> Row:
    """Say in sentences what the figures say."""
    threshold = context.get_input_or("low_stock_threshold", 10)
    region, cents = max(summary["revenue_cents_by_region"].items(), key=lambda item: item[1])
    article = max(summary["revenue_cents_by_article"].items(), key=lambda item: item[1])[0]
    low = [sku for sku, left in summary["left_by_article"].items() if left < threshold]
    report = {
        "headline": f"{summary['orders']} orders brought {summary['revenue_cents'] / 100:.2f}",
        "best_region": f"{region}, {cents * 100 // summary['revenue_cents']} % of the revenue",
        "best_article": article,
        "reorder": low,
    }
    return {**report, "file": str(_write_json(_folder(context) / "report.json", report))}


def _extracted(context: StepContext, name: str, rows: list[Row]) -> Row:
    path = _write_json(_folder(context) / f"raw_{name}.json", rows)
    return {"source": name, "rows": len(rows), "file": str(path)}


def _transformed(context: StepContext, name: str, rows: list[Row], dropped: int) -> Row:
    path = _folder(context) / f"clean_{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return {"source": name, "rows": len(rows), "dropped": dropped, "file": str(path)}


def _folder(context: StepContext) -> Path:
    runs = platformdirs.user_cache_path("tasker") / "examples" / "etl"
    folder = runs / str(context.task_uuid)
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _remove_old_runs(runs)
    return folder


def _remove_old_runs(runs: Path) -> None:
    oldest = time.time() - KEPT_SECONDS
    for run in runs.iterdir():
        if run.stat().st_mtime < oldest:
            shutil.rmtree(run, ignore_errors=True)


def _read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read_json(path: str) -> list[Row]:
    rows: list[Row] = json.loads(Path(path).read_text("utf-8"))
    return rows


def _write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, indent=2), "utf-8")
    return path
