"""`tasker chaos` for some seeds on both brokers. More of them, and longer ones, run by hand: see .ci/long."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

SHORT = ("--seconds", "2", "--json")


async def run_command(folder: Path, *arguments: str) -> tuple[int | None, str, str]:
    """Exit code, standard output and standard error of `tasker chaos`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tasker_tui.cli", "chaos", *arguments,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("broker", "runs"), [("pgmq", 3), ("rabbitmq", 2)])
async def test_nothing_is_lost_or_done_twice(tmp_path, broker, runs):
    options = ("--broker", broker, "--seed", "1", "--results", "results.jsonl", *SHORT)
    code, out, err = await run_command(tmp_path, "--runs", str(runs), *options)
    assert code == 0, err
    told = json.loads(out)
    assert (told["runs"], told["lost"], told["doubled"], told["broken_seeds"]) == (runs, 0, 0, [])
    assert told["tasks"] > 8 * runs
    assert told["faults"] >= 5 * runs
    # What was done is not done again.
    again = await run_command(tmp_path, "--runs", str(runs), *options)
    assert again == (0, out, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fault", "gremlin"), "there is no fault gremlin"),
        (("--fault", "rabbitmq-wiped"), "there is no fault rabbitmq-wiped with --broker pgmq"),
        (("--results", "words"), "words does not hold results of chaos runs"),
    ],
    ids=["unknown", "other broker", "no results"],
)
async def test_what_cannot_be_done_is_said_before_anything_starts(tmp_path, arguments, said):
    (tmp_path / "words").write_text("hello\n")
    code, out, err = await run_command(tmp_path, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {said}")
    assert "hint: " in err
