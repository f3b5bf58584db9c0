"""The results of runs: a line of JSON each in a file, and a table of all."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tasker_tui.chaos.errors import ChaosError
from tasker_tui.chaos.plan import LOAD_SECONDS, Plan, option_of
from tasker_tui.text import printable


@dataclass(frozen=True, slots=True)
class Result:
    """A run. `broken` are sentences on all that is wrong, what was lost and doubled among it.

    `faults` counts them by kind, `failures` the attempts that failed by type of error, `refused` the results
    that came too late and were refused. `recovery_s` has for each kind how long after its cause was over the
    next step was done, `settled_s` is how long after the last cause everything had ended. `load_s` and `only`
    are how long the load lasted and the kinds of faults that were chosen, as a command line calls them.
    """

    seed: int
    broker: str
    tasks: int
    steps: int
    attempts: int
    lost: int
    doubled: int
    broken: list[str]
    faults: dict[str, int]
    failures: dict[str, int]
    refused: int
    recovery_s: dict[str, list[float]]
    settled_s: float
    seconds: float
    load_s: float = LOAD_SECONDS
    only: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it this run and no other."""
        return self.seed, self.broker, self.load_s, tuple(self.only)

    @property
    def command(self) -> str:
        """What makes it again."""
        words = [f"tasker chaos --broker {self.broker} --seed {self.seed}"]
        words += [] if self.load_s == LOAD_SECONDS else [f"--seconds {self.load_s:g}"]
        return " ".join([*words, *(f"--fault {option}" for option in self.only)])

    @property
    def fine(self) -> bool:
        """Whether nothing was lost, doubled or broken."""
        return not self.broken

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False)


def key_of(plan: Plan) -> tuple[object, ...]:
    """The key of the result that a plan will have."""
    return plan.seed, plan.broker, plan.seconds, tuple(map(option_of, plan.only))


def read_results(path: Path) -> list[Result]:
    """The results in a file, none if there is no file; raises ChaosError for one of something else."""
    if not path.exists():
        return []
    try:
        return [Result(**json.loads(line)) for line in path.read_text().splitlines()]
    except (ValueError, TypeError) as error:
        raise ChaosError(
            f"{path} does not hold results of chaos runs: {error}", "name another file with --results"
        ) from error


def append_result(path: Path, result: Result) -> None:
    """Add a line."""
    try:
        with path.open("a") as file:
            file.write(f"{result.to_json()}\n")
    except OSError as error:
        raise ChaosError(f"{path} cannot be written: {error.strerror}", "name another file") from error


def summary(results: Sequence[Result]) -> dict[str, Any]:
    """All runs together."""
    return {
        "runs": len(results),
        "tasks": sum(result.tasks for result in results),
        "steps": sum(result.steps for result in results),
        "attempts": sum(result.attempts for result in results),
        "faults": sum(sum(result.faults.values()) for result in results),
        "lost": sum(result.lost for result in results),
        "doubled": sum(result.doubled for result in results),
        "broken_seeds": [result.seed for result in results if not result.fine],
    }


def render(results: Sequence[Result]) -> RenderableType:
    """The faults by kind with their recovery, and what came of all runs."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("FAULT", "TIMES", "NEXT STEP AFTER, MEDIAN", "WORST"):
        table.add_column(column, justify="left" if column == "FAULT" else "right")
    recoveries = _recoveries(results)
    times: Counter[str] = Counter()
    for result in results:
        times.update(result.faults)
    for kind, count in sorted(times.items()):
        seconds = recoveries[kind]
        middle, worst = (f"{median(seconds):.2f} s", f"{max(seconds):.2f} s") if seconds else ("", "")
        table.add_row(kind, str(count), middle, worst)
    return Group(table, Text(), *_conclusion(results))


def _recoveries(results: Iterable[Result]) -> defaultdict[str, list[float]]:
    found: defaultdict[str, list[float]] = defaultdict(list)
    for result in results:
        for kind, seconds in result.recovery_s.items():
            found[kind] += seconds
    return found


def _conclusion(results: Sequence[Result]) -> list[Text]:
    total = summary(results)
    lines = [
        Text(
            f"{total['runs']} runs, {total['tasks']:,} tasks, {total['attempts']:,} attempts, "
            f"{total['faults']:,} faults: {total['lost']} lost, {total['doubled']} doubled"
        )
    ]
    for result in results:
        if not result.fine:
            lines.append(Text(f"✗ repeat it with `{result.command}`", style="red"))
            lines += [Text(f"    {printable(text)}") for text in result.broken[:10]]
    return lines
