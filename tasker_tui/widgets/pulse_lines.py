"""The lines of the pulse: what needs an operator, then how much is done, waits and runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.model.wire.queues import Queue
from engine.model.wire.statistics import StatisticsBucket
from tasker_tui.locator import Locator
from tasker_tui.pulse import Pulse, of_last_minute, tasks_in, troubles
from tasker_tui.states import TASK_MARKS, Tone
from tasker_tui.text import count, duration, fit, plural, printable
from tasker_tui.themes import Palette
from tasker_tui.widgets.spark import curve, meter, spark
from tasker_tui.widgets.virtual_table import Runs

SHOWN_TROUBLES, SHOWN_QUEUES = 7, 7
CURVE_LINES = 3
NAME, NUMBER, UNIT, METER = 14, 9, 8, 12
PEAK = 16
WIDE = 60
LEAST = 0.0005
"""A smaller share would be rounded to nothing."""
MINUTES = 60
"""A minute a cell."""

Draw = Callable[[int, Palette], Runs]


@dataclass(frozen=True, slots=True)
class PulseLine:
    """A line. `section` stands left of the first one of a section; enter leads to `place`, None: nowhere.

    The cursor skips what is not `solid`: what belongs to the line above it, and gaps.
    """

    key: str
    draw: Draw
    place: Locator | None = None
    solid: bool = True
    section: str = ""


class PulseLines:
    """Makes the lines; where it is `tall` there are gaps between the sections, and a curve."""

    def __init__(self, ascii_only: bool) -> None:
        self._ascii = ascii_only

    def __call__(self, pulse: Pulse, now: datetime, lag_ms: int | None, *, tall: bool) -> list[PulseLine]:
        """All lines from the top."""
        sections = {
            "NEEDS YOU": self._troubles(pulse, now),
            "DONE": self._done(pulse, tall=tall),
            "QUEUES": self._queues(pulse),
            "WORKERS": self._workers(pulse),
            "OPEN TASKS": self._tasks(pulse),
            "SERVER": self._server(pulse, lag_ms),
        }
        lines: list[PulseLine] = []
        for name, found in sections.items():
            if lines and tall:
                lines.append(PulseLine(f"gap {name}", said(""), solid=False))
            lines += [line if i else replace(line, section=name) for i, line in enumerate(found)]
        return lines

    def _troubles(self, pulse: Pulse, now: datetime) -> Iterator[PulseLine]:
        found = troubles(pulse, now)
        if not found:
            yield PulseLine("well", said("✓ nothing: all that can go on does", "ok", bold=True))
        for one in found[:SHOWN_TROUBLES]:
            bad = one.tone == "failed"
            yield PulseLine(
                one.key, said(f"{'✗' if bad else '▲'} {one.words}", one.tone, bold=bad), one.place
            )
        if len(found) > SHOWN_TROUBLES:
            yield PulseLine("more", said(f"and {len(found) - SHOWN_TROUBLES} more"))

    def _done(self, pulse: Pulse, *, tall: bool) -> Iterator[PulseLine]:
        found = pulse.statistics
        steps = [bucket.steps_completed for bucket in found.buckets]
        tasks = [bucket.tasks_completed for bucket in found.buckets]
        yield self._rate("tasks", of_last_minute(found, "tasks_completed"), tasks, Locator("tasks"))
        yield self._rate("steps", of_last_minute(found, "steps_completed"), steps, Locator("events"), tall)
        for line in range(CURVE_LINES if tall else 0):
            yield PulseLine(f"curve {line}", self._curve(steps, line), solid=False)
        yield self._errors(found.buckets, found.total)

    def _rate(
        self, name: str, now: float, values: Sequence[int], place: Locator, bare: bool = False
    ) -> PulseLine:
        def draw(width: int, palette: Palette) -> Runs:
            most = f"  peak {count(max(values, default=0))}"
            return [
                (fit(name, NAME), palette.text),
                (f"{count(round(now))}".rjust(NUMBER), palette.strong),
                (" /min".ljust(UNIT), palette.muted),
                ("" if bare else self._spark(values, width), palette.tone("running")),
                (most if width >= WIDE else "", palette.muted),
            ]

        return PulseLine(f"rate {name}", draw, place)

    def _spark(self, values: Sequence[float], width: int) -> str:
        return spark(values[-MINUTES:], _room(width), ascii_only=self._ascii)

    def _curve(self, values: Sequence[int], line: int) -> Draw:
        def draw(width: int, palette: Palette) -> Runs:
            before = NAME + NUMBER + UNIT
            minutes = values[-MINUTES:]
            halves = minutes if self._ascii else [value for value in minutes for _ in range(2)]
            drawn = curve(halves, _room(width), CURVE_LINES, ascii_only=self._ascii)
            return [(" " * before, palette.muted), (drawn[line], palette.tone("running"))]

        return draw

    def _errors(self, buckets: Sequence[StatisticsBucket], total: StatisticsBucket) -> PulseLine:
        def draw(width: int, palette: Palette) -> Runs:
            share = _failing(total)
            style = palette.tone("failed", bold=True) if share else palette.text
            shares = self._spark([_failing(one) for one in buckets], width)
            return [
                (fit("failed steps", NAME), palette.text),
                ((f"{100 * share:.1f} %" if share >= LEAST or not share else "< 0.1 %").rjust(NUMBER), style),
                (" in 1h".ljust(UNIT), palette.muted),
                (shares, palette.tone("failed")),
                (f"  {count(total.steps_failed)} in all" if width >= WIDE else "", palette.muted),
            ]

        return PulseLine("errors", draw, Locator("failures"))

    def _queues(self, pulse: Pulse) -> Iterator[PulseLine]:
        most = max((queue.ready for queue in pulse.queues), default=0)
        found = sorted(pulse.queues, key=lambda queue: -queue.ready)
        if not found:
            yield PulseLine("no queue", said("no template is registered yet"), Locator("queues"))
        for queue in found[:SHOWN_QUEUES]:
            yield self._queue(queue, most)
        if len(found) > SHOWN_QUEUES:
            more = plural(len(found) - SHOWN_QUEUES, "more namespace")
            yield PulseLine("queues", said(f"and {more}"), Locator("queues"))

    def _queue(self, queue: Queue, most: int) -> PulseLine:
        def draw(width: int, palette: Palette) -> Runs:
            old = f"oldest {duration(queue.oldest_seconds)}" if queue.oldest_seconds is not None else ""
            slots = f"{count(queue.in_progress)} running  {count(queue.busy)}/{count(queue.slots)} slots"
            return [
                (fit(printable(queue.namespace), NAME), palette.text),
                (f"{count(queue.ready)}".rjust(NUMBER), palette.strong if queue.ready else palette.muted),
                (" ready".ljust(UNIT), palette.muted),
                *self._meter(queue.ready / most if most else 0, "queued", palette),
                (f"  {old:<15}", palette.muted),
                (
                    "‖ paused" if queue.paused else slots,
                    palette.tone("waiting") if queue.paused else palette.muted,
                ),
            ]

        return PulseLine(f"queue {queue.namespace}", draw, Locator("queues"))

    def _meter(self, share: float, tone: Tone, palette: Palette) -> Runs:
        full, rest = meter(share, METER, ascii_only=self._ascii)
        return [(full, palette.tone(tone)), (rest, palette.faint)]

    def _workers(self, pulse: Pulse) -> Iterator[PulseLine]:
        alive = pulse.alive
        busy, slots = sum(one.busy for one in alive), sum(one.slots for one in alive)

        def draw(width: int, palette: Palette) -> Runs:
            lost = f"  ✗ {len(pulse.lost)} lost" if pulse.lost else ""
            return [
                (
                    fit(f"{len(alive)} alive", NAME),
                    palette.text if alive else palette.tone("failed", bold=True),
                ),
                (f"{count(busy)}/{count(slots)}".rjust(NUMBER), palette.strong if busy else palette.muted),
                (" slots".ljust(UNIT), palette.muted),
                *self._meter(busy / slots if slots else 0, "running", palette),
                (lost, palette.tone("failed", bold=True)),
            ]

        yield PulseLine("workers", draw, Locator("workers"))

    def _tasks(self, pulse: Pulse) -> Iterator[PulseLine]:
        backlog = pulse.statistics.backlog
        if not backlog.task_states:
            yield PulseLine("no task", said("none"), Locator("tasks"))
        for state, number in backlog.task_states.items():
            mark = TASK_MARKS[state]
            share = number / backlog.open_tasks
            name = f"{mark.glyph(self._ascii)} {mark.word}"
            yield PulseLine(f"state {state}", self._state(name, number, share, mark.tone), tasks_in(state))

    def _state(self, name: str, number: int, share: float, tone: Tone) -> Draw:
        def draw(width: int, palette: Palette) -> Runs:
            return [
                (fit(name, NAME), palette.tone(tone)),
                (count(number).rjust(NUMBER), palette.strong),
                (" " * UNIT, palette.muted),
                *self._meter(share, tone, palette),
            ]

        return draw

    def _server(self, pulse: Pulse, lag_ms: int | None) -> Iterator[PulseLine]:
        health = pulse.health
        if health is None:
            yield PulseLine("server", said("✗ takes no work", "failed", bold=True))
            return
        words = [f"database {health.checks.web_database.duration_ms} ms"]
        if pools := health.info.pool_utilization:
            words.append(f"{pools.tasker_pool.utilization_percent:.0f} % of its connections")
        if lag_ms is not None:
            words.append(f"screen {lag_ms} ms behind")
        words.append(f"version {printable(health.info.version)}")
        tones: dict[str, Tone] = {"healthy": "ok", "unhealthy": "failed"}
        tone = tones.get(health.status, "waiting")

        def draw(width: int, palette: Palette) -> Runs:
            return [(fit(f"● {health.status}", NAME), palette.tone(tone)), ("  ".join(words), palette.muted)]

        yield PulseLine("server", draw)


def said(text: str, tone: Tone | None = None, *, bold: bool = False) -> Draw:
    """One text, muted or in a tone."""
    return lambda width, palette: [(text, palette.tone(tone, bold=bold) if tone else palette.muted)]


def _room(width: int) -> int:
    """The cells of a sparkline between the number and the peak."""
    return max(0, min(MINUTES, width - NAME - NUMBER - UNIT - (PEAK if width >= WIDE else 0)))


def _failing(counts: StatisticsBucket) -> float:
    ended = counts.steps_completed + counts.steps_failed
    return counts.steps_failed / ended if ended else 0.0
