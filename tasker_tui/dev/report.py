"""What the local stack tells of itself at its door: the objects behind `tasker dev status --json`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.model.wire.base import Timestamp, WireModel

Verdict = Literal["ok", "warning", "problem"]


class Part(WireModel):
    """One process; `cpu_percent` is of one core since the last look, None while it does not run.

    `restarts` counts starts after a failure or by hand, `reloads` those after an edit; `detail` says why it
    is in this state, and since when it is is `since`.
    """

    name: str
    state: str
    detail: str
    since: Timestamp
    pid: int | None
    port: int | None
    cpu_percent: float | None
    memory_bytes: int | None
    restarts: int
    reloads: int


class Check(WireModel):
    """One thing that was looked at; a problem in a file begins with `file:line`."""

    verdict: Verdict
    text: str


class Reloaded(WireModel):
    """An edit that was noticed: the files, what came of it, and what is wrong now, a sentence each."""

    number: int
    at: Timestamp
    files: list[str]
    seconds: float
    came: list[str]
    problems: list[str]


class StackReport(WireModel):
    """The whole stack; `doing` is what it is about at the moment, such as a reset, else empty.

    `trouble` says why the last of these did not succeed.
    """

    url: str
    pid: int
    version: str
    data_dir: str | None
    database: str
    started_at: Timestamp
    doing: str
    trouble: str
    parts: list[Part]
    checks: list[Check]
    reloads: list[Reloaded]

    @property
    def problems(self) -> list[str]:
        """What is wrong, with file and line where it is in a file."""
        return [check.text for check in self.checks if check.verdict == "problem"]


class LogLines(WireModel):
    """What a process wrote after the lines that were asked for; `written` is how many it wrote in all."""

    written: int
    lines: list[str]


class WorkerFacts(WireModel):
    """What the worker's health says of templates and handlers; problems are sentences with file and line.

    `templates` maps each to what its registration came to: created, replaced, unchanged.
    """

    registered: list[str] = Field(default_factory=list)
    missing: list[str] = Field(default_factory=list)
    templates: dict[str, str] = Field(default_factory=dict)
    problems: list[str] = Field(default_factory=list)
