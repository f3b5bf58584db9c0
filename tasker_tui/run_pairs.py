"""Which two runs are compared: those that are marked, or the one under the cursor with a good one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.model.states import TaskState
from tasker_tui.run_grid import Run


@dataclass(frozen=True, slots=True)
class Pair:
    """What of `second` differs from `first`. `note` is what has to be said about the choice."""

    first: Run
    second: Run
    note: str = ""


def pair_of(runs: Sequence[Run], marked: Sequence[Run], here: Run) -> Pair | str:
    """The pair, or why there is none. `runs` are all, the newest first; `marked` are those of them."""
    match marked:
        case []:
            return _with_a_good_one(runs, here)
        case [one] if one.uuid == here.uuid:
            return "this is the run that is marked: go to the one to compare it with"
        case [one]:
            newer, older = [run for run in runs if run.uuid in (one.uuid, here.uuid)]
            return Pair(older, newer)
        case [newer, older]:
            return Pair(older, newer)
    return f"{len(marked)} runs are marked, and only two can be compared"


def _with_a_good_one(runs: Sequence[Run], here: Run) -> Pair | str:
    good = next((run for run in runs if run.run.state is TaskState.COMPLETE and run.uuid != here.uuid), None)
    if good is not None:
        return Pair(good, here)
    at = next(index for index, run in enumerate(runs) if run.uuid == here.uuid)
    if at + 1 < len(runs):
        return Pair(runs[at + 1], here, "no other run is complete: this is the run before")
    if at > 0:
        return Pair(here, runs[at - 1], "no other run is complete, and none is older: this is the run after")
    return "this template has no other run"
