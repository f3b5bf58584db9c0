"""A small model of what the SQL functions do with one task, in plain Python.

Time is in seconds and moves only when it is told to; what the functions choose (which of the ready steps is
claimed, which of the freed ones is handed over) the model is told and checks that it was allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

LEASE = 30
LIVE = {"enqueued", "in_progress", "enqueued_for_orchestration", "enqueued_as_error_for_orchestration"}
ENDED = {"complete", "resolved_manually", "cancelled"}
DONE = {"complete", "resolved_manually"}


@dataclass
class ModelStep:
    """`expires` is when the lease runs out, `due` when the retry is, `verdict` what the failure asked for."""

    parents: list[int]
    max_attempts: int
    state: str = "pending"
    attempts: int = 0
    claim: int = 0
    expires: int = 0
    due: int = 0
    verdict: tuple[bool, int] = (True, 0)


@dataclass
class ModelTask:
    """One task. Steps are known by their index."""

    steps: list[ModelStep]
    now: int = 0
    cancelled: bool = False
    given_up: bool = False
    claims: list[tuple[int, int]] = field(default_factory=list)
    """Every (step, claim) that a worker ever got."""

    def __post_init__(self) -> None:
        self.free_children()

    def in_state(self, *states: str) -> list[int]:
        """The steps in some states."""
        return [index for index, step in enumerate(self.steps) if step.state in states]

    def children(self, index: int) -> list[int]:
        return [child for child, step in enumerate(self.steps) if index in step.parents]

    @property
    def all_done(self) -> bool:
        """Whether every step is done, those too whose children an operator ended before them."""
        return all(step.state in DONE for step in self.steps)

    @property
    def state(self) -> str:
        """The task's, once the engine has looked."""
        if self.cancelled:
            return "cancelled"
        if self.given_up:
            return "error"
        if self.all_done:
            return "complete"
        present = {step.state for step in self.steps}
        if present & LIVE:
            return "steps_in_process"
        return "waiting_for_retry" if "waiting_for_retry" in present else "blocked_by_failures"

    def free_children(self) -> list[int]:
        """Enqueue what has all of its parents done; answers it."""
        freed = [
            index
            for index in self.in_state("pending")
            if all(self.steps[parent].state in DONE for parent in self.steps[index].parents)
        ]
        for index in freed:
            self.steps[index].state = "enqueued"
        return freed

    def take(self, index: int, claim: int) -> None:
        """A worker got an enqueued step."""
        step = self.steps[index]
        assert step.state == "enqueued", f"step {index} was given away while it was {step.state}"
        step.state, step.expires = "in_progress", self.now + LEASE
        step.attempts += 1
        step.claim += 1
        assert step.claim == claim
        self.claims.append((index, claim))

    def holds(self, index: int, claim: int) -> bool:
        """Whether a claim is the step's current one."""
        return self.steps[index].state == "in_progress" and self.steps[index].claim == claim

    def succeed(self, index: int) -> list[int]:
        """A result was accepted; answers which children it freed."""
        self.steps[index].state = "complete"
        return self.free_children()

    def fail(self, index: int, retryable: bool, wait: int) -> None:
        """A failure was accepted."""
        step = self.steps[index]
        step.state, step.verdict = "enqueued_as_error_for_orchestration", (retryable, wait)

    def process(self) -> None:
        """The engine looks at the failures."""
        for index in self.in_state("enqueued_as_error_for_orchestration"):
            step = self.steps[index]
            retryable, wait = step.verdict
            again = retryable and step.attempts < step.max_attempts
            step.state, step.due = ("waiting_for_retry" if again else "error"), self.now + wait

    def fire(self) -> int:
        """Due retries go again; answers how many."""
        due = [index for index in self.in_state("waiting_for_retry") if self.steps[index].due <= self.now]
        for index in due:
            self.steps[index].state = "enqueued"
        return len(due)

    def expire(self) -> int:
        """Leases that ran out are taken back; answers how many."""
        lost = [index for index in self.in_state("in_progress") if self.steps[index].expires <= self.now]
        for index in lost:
            step = self.steps[index]
            step.state = "enqueued" if step.attempts < step.max_attempts else "error"
        return len(lost)

    def give_back(self, index: int) -> None:
        """An attempt that was not begun costs nothing."""
        self.steps[index].state = "enqueued"
        self.steps[index].attempts -= 1

    def beat(self, named: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Renew the leases that are named, if one of them needs it; answers what is not held any more."""
        named = list(named)
        held = [self.steps[index] for index, claim in named if self.holds(index, claim)]
        if any(step.expires < self.now + LEASE * 2 / 3 for step in held):
            for step in held:
                if step.expires > self.now:
                    step.expires = self.now + LEASE
        return [one for one in named if not self.holds(*one)]

    def reset(self, index: int) -> bool:
        """An operator's retry; answers whether it was done."""
        step = self.steps[index]
        if step.state not in ("error", "waiting_for_retry") or self.state in ("complete", "cancelled"):
            return False
        step.state, step.attempts = "enqueued", 0
        self.given_up = False
        return True

    def from_here(self, chosen: Iterable[int]) -> set[int]:
        """Some steps and all that come after them."""
        found, todo = set(), list(chosen)
        while todo:
            index = todo.pop()
            if index not in found:
                found.add(index)
                todo += self.children(index)
        return found

    def rerun(self, chosen: Iterable[int]) -> set[int]:
        """An operator's retry with all that comes after; answers which steps run again."""
        if self.cancelled:
            return set()
        started = [one for one in chosen if self.steps[one].state in DONE | {"error", "waiting_for_retry"}]
        again = self.from_here(started)
        self.given_up = self.given_up and not again
        for index in again:
            step = self.steps[index]
            step.claim += step.state not in ("pending", "enqueued")
            step.state, step.attempts = "pending", 0
        self.free_children()
        return again

    def fork(self, chosen: Iterable[int]) -> list[str]:
        """The states of a fork's steps; the task itself stays as it is."""
        again = self.from_here(chosen)
        states = [
            step.state if step.state in DONE and index not in again else "pending"
            for index, step in enumerate(self.steps)
        ]
        return [
            "enqueued"
            if states[index] == "pending" and all(states[parent] in DONE for parent in step.parents)
            else states[index]
            for index, step in enumerate(self.steps)
        ]

    def end_by_hand(self, index: int, state: str) -> bool:
        """An operator completes or resolves a step; answers whether it was done."""
        step = self.steps[index]
        if step.state in ENDED or self.state in ("complete", "cancelled"):
            return False
        self.given_up = False
        step.state = state
        step.claim += 1
        self.free_children()
        return True

    def cancel(self) -> bool:
        """An operator cancels the task; answers whether it was done."""
        if self.state in ("complete", "cancelled", "error"):
            return False
        self.cancelled = True
        for step in self.steps:
            if step.state not in ENDED:
                step.state = "cancelled"
        return True

    def give_up(self) -> None:
        """An operator ends the task in error: what runs or waits is in error too."""
        self.given_up = True
        for step in self.steps:
            if step.state in ("enqueued", "in_progress", "waiting_for_retry"):
                step.claim += step.state == "enqueued"
                step.state = "error"
