"""One run after another: a system, its load, the plan's faults, and the questions afterwards."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasker_tui.chaos.audit import Findings, examine, examine_end, recovery_seconds, until_rest
from tasker_tui.chaos.errors import ChaosError
from tasker_tui.chaos.faults import Injected, inject
from tasker_tui.chaos.load import Load, create_load
from tasker_tui.chaos.parts import all_ready
from tasker_tui.chaos.plan import Fault, Plan, option_of
from tasker_tui.chaos.report import Result
from tasker_tui.chaos.servers import Servers, running_servers
from tasker_tui.chaos.system import START_SECONDS, System
from tasker_tui.dev.health import fetch_json

FAILURES = """
SELECT details ->> 'error_type', count(*)::int FROM tasker.step_attempts
WHERE NOT success GROUP BY 1 ORDER BY 2 DESC
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the database has of a run."""

    tasks: int
    steps: int
    attempts: int
    failures: dict[str, int]
    refused: int


async def run_plans(plans: Sequence[Plan], folder: Path) -> AsyncIterator[Result]:
    """Run plans of one broker on servers in a new folder, which is removed unless something was wrong.

    Raises StackError and ChaosError when a system cannot be made.
    """
    async with running_servers(folder / "servers", plans[0].broker) as servers:
        for plan in plans:
            own = folder / f"run-{plan.seed}"
            own.mkdir()
            result = await run_plan(servers, plan, own)
            if result.fine:
                shutil.rmtree(own)
            yield result


async def run_plan(servers: Servers, plan: Plan, folder: Path) -> Result:
    """One run; its processes write into `folder`."""
    began = time.monotonic()
    async with servers.postgres.new_database(f"chaos_{plan.seed}") as dsn:
        system = System(servers, dsn, folder, plan)
        try:
            await system.start()
            return await _run(system, plan, began)
        finally:
            await system.end()


async def _run(system: System, plan: Plan, began: float) -> Result:
    load, injected, troubles = await _disturbed(system, plan)
    over = max((one.ended for one in injected), default=time.time())
    at_rest = await until_rest(system, plan)
    settled = time.time() - over
    findings = await examine(system, plan, load, at_rest=at_rest)
    findings.broken += troubles
    recovery, counts = await _measure(system, injected)
    # One that was killed at the end may be starting; only then it can be told to stop.
    late = await all_ready(system.parts, START_SECONDS)
    findings.broken += [f"{name} does not get ready again" for name in late]
    await system.stop()
    findings.broken += await examine_end(system)
    return _result(plan, findings, counts, recovery, round(settled, 3), round(time.monotonic() - began, 1))


async def _disturbed(system: System, plan: Plan) -> tuple[Load, list[Injected], list[str]]:
    """The load, the faults that came, and why others could not."""
    injected, troubles = [], []

    async def later(fault: Fault) -> None:
        await asyncio.sleep(fault.at)
        try:
            injected.append(await inject(system, fault))
        except ChaosError as error:
            troubles.append(f"the fault {fault.kind} could not be made: {error}")

    async with asyncio.TaskGroup() as group:
        load = group.create_task(create_load(system, plan))
        for fault in plan.faults:
            group.create_task(later(fault))
    return load.result(), injected, troubles


async def _measure(system: System, injected: Sequence[Injected]) -> tuple[dict[str, list[float]], Counts]:
    recovery: defaultdict[str, list[float]] = defaultdict(list)
    async with system.database() as conn:
        for one in injected:
            if (seconds := await recovery_seconds(conn, one.ended)) is not None:
                recovery[one.kind.value].append(seconds)
        tasks, steps, attempts = [
            await conn.fetchval(f"SELECT count(*)::int FROM tasker.{table}")
            for table in ("tasks", "steps", "step_attempts")
        ]
        failures = await conn.fetch(FAILURES)
    by_type = {kind: count for kind, count in failures}  # noqa: C416 - records are no pairs to mypy
    return dict(recovery), Counts(tasks, steps, attempts, by_type, await _refused(system))


async def _refused(system: System) -> int:
    """Results that the workers of now had refused."""
    metrics = [await fetch_json(worker.port, "/metrics/worker") for worker in system.workers]
    return sum(found["results_refused"] for found in metrics if found)


def _result(
    plan: Plan,
    findings: Findings,
    counts: Counts,
    recovery: dict[str, list[float]],
    settled: float,
    seconds: float,
) -> Result:
    return Result(
        seed=plan.seed,
        broker=plan.broker,
        tasks=counts.tasks,
        steps=counts.steps,
        attempts=counts.attempts,
        lost=len(findings.lost),
        doubled=len(findings.doubled),
        broken=findings.all,
        failures=counts.failures,
        refused=counts.refused,
        faults={kind.value: times for kind, times in plan.kinds.items()},
        recovery_s=recovery,
        settled_s=settled,
        seconds=seconds,
        load_s=plan.seconds,
        only=tuple(option_of(kind) for kind in plan.only),
    )
