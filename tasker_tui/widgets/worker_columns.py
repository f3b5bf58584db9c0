"""The columns of the list of workers, and the text about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from engine.model.wire.queues import WorkerSteps
from engine.model.wire.worker import WorkerInfo
from tasker_tui.clock import Clock
from tasker_tui.states import Tone
from tasker_tui.text import age, count, duration, plural, printable, short_id
from tasker_tui.themes import Palette
from tasker_tui.widgets.spark import meter
from tasker_tui.widgets.virtual_table import Column, Runs

MEDIUM, WIDE = 70, 110
BAR = 10
SHOWN_STEPS, SHOWN_HANDLERS = 8, 40
SIGNS: dict[str, tuple[str, Tone]] = {
    "running": ("● running", "running"),
    "draining": ("◔ draining", "waiting"),
    "lost": ("✗ lost", "failed"),
    "stopped": ("○ stopped", "stopped"),
}
"""How a state looks: those that are dead are told by shape and word."""
URGENCY = ("lost", "running", "draining", "stopped")


class WorkerColumns:
    """Makes the columns; ages are as of `clock`."""

    def __init__(self, clock: Clock, ascii_only: bool) -> None:
        self._clock, self._ascii = clock, ascii_only

    def __call__(self, width: int) -> Sequence[Column[WorkerInfo]]:
        """The columns for a list of this width in cells."""
        name = Column("NAME", 0, _name, rank=lambda row: row.name)
        state = Column("STATE", 10, _state, rank=lambda row: urgency(row.state))
        busy = Column("BUSY", 9, _busy, "right", rank=lambda row: row.busy)
        heard = Column("HEARD", 5, self._heard, "right", rank=lambda row: -row.last_heartbeat_at.timestamp())
        if width < MEDIUM:
            return [name, state, busy, heard]
        host = Column(
            "HOST", 24 if width >= WIDE else 16, _host, rank=lambda row: f"{row.hostname}:{row.pid}"
        )
        bar = Column("", BAR, self._bar)
        if width < WIDE:
            return [name, state, busy, bar, heard, host]
        return [
            name,
            state,
            busy,
            bar,
            heard,
            Column("UP", 5, self._up, "right", rank=_up_since),
            host,
            Column("NAMESPACES", 24, _namespaces, rank=lambda row: ", ".join(row.namespaces)),
            Column("HANDLERS", 8, _handlers, "right", rank=lambda row: len(row.handlers)),
        ]

    def _heard(self, row: WorkerInfo, width: int, palette: Palette) -> Runs:
        style = palette.tone("failed", bold=True) if row.state == "lost" else palette.muted
        return [(age(row.last_heartbeat_at, self._clock.now()), style)]

    def _up(self, row: WorkerInfo, width: int, palette: Palette) -> Runs:
        return [("" if _gone(row) else age(row.started_at, self._clock.now()), palette.muted)]

    def _bar(self, row: WorkerInfo, width: int, palette: Palette) -> Runs:
        full, rest = meter(row.busy / row.slots if row.slots else 0, width, ascii_only=self._ascii)
        return [(full, palette.tone("running")), (rest, palette.faint)]


def worker_text(worker: WorkerInfo, held: WorkerSteps | None, now: datetime, palette: Palette) -> Text:
    """What it holds and for how long, and what it can do."""
    text = Text()
    if worker.stuck:
        text.append(
            f"{plural(worker.stuck, 'slot')} held after a time-out\n", palette.tone("waiting", bold=True)
        )
    if worker.state == "lost":
        silent = age(worker.last_heartbeat_at, now)
        text.append(
            f"silent for {silent}: its steps are given to others\n", palette.tone("failed", bold=True)
        )
    if held is not None:
        text.append(
            f"holds {plural(held.held, 'step')}\n" if held.held else "holds no step\n", palette.strong
        )
        for step in held.steps[:SHOWN_STEPS]:
            since = duration((held.calculated_at - step.claimed_at).total_seconds())
            text.append(f"{since:>7}  ", palette.tone("running"))
            text.append(printable(step.step), palette.text)
            text.append(f"  {short_id(str(step.task_uuid))}  {printable(step.handler)}\n", palette.muted)
        if held.held > SHOWN_STEPS:
            text.append(f"         and {count(held.held - SHOWN_STEPS)} more\n", palette.muted)
    names = ", ".join(printable(name) for name in worker.handlers[:SHOWN_HANDLERS])
    more = (
        f" and {len(worker.handlers) - SHOWN_HANDLERS} more" if len(worker.handlers) > SHOWN_HANDLERS else ""
    )
    text.append(f"{plural(len(worker.handlers), 'handler')}: ", palette.strong)
    text.append(f"{names}{more}\n", palette.muted)
    text.append(f"serves {printable(', '.join(worker.namespaces))}  ", palette.muted)
    text.append(f"version {printable(worker.version)}  {worker.worker_uuid}\n", palette.muted)
    return text


def urgency(state: str) -> int:
    """Those that went silent come first."""
    return URGENCY.index(state) if state in URGENCY else len(URGENCY)


def _gone(row: WorkerInfo) -> bool:
    return row.state in ("lost", "stopped")


def _up_since(row: WorkerInfo) -> float | None:
    return None if _gone(row) else -row.started_at.timestamp()


def _name(row: WorkerInfo, width: int, palette: Palette) -> Runs:
    return [(printable(row.name), palette.muted if _gone(row) else palette.text)]


def _state(row: WorkerInfo, width: int, palette: Palette) -> Runs:
    sign, tone = SIGNS.get(row.state, (row.state, "idle"))
    return [(sign, palette.tone(tone, bold=tone == "failed"))]


def _busy(row: WorkerInfo, width: int, palette: Palette) -> Runs:
    return [(f"{count(row.busy)}/{count(row.slots)}", palette.strong if row.busy else palette.muted)]


def _host(row: WorkerInfo, width: int, palette: Palette) -> Runs:
    return [(printable(f"{row.hostname}:{row.pid}"), palette.muted)]


def _namespaces(row: WorkerInfo, width: int, palette: Palette) -> Runs:
    return [(printable(", ".join(row.namespaces)), palette.muted)]


def _handlers(row: WorkerInfo, width: int, palette: Palette) -> Runs:
    return [(count(len(row.handlers)), palette.muted)]
