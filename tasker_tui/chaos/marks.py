"""The marks that handlers left, and what they say beside the record of the database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from workers.chaos.handlers import MARKS


class Mark(NamedTuple):
    """An effect: which claim of which step had it. `token` is in the result that was returned then."""

    step: str
    claim: int
    token: str


class Attempt(NamedTuple):
    """An attempt as the database has it; `token` is that of its stored result, None without one."""

    step: str
    claim: int
    success: bool
    token: str | None


def read_marks(folder: Path) -> list[Mark]:
    """All marks of a run."""
    lines = (line for path in sorted(folder.glob(f"{MARKS}-*")) for line in path.read_text().splitlines())
    return [Mark(**json.loads(line)) for line in lines]


def doubled_effects(marks: Iterable[Mark]) -> Iterator[str]:
    """Claims that had their effect more than once."""
    for (step, claim), times in Counter((mark.step, mark.claim) for mark in marks).items():
        if times > 1:
            yield f"claim {claim} of step {step} had its effect {times} times"


def doubled_results(attempts: Iterable[Attempt]) -> Iterator[str]:
    """Steps with more than one successful attempt."""
    for step, times in Counter(attempt.step for attempt in attempts if attempt.success).items():
        if times > 1:
            yield f"step {step} has {times} successful attempts"


def lost_effects(marks: Sequence[Mark], attempts: Sequence[Attempt]) -> Iterator[str]:
    """Effects without a recorded attempt, successes without their effect or with another one's result."""
    recorded = {(attempt.step, attempt.claim) for attempt in attempts}
    tokens = {(mark.step, mark.claim): mark.token for mark in marks}
    for step, claim in tokens.keys() - recorded:
        yield f"claim {claim} of step {step} had its effect, and no attempt of it is recorded"
    for attempt in attempts:
        if not attempt.success:
            continue
        token = tokens.get((attempt.step, attempt.claim))
        if token is None:
            yield f"claim {attempt.claim} of step {attempt.step} succeeded without its effect"
        elif token != attempt.token:
            yield f"claim {attempt.claim} of step {attempt.step} has another one's result"
