"""Everything that a run of the bench found, and how programs read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from tasker_tui.bench.baseline import Baseline
from tasker_tui.bench.comparison import HeldSnapshot, ThroughRabbit, WithHistory
from tasker_tui.bench.creating import Creating
from tasker_tui.bench.functions import FunctionTime
from tasker_tui.bench.latency import Latency
from tasker_tui.bench.machine import Machine
from tasker_tui.bench.processes import Usage
from tasker_tui.bench.starting import Starting
from tasker_tui.bench.statistics import Repeated
from tasker_tui.bench.waiting import Waiting
from tasker_tui.bench.written import Written

DIGITS = 3


@dataclass(frozen=True, slots=True)
class HandlerFigures:
    """Runs of one template; `usage` and `cpu_ms_per_task` (by process) are of the run in the middle."""

    template: str
    tasks_per_s: Repeated
    usage: dict[str, Usage]
    cpu_ms_per_task: dict[str, float]
    written: Written


@dataclass(slots=True)
class Report:
    """What was measured; None was not asked for."""

    version: str
    shape: str
    tasks: int
    machine: Machine
    settings: dict[str, str]
    baseline: Baseline
    latency: Latency
    create_alone: Creating
    create_together: Creating
    throughput: dict[str, HandlerFigures] = field(default_factory=dict)
    functions_idle: list[FunctionTime] | None = None
    functions_loaded: list[FunctionTime] | None = None
    history: WithHistory | None = None
    held_snapshot: HeldSnapshot | None = None
    rabbitmq: ThroughRabbit | None = None
    waiting: Waiting | None = None
    starting: Starting | None = None

    @property
    def headline(self) -> HandlerFigures:
        """The figures of `async def` handlers, or of the only ones that were measured."""
        return self.throughput.get("async") or next(iter(self.throughput.values()))

    def to_json(self) -> str:
        """The report for programs, with the figures that everybody compares at the top."""
        whole: dict[str, Any] = orjson.loads(orjson.dumps(self))
        speed = self.headline.tasks_per_s.median
        top = {
            "throughput_tasks_per_s": speed,
            "latency_ms": whole["latency"]["seen"],
            "create_ms": whole["create_alone"]["answers"],
            "throughput_per_baseline_commit": speed / self.baseline.commits_per_s_8,
        }
        return orjson.dumps(rounded(top | whole), option=orjson.OPT_INDENT_2).decode()


def rounded(value: Any) -> Any:
    """The same JSON with figures that people can read."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value
