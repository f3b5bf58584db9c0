"""Random workflows with decisions and batches, and what their handlers may return.

Whatever is chosen is asked of a function `pick`, which answers a number below its argument: 0 is the plain
choice. So Hypothesis can find and shrink them, and a seed can make the same ones again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.support.workflows import step

Pick = Callable[[int], int]
Steps = list[dict[str, Any]]

KINDS = ("standard", "standard", "deferred_convergence", "decision", "batch")
STRATEGIES = ("continue_on_failure", "isolate", "fail_fast")
UNKNOWN = "nowhere"


def random_steps(pick: Pick, handler: str = "echo") -> Steps:
    """The steps of a template, at least two. A handler is told what it may return in its settings: `kind`,
    the `routes` of a decision, the `worker` of an analyzer."""
    steps: Steps = [_step(pick, "s0", "standard", [], handler)]
    for number in range(1, 3 + pick(6)):
        name, kind = f"s{number}", KINDS[pick(len(KINDS))]
        parents = _parents(pick, [one["name"] for one in steps], 1 + pick(3))
        if kind == "batch":
            worker = f"{name}_work"
            steps.append(_step(pick, name, "batchable", parents, handler, worker=worker))
            steps.append(_worker(pick, worker, name, handler))
        else:
            steps.append(_step(pick, name, kind, parents, handler))
    for one in steps:
        if one["type"] == "decision":
            one["handler"]["initialization"]["routes"] = _routes(steps, one["name"])
    return steps


def random_result(pick: Pick, settings: dict[str, Any]) -> dict[str, Any]:
    """What a handler with these settings returns; one time in sixteen a decision or an analyzer is wrong."""
    kind = settings["kind"]
    if kind not in ("decision", "batchable"):
        return {"kind": kind}
    wrong = pick(16) == 15
    if kind == "decision":
        routes = [route for route in settings["routes"] if pick(2) == 0]
        named = {"type": "create_steps", "step_names": [*routes, *([UNKNOWN] if wrong else [])]}
        return {"decision_point_outcome": named if routes or wrong else {"type": "no_branches"}}
    if count := pick(4):
        cursors = [
            {"batch_id": f"{n:03}", "start_cursor": n, "end_cursor": n + 1, "batch_size": 1}
            for n in range(1, count + 1)
        ]
        worker = UNKNOWN if wrong else settings["worker"]
        outcome = {"type": "create_batches", "worker_template_name": worker, "cursor_configs": cursors}
        return {"batch_processing_outcome": outcome}
    return {"batch_processing_outcome": {"type": "no_batches"}}


def _step(
    pick: Pick, name: str, kind: str, parents: Sequence[str], handler: str, **settings: Any
) -> dict[str, Any]:
    return step(
        name, *parents, handler=handler, type=kind, initialization={"kind": kind, **settings},
        retry={"max_attempts": 3 - pick(3)}, timeout_seconds="none",
    )  # fmt: skip


def _worker(pick: Pick, name: str, analyzer: str, handler: str) -> dict[str, Any]:
    config = {
        "worker_template": name,
        "parallelism": 3 - pick(3),
        "failure_strategy": STRATEGIES[pick(len(STRATEGIES))],
    }
    return {**_step(pick, name, "batch_worker", [analyzer], handler), "batch_config": config}


def _parents(pick: Pick, earlier: Sequence[str], count: int) -> list[str]:
    """Some earlier steps, rather late ones."""
    found = {earlier[-1 - pick(min(len(earlier), 5))] for _ in range(count)}
    return sorted(found, key=earlier.index)


def _routes(steps: Steps, decision: str) -> list[str]:
    """What comes after a decision, but for the workers of batches, which come by their analyzers."""
    below = {decision}
    for one in steps:
        if below.intersection(one["dependencies"]):
            below.add(one["name"])
    below.remove(decision)
    return [one["name"] for one in steps if one["name"] in below and one["type"] != "batch_worker"]
