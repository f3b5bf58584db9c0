"""What handlers left beside what was recorded, and the file that results go to."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from tasker_tui.chaos.errors import ChaosError
from tasker_tui.chaos.marks import Attempt, Mark, doubled_effects, doubled_results, lost_effects, read_marks
from tasker_tui.chaos.plan import Kind, plan_of
from tasker_tui.chaos.report import Result, append_result, key_of, read_results, render, summary

FINE = Result(
    seed=7,
    broker="pgmq",
    tasks=3,
    steps=9,
    attempts=12,
    lost=0,
    doubled=0,
    broken=[],
    faults={"worker killed": 2},
    failures={"worker_lost": 3},
    refused=1,
    recovery_s={"worker killed": [0.1, 0.3]},
    settled_s=1.5,
    seconds=20.0,
)


def test_an_effect_for_every_claim_and_a_success_for_every_step_is_as_it_should_be():
    marks = [Mark("a", 1, "t1"), Mark("a", 2, "t2")]
    attempts = [Attempt("a", 1, False, None), Attempt("a", 2, True, "t2"), Attempt("b", 1, False, None)]
    assert not [*doubled_effects(marks), *doubled_results(attempts), *lost_effects(marks, attempts)]


def test_what_is_doubled_or_lost_is_named():
    marks = [Mark("a", 1, "t1"), Mark("a", 1, "t2"), Mark("b", 4, "t3"), Mark("c", 1, "t4")]
    attempts = [
        Attempt("a", 1, True, "t2"),
        Attempt("a", 2, True, "t9"),
        Attempt("c", 1, True, "another"),
    ]
    assert list(doubled_effects(marks)) == ["claim 1 of step a had its effect 2 times"]
    assert list(doubled_results(attempts)) == ["step a has 2 successful attempts"]
    assert list(lost_effects(marks, attempts)) == [
        "claim 4 of step b had its effect, and no attempt of it is recorded",
        "claim 2 of step a succeeded without its effect",
        "claim 1 of step c has another one's result",
    ]


def test_marks_of_all_processes_are_read(tmp_path):
    for pid in (1, 2):
        line = f'{{"step": "a", "claim": {pid}, "token": "t{pid}"}}\n'
        (tmp_path / f"marks-{pid}").write_text(line)
    assert read_marks(tmp_path) == [Mark("a", 1, "t1"), Mark("a", 2, "t2")]


def test_results_are_kept_and_found_again(tmp_path):
    file = tmp_path / "results.jsonl"
    assert read_results(file) == []
    other = replace(FINE, load_s=60.0, only=("postgres-killed",))
    for result in (FINE, other):
        append_result(file, result)
    assert [one.key for one in read_results(file)] == [
        key_of(plan_of(7, "pgmq")),
        key_of(plan_of(7, "pgmq", 60.0, [Kind.POSTGRES_KILLED])),
    ]
    assert read_results(file)[0] == replace(FINE, only=[])


@pytest.mark.parametrize("text", ["hello\n", '{"seed": 1}\n', "[1, 2]\n"], ids=["words", "half", "list"])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    file = tmp_path / "results.jsonl"
    file.write_text(text)
    with pytest.raises(ChaosError, match=r"results\.jsonl does not hold results of chaos runs"):
        read_results(file)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ChaosError, match="cannot be written"):
        append_result(tmp_path / "nowhere" / "results.jsonl", FINE)


def test_the_table_says_how_to_repeat_what_went_wrong():
    wrong = replace(FINE, seed=8, lost=1, broken=["task [bold]x is lost"], load_s=60.0, only=("disk-full",))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render([FINE, wrong]))
    shown = console.export_text()
    assert "2 runs, 6 tasks, 24 attempts, 4 faults: 1 lost, 0 doubled" in shown
    assert "`tasker chaos --broker pgmq --seed 8 --seconds 60 --fault disk-full`" in shown
    assert "task [bold]x is lost" in shown
    assert summary([FINE, wrong])["broken_seeds"] == [8]


def test_a_wrong_clock_is_wrong_for_all_who_ask():
    asked = (
        "import time; from datetime import datetime, UTC\n"
        "right = time.time(), datetime.now(UTC), time.monotonic()\n"
        "from tasker_tui.chaos.wrong_clock import shift; shift(-600)\n"
        "from datetime import datetime\n"
        "assert -601 < time.time() - right[0] < -595 and abs(time.monotonic() - right[2]) < 5\n"
        "assert -601 < (datetime.now(UTC) - right[1]).total_seconds() < -595\n"
        "from pydantic import TypeAdapter\n"
        "assert TypeAdapter(datetime).validate_python('2026-01-01T00:00:00Z').year == 2026\n"
    )
    subprocess.run([sys.executable, "-c", asked], check=True)
