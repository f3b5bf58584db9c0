"""How a node of the graph looks that stands for several steps, and which of them it speaks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tasker_tui.dag.fold import Folded
from tasker_tui.states import LOUDEST_FIRST, STEP_MARKS, Mark, Tone
from tasker_tui.view_models import StepRow

LOUDNESS: dict[Tone, int] = {tone: i for i, tone in enumerate(LOUDEST_FIRST)}


def looks(folded: Folded, rows: Sequence[StepRow], ascii_only: bool) -> tuple[list[Mark], list[str]]:
    """The mark of each node: that of its steps' states that matters most; and how many are in that state.

    The count is empty when all of them are.
    """
    marks, counts = [], []
    for members in folded.members:
        if len(members) == 1:
            marks.append(rows[members[0]].mark)
            counts.append("")
            continue
        states = Counter(rows[step].state for step in members)
        state = min(states, key=lambda state: (LOUDNESS[STEP_MARKS[state].tone], state))
        mark = STEP_MARKS[state]
        marks.append(mark)
        counts.append("" if len(states) == 1 else f"{states[state]}{mark.glyph(ascii_only)}")
    return marks, counts


def most_telling(steps: Sequence[StepRow]) -> StepRow:
    """The first of the steps whose state matters most."""
    return min(steps, key=lambda step: LOUDNESS[step.mark.tone])
