"""The reference's end-to-end scenarios, one at a time, beside the figures that were published for them.

The workflows are the bundled examples, which have the reference's shapes and inputs (section 9).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from tasker_tui.bench.latency import Latency, Workload, measure_latency
from tasker_tui.bench.machine import Machine, this_machine
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.report import rounded
from tasker_tui.bench.tables import about, plain_table
from tasker_tui.bench.target import Target
from tasker_tui.bench.written import read_settings

EXAMPLES = "example"
SAMPLES = 200
PUBLISHED_ON = (
    "Apple M4 Pro with 12 cores, macOS, 2 orchestration and 8 worker processes, PostgreSQL and RabbitMQ, "
    "handlers in Rust, a look every 50 ms, 50 samples"
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`number` is the row in section 9 of the reference, `published_p50` the medians in ms of its two runs,
    `target_p99` what it aims at in ms."""

    number: int
    title: str
    workload: Workload
    published_p50: tuple[int, int]
    target_p99: int


def _example(template: str, steps: int, together: int = 1, **context: Any) -> Workload:
    return Workload(template, EXAMPLES, context, together, steps)


SCENARIOS = (
    Scenario(1, "linear", _example("linear_workflow", 4, even_number=6), (258, 255), 500),
    Scenario(2, "diamond", _example("diamond_workflow", 4, even_number=6), (200, 259), 500),
    Scenario(3, "complex DAG", _example("mixed_dag_workflow", 7, even_number=6), (382, 382), 800),
    Scenario(4, "tree", _example("tree_workflow", 8, even_number=6), (389, 426), 800),
    Scenario(5, "conditional, 4 of 6 steps", _example("approval_workflow", 4, amount=500), (251, 262), 500),
    Scenario(7, "two linear at once", _example("linear_workflow", 4, 2, even_number=6), (332, 384), 800),
    Scenario(
        12, "batch, 1,000 CSV rows, 5 workers", _example("csv_batch_workflow", 7, rows=1000, batch_size=200),
        (358, 368), 1000,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReferenceReport:
    """What was measured of each scenario, by its number."""

    version: str
    machine: Machine
    settings: Mapping[str, str]
    samples: int
    found: Mapping[int, Latency]

    def to_json(self) -> str:
        """The report for programs."""
        scenarios = [
            {
                "number": one.number,
                "title": one.title,
                "template": one.workload.template,
                "steps": one.workload.steps,
                "latency_ms": found.seen,
                "recorded_ms": found.recorded,
                "published_p50_ms": one.published_p50,
                "target_p99_ms": one.target_p99,
            }
            for one, found in self._rows()
        ]
        whole = {
            "version": self.version,
            "machine": self.machine,
            "settings": dict(self.settings),
            "samples": self.samples,
            "published_on": PUBLISHED_ON,
            "scenarios": scenarios,
        }
        plain = orjson.loads(orjson.dumps(whole))
        return orjson.dumps(rounded(plain), option=orjson.OPT_INDENT_2).decode()

    def render(self) -> RenderableType:
        """The report for people."""
        table = plain_table("#", "SCENARIO", "P50", "P95", "P99", "THEIR P50", "THEIR TARGET P99")
        for one, found in self._rows():
            seen = [f"{value:.1f} ms" for value in (found.seen.p50, found.seen.p95, found.seen.p99)]
            theirs = " / ".join(str(value) for value in one.published_p50)
            table.add_row(str(one.number), one.title, *seen, f"{theirs} ms", f"{one.target_p99} ms")
        return Group(about(self.version, self.machine, self.settings), Text(), table, Text(), self._notes())

    def _notes(self) -> Text:
        return Text(
            f"Create to complete over HTTP, {self.samples} tasks a scenario, a look every millisecond.\n"
            f"Theirs were not measured here: {PUBLISHED_ON}."
        )

    def _rows(self) -> Iterator[tuple[Scenario, Latency]]:
        return ((one, self.found[one.number]) for one in SCENARIOS)


async def run_reference(target: Target, stages: Stages, samples: int = SAMPLES) -> ReferenceReport:
    """Measure every scenario on an idle system that has the bundled examples; raises BenchError."""
    machine, settings = this_machine(), await read_settings(target)
    found = {}
    for one in SCENARIOS:
        with stages.stage(one.title, samples) as progress:
            found[one.number] = await measure_latency(target, one.workload, samples, progress)
    return ReferenceReport(version("tasker"), machine, settings, samples, found)
