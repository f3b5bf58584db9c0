"""Makes the report of the stack that is told at its door."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
from typing import Any

from tasker_tui.dev.checks import checks_of
from tasker_tui.dev.process import SupervisedProcess
from tasker_tui.dev.report import Part, StackReport, WorkerFacts


async def describe(process: SupervisedProcess, port: int | None) -> Part:
    """One process; measuring it takes milliseconds, which are a thread's."""
    measured = await asyncio.to_thread(process.measure)
    status = process.status()
    return Part(
        name=status.name,
        state=status.state,
        detail=status.detail,
        since=status.since,
        pid=status.pid,
        port=port,
        cpu_percent=measured[0] if measured else None,
        memory_bytes=measured[1] if measured else None,
        restarts=status.restarts,
        reloads=status.reloads,
    )


def checked(facts: WorkerFacts | None, database: str, parts: list[Part], **fields: Any) -> StackReport:
    """The report with what the checks say of it; `fields` are its others."""
    version = importlib.metadata.version("tasker")
    checks = list(checks_of(version, database, parts, facts))
    return StackReport(
        pid=os.getpid(), version=version, database=database, parts=parts, checks=checks, **fields
    )
