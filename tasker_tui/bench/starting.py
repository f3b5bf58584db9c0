"""How long `tasker dev --headless` takes until tasks can be created."""

from __future__ import annotations

from dataclasses import dataclass

from tasker_tui.bench.progress import Stages
from tasker_tui.bench.stack import scratch_folder, seconds_to_ready
from tasker_tui.bench.statistics import Repeated

TIMES = 5


@dataclass(frozen=True, slots=True)
class Starting:
    """Seconds from the command to `ready`: with an empty data folder, and with one of an earlier run."""

    first_s: Repeated
    later_s: Repeated


async def measure_starting(stages: Stages) -> Starting:
    """Start and stop stacks of the bench's own, one after another."""
    first, later = [], []
    with stages.stage("starting a stack, first and later", 2 * TIMES) as progress:
        for number in range(TIMES):
            async with scratch_folder() as data:
                first.append(await seconds_to_ready(data))
                later.append(await seconds_to_ready(data))
            progress(2 * number + 2)
    return Starting(Repeated.of(first), Repeated.of(later))
