"""Edits of templates and handlers: the worker starts again, and what it has then is compared with before."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tasker_tui.dev.checks import FactsOfWorker
from tasker_tui.dev.process import SupervisedProcess
from tasker_tui.dev.report import Reloaded, WorkerFacts

KEPT = 50
LAST_WORDS = 3


class Edits:
    """Has the worker restarted after edits, and keeps what came of the last ones for any number of readers.

    `until` waits for what a change of the worker's state makes true.
    """

    def __init__(
        self,
        worker: SupervisedProcess,
        facts: FactsOfWorker,
        until: Callable[[Callable[[], bool]], Awaitable[None]],
    ) -> None:
        self.last = 0
        self._worker = worker
        self._facts = facts
        self._until = until
        self._kept: deque[Reloaded] = deque(maxlen=KEPT)
        self._came = asyncio.Event()

    def __iter__(self) -> Iterator[Reloaded]:
        return iter(tuple(self._kept))

    async def after(self, number: int) -> list[Reloaded]:
        """Those that came after one, once there are any."""
        while self.last <= number:
            await self._came.wait()
        return [one for one in self._kept if one.number > number]

    async def watch(self, places: Sequence[Path]) -> None:
        """Restart the worker whenever something in these places was edited."""
        from tasker_tui.dev.reload import changes

        try:
            async for changed in changes(places):
                if self._worker.halted:
                    self._worker.say(f"{', '.join(changed)} changed; the worker is stopped and stays so")
                    continue
                self._worker.say(f"{', '.join(changed)} changed; the worker restarts")
                self._tell(await self._reload(changed))
        except (OSError, RuntimeError) as error:
            self._worker.say(f"edits are not noticed any more, restart by hand: {error}")

    async def _reload(self, changed: list[str]) -> Reloaded:
        """Restart the worker and find out what it has now, or why it did not start."""
        worker = self._worker
        before, begun = await self._facts.read() or WorkerFacts(), time.monotonic()
        starts = worker.starts
        worker.failed.clear()
        worker.restart(reload=True)
        await self._until(
            lambda: (
                (worker.starts > starts and worker.ready.is_set()) or worker.failed.is_set() or worker.halted
            )
        )
        now = await self._facts.read(anew=True) if worker.ready.is_set() else None
        self.last += 1
        said = [f"the worker {worker.last_end}", *worker.status().last_lines[-LAST_WORDS:]]
        return Reloaded(
            number=self.last,
            at=datetime.now(UTC),
            files=changed,
            seconds=round(time.monotonic() - begun, 2),
            came=[] if now is None else what_came(before, now),
            problems=said if now is None else [*now.problems, *now.missing],
        )

    def _tell(self, reloaded: Reloaded) -> None:
        self._kept.append(reloaded)
        self._came.set()
        self._came = asyncio.Event()
        for line in (*reloaded.came, *reloaded.problems):
            self._worker.say(f"reload: {line}")


def what_came(before: WorkerFacts, now: WorkerFacts) -> list[str]:
    """What an edit changed, a sentence each; the first says how much there is."""
    new, gone = set(now.registered) - set(before.registered), set(before.registered) - set(now.registered)
    came = [f"{len(now.registered)} handlers and {len(now.templates)} templates are loaded"]
    came += [f"handler {name} is new" for name in sorted(new)]
    came += [f"handler {name} is gone" for name in sorted(gone)]
    came += [
        f"template {title} was {outcome}"
        for title, outcome in sorted(now.templates.items())
        if outcome in ("created", "replaced")
    ]
    came += [
        f"template {title} is no longer read"
        for title in sorted(before.templates)
        if title not in now.templates
    ]
    mended = len(set(before.problems) - set(now.problems))
    return [*came, *([f"mended: {mended} of the problems before"] if mended else [])]
