"""One step while a worker holds it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from engine.store.claims import ClaimedStep
from engine.store.step_definitions import StepDefinition
from workers.context import StepContext
from workers.runtime.capture import LogBuffer

STUCK_SECONDS = 1.0
"""How long a handler may take to notice that its step is over before its slot counts as stuck."""


@dataclass(slots=True, eq=False)
class RunningStep:
    """A claimed step from its claim until its handler has returned.

    `decided` says that its end is settled, `reported` that its result is given (a little later, if it
    publishes events), `returned` that the handler had returned when it was decided. A handler may go on
    although its step is over (timed out, cancelled, lost): it keeps its slot until it has `ended`, and is
    *stuck* when that takes long. The times are of `time.monotonic`.
    """

    claimed: ClaimedStep
    definition: StepDefinition
    lease_until: float
    context: StepContext | None = None
    claimed_at: float = field(default_factory=time.monotonic)
    begun_at: float | None = None
    task: asyncio.Task[None] | None = None
    decided: bool = False
    finishing: asyncio.Task[None] | None = None
    reported: bool = False
    returned: bool = False
    ended: bool = False
    over_at: float | None = None
    over_reason: str = ""
    log: LogBuffer | None = None

    def tell(self, reason: str) -> None:
        """Tell the handler that its step is no longer its own; callable from any thread."""
        if self.over_at is None:
            self.over_at, self.over_reason = time.monotonic(), reason
        if self.context is not None:
            self.context.cancelled.set(reason)

    @property
    def is_stuck(self) -> bool:
        """Whether its handler goes on, long after its step was over."""
        return (
            not self.ended and self.over_at is not None and time.monotonic() - self.over_at >= STUCK_SECONDS
        )

    @property
    def execution_ms(self) -> int:
        """How long its handler has been running, in milliseconds."""
        return 0 if self.begun_at is None else int((time.monotonic() - self.begun_at) * 1000)
