"""The bench measures a stack of its own from outside, and notices when work was not recorded."""

import json
import os
from pathlib import Path

import pytest

from tasker_tui.bench import dashboard, dashboard_table
from tasker_tui.bench.comparison import HISTORY_TEMPLATE, Load, compare_with_rabbitmq
from tasker_tui.bench.drawing import Drawn
from tasker_tui.bench.errors import BenchError
from tasker_tui.bench.latency import Workload, measure_latency
from tasker_tui.bench.machine import this_machine
from tasker_tui.bench.progress import Stages
from tasker_tui.bench.reference import run_reference
from tasker_tui.bench.run import BenchOptions, Effort, run_bench
from tasker_tui.bench.scaling import run_scale
from tasker_tui.bench.stack import own_stack
from tasker_tui.bench.tables import render
from tasker_tui.bench.throughput import measure_throughput
from tasker_tui.bench.written import read_settings, read_written
from tasker_tui.cli.console import console
from tests.support.forks import FORKS

LITTLE = Effort(warm_up=50, samples=5, creations=10, creations_together=64)


async def test_a_small_run_of_everything_basic(capsys):
    options = BenchOptions("diamond", 200, ("async", "def"), runs=2, effort=LITTLE)
    report = await run_bench(options, Stages(silent=True))
    console().print(render(report))
    shown = capsys.readouterr().out
    told = json.loads(report.to_json())
    assert {"p50", "p95", "p99"} <= told["latency_ms"].keys()
    assert {"p50", "p99"} <= told["create_ms"].keys()
    assert told["throughput_tasks_per_s"] == pytest.approx(
        report.throughput["async"].tasks_per_s.median, abs=0.001
    )
    assert told["baseline"]["commits_per_s_8"] > 0
    assert told["settings"]["fsync"] == told["settings"]["synchronous_commit"] == "on"
    assert told["throughput"]["def"]["written"]["attempts_per_task"] == 4
    assert told["throughput"]["async"]["written"]["tasks"] == 400
    assert {"server", "worker", "postgres"} == told["throughput"]["async"]["usage"].keys()
    assert "POST /v1/tasks, 32 connections" in shown


@pytest.fixture(scope="module")
async def target():
    async with own_stack() as target:
        yield target


@pytest.mark.parametrize("handlers", ["async", "def"])
@pytest.mark.parametrize(("shape", "steps"), [("conditional", 4), ("batch", 7)])
async def test_shapes_whose_steps_come_about_on_the_way(target, shape, steps, handlers):
    template = f"{shape}_{handlers}"
    async with target.database() as conn:
        since = await conn.fetchval("SELECT tasker.now()")
    await measure_throughput(target, template, 50, lambda _: None)
    written = await read_written(target, template, since, 50)
    assert (written.steps_per_task, written.attempts_per_task) == (steps, steps)


async def test_both_brokers_are_measured_in_turn(target):
    async with own_stack("rabbitmq") as other:
        assert "rabbitmq" in other.processes
        load = Load("linear_async", 100, 1)
        found = await compare_with_rabbitmq(target, other, load, 50, 3, Stages(silent=True))
        async with other.database() as conn:
            assert (
                await conn.fetchval("SELECT count(*) FROM tasker.namespaces WHERE queue_name IS NOT NULL")
                == 0
            )
    assert min(found.speed.plain.median, found.speed.other.median, found.latency.seen.p50) > 0


async def test_the_scenarios_of_the_reference_stand_beside_the_published_figures(target, capsys):
    report = await run_reference(target, Stages(silent=True), samples=2)
    with pytest.raises(BenchError, match="complete with 4 complete steps and should be complete with 5"):
        await measure_latency(target, Workload("linear_async", steps=5), 1, lambda _: None)
    console().print(report.render())
    shown = capsys.readouterr().out
    assert "258 / 255 ms" in shown
    assert "Apple M4 Pro with 12 cores" in shown
    told = json.loads(report.to_json())
    assert [one["number"] for one in told["scenarios"]] == [1, 2, 3, 4, 5, 7, 12]
    assert all(one["latency_ms"]["p99"] >= one["latency_ms"]["p50"] > 0 for one in told["scenarios"])


async def test_two_engines_and_more_workers_are_measured_in_turn(target, capsys):
    report = await run_scale(target, 100, 1, Stages(silent=True), workers=(1, 2))
    console().print(report.render())
    shown = capsys.readouterr().out
    assert "two engines beside one" in shown
    assert "workers of 200 slots: 2" in shown
    told = json.loads(report.to_json())
    assert told["workers"].keys() == {"1", "2"}
    assert min(one["median"] for one in told["workers"].values()) > 0
    assert len(told["two_engines"]["other"]["runs"]) == 1
    async with target.database() as conn:
        assert await conn.fetchval("SELECT count(*) FROM tasker.workers WHERE state = 'running'") == 1


async def test_work_that_was_not_recorded_is_noticed(target):
    async with target.database() as conn:
        since = await conn.fetchval("SELECT tasker.now()")
    await measure_throughput(target, "linear_async", 100, lambda _: None)
    written = await read_written(target, "linear_async", since, 100)
    assert (written.transitions_per_task, written.attempts_per_task) == (35, 4)
    with pytest.raises(BenchError, match="holds 100 complete tasks and should hold 101"):
        await read_written(target, "linear_async", since, 101)
    async with target.database() as conn:
        await conn.execute(
            "DELETE FROM tasker.transitions WHERE step_path[1] = 'enqueued' AND at >= $1", since
        )
    with pytest.raises(BenchError, match="changes of steps"):
        await read_written(target, "linear_async", since, 100)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--url", "http://127.0.0.1:9", "--history", "5"], "--history needs a stack of the bench's own"),
        (["--url", "http://127.0.0.1:9", "--broker", "both"], "--broker needs a stack"),
        (["--database-url", "postgresql:///x"], "--database-url goes with --url"),
        (["--reference", "--held-snapshot", "5"], "--held-snapshot does not go with --reference"),
        (["--scale", "--broker", "both"], "--broker does not go with --scale"),
        (["--tui", "--runs", "3"], "--runs does not go with --tui"),
    ],
)
def test_options_that_do_not_go_together(options, said):
    done = FORKS.run(["bench", *options], cwd=Path.cwd(), env=os.environ)
    assert done.returncode == 2
    assert said in done.stderr


async def test_the_dashboard_is_measured_in_a_terminal_beside_its_budgets(target, capsys):
    await measure_latency(target, Workload(HISTORY_TEMPLATE), 1, lambda _: None)
    effort = dashboard.Effort(sittings=2, keys=2, tasks=1, idle=0.1, settle=0.1, rest=0.1)
    shown = await dashboard.measure_shown(target, effort, Stages(silent=True))
    drawn = Drawn(layout_500=41.0, recolour_500=17.0, open_5000=200.0)
    report = dashboard.DashboardReport("1", this_machine(), await read_settings(target), 1, drawn, shown)
    console().print(dashboard_table.render(report))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert next(line for line in lines if "500 steps laid out" in line).endswith("✓")
    assert next(line for line in lines if "in other colours" in line).endswith("missed")
    told = json.loads(report.to_json())["shown"]
    assert len(told["key_in_view_ms"]["p95"]["runs"]) == len(told["first_rows_s"]["runs"]) == 2
    assert told["commit_to_screen_ms"]["p95"] > 0
    assert told["memory_mib"] > 10
