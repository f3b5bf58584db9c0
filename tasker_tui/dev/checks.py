"""What a developer of workflows wants to have looked at: versions, ports, templates, handlers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from pydantic import ValidationError

from tasker_tui.dev.health import fetch_json
from tasker_tui.dev.report import Check, Part, Verdict, WorkerFacts

FACTS_SECONDS = 5.0
"""So long what the worker said is believed: templates can be registered by others."""


VERDICTS: dict[str, Verdict] = {"running": "ok", "restarting": "problem"}


class FactsOfWorker:
    """What the worker on a port says of itself, asked for at most every five seconds."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._facts: WorkerFacts | None = None
        self._asked = 0.0
        self._asking = asyncio.Lock()

    async def read(self, *, anew: bool = False) -> WorkerFacts | None:
        """Its facts, None when it has not answered yet; while it does not answer, those from before."""
        async with self._asking:
            if anew or time.monotonic() > self._asked + FACTS_SECONDS:
                self._asked = time.monotonic()
                self._facts = await self._ask() or self._facts
            return self._facts

    async def _ask(self) -> WorkerFacts | None:
        try:
            return WorkerFacts.model_validate(await fetch_json(self._port, "/health/detailed"))
        except ValidationError:
            return None


def checks_of(version: str, database: str, parts: list[Part], facts: WorkerFacts | None) -> Iterator[Check]:
    """What is all right and what is not."""
    yield Check(verdict="ok", text=f"tasker {version}, {database}")
    for part in parts:
        if part.port is not None:
            word = "answers" if part.state == "running" else f"does not answer: it is {part.state}"
            verdict = VERDICTS.get(part.state, "warning")
            yield Check(verdict=verdict, text=f"port {part.port} ({part.name}) {word}")
    if facts is None:
        yield Check(verdict="warning", text="the worker has not said yet what it has loaded")
        return
    loaded = f"{len(facts.templates)} templates and {len(facts.registered)} handlers are loaded"
    yield Check(verdict="ok" if facts.templates else "warning", text=loaded)
    yield from (Check(verdict="problem", text=text) for text in facts.problems)
    yield from (Check(verdict="problem", text=text) for text in facts.missing)
