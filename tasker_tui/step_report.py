"""What is told about one step: why it stands where it does, its error, attempts, inputs and result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from engine.model.given_inputs import given_inputs
from engine.model.states import STEP_SATISFIES, StepState
from engine.model.wire.details import LogRecord, StepWhy
from engine.model.wire.tasks import StepAuditResponse
from tasker_tui.reasons import TIMED, TOLD_ELSEWHERE
from tasker_tui.states import LOUDEST_FIRST
from tasker_tui.text import (
    clock_time,
    count,
    duration,
    folded,
    json_line,
    json_lines,
    plural,
    printable,
    printable_lines,
)
from tasker_tui.themes import Palette
from tasker_tui.view_models import StepError, StepRow, step_error

BACKTRACE_LINES = 12
NAME_WIDTH = 10
LOG_LINES = 200
NAMED, NEIGHBOURS = 8, 24
"""Steps that are named, in a line and in the lists: a step of a fan-out may have thousands beside it."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """All that the report is made from. `audit` is newest first, None while it loads.

    `reason` is the server's for where the step is, None if it has ended or the server has not said yet.
    """

    step: StepRow
    parents: Sequence[StepRow]
    children: Sequence[StepRow]
    context: Any
    audit: Sequence[StepAuditResponse] | None
    log: Sequence[LogRecord]
    reason: StepWhy | None
    now: datetime
    ascii_only: bool


def _at_most(limit: int, steps: Sequence[StepRow]) -> Sequence[StepRow]:
    """The steps; of more than that those whose state matters most."""
    if len(steps) <= limit:
        return steps
    return sorted(steps, key=lambda step: LOUDEST_FIRST.index(step.mark.tone))[:limit]


def why(step: StepRow, parents: Sequence[StepRow], now: datetime) -> str | None:
    """Why an unfinished step does not run, or for how long it has; None for a finished one."""
    unmet = [parent for parent in parents if parent.state not in STEP_SATISFIES]
    match step.state:
        case StepState.PENDING if unmet:
            named = [f"{printable(p.name)} ({p.mark.word})" for p in _at_most(NAMED, unmet)]
            more = [f"{count(len(unmet) - NAMED)} more"] if len(unmet) > NAMED else []
            return "waits for " + ", ".join(named + more)
        case StepState.PENDING:
            return "ready; about to be enqueued"
        case StepState.ENQUEUED:
            return f"waits for a worker, since {duration((now - step.updated_at).total_seconds())}"
        case StepState.IN_PROGRESS:
            began = step.last_attempted_at or step.updated_at
            return f"running for {duration((now - began).total_seconds())}"
        case StepState.WAITING_FOR_RETRY if step.next_retry_at:
            left = (step.next_retry_at - now).total_seconds()
            return f"retries in {duration(left)}" if left > 0 else "retries now"
        case StepState.ERROR if step.attempts >= step.max_attempts:
            return f"all {plural(step.max_attempts, 'attempt')} failed; r retries it"
        case StepState.ERROR:
            return "failed for good; r retries it"
    return None


def title(facts: StepFacts, palette: Palette) -> Text:
    """State, name, and how many attempts it took."""
    step = facts.step
    glyph = step.mark.glyph(facts.ascii_only)
    line = Text.assemble(
        (f"{glyph} ", palette.tone(step.mark.tone, bold=True)),
        (printable(step.name), palette.strong),
        (f"  {step.mark.word}", palette.tone(step.mark.tone)),
        no_wrap=True,
    )
    if step.attempts:
        since = " since it was retried" if _retried(facts) else ""
        line.append(f"  attempt {step.attempts} of {step.max_attempts}{since}", palette.muted)
    if not _told_below(facts) and (reason := why(step, facts.parents, facts.now)):
        line.append(f"  {reason}", palette.tone("waiting") if not _failed(step) else palette.tone("failed"))
    return line


def _retried(facts: StepFacts) -> bool:
    """Whether there were attempts before those that count, which a retry by hand sets to zero."""
    ended = sum(entry.worker_uuid is not None for entry in facts.audit or ())  # without a worker: by hand
    return ended + (facts.step.state is StepState.IN_PROGRESS) > facts.step.attempts


def state_of_affairs(facts: StepFacts, palette: Palette, width: int) -> Text:
    """The error, the attempts, and what the step is connected with, for a column of `width` cells."""
    report = Text()
    _why(report, facts, palette, width)
    _error(report, facts, palette, width)
    _attempts(report, facts, palette, width)
    _neighbours(report, "after", facts.parents, facts, palette, width)
    _neighbours(report, "then", facts.children, facts, palette, width)
    _fact(report, "handler", printable(facts.step.handler), palette)
    limit = facts.step.timeout_seconds
    _fact(report, "time-out", f"{limit} s" if limit else "none", palette)
    _log(report, facts, palette)
    return report


def data(facts: StepFacts, palette: Palette) -> Text:
    """What the handler is given, and what it returned."""
    report = Text()
    step = facts.step
    if step.result is not None:
        _json(report, "RESULT", step.result, palette)
    results = [parent for parent in facts.parents if parent.result is not None]
    edited = f"  {edited_by(step)}" if step.edit else ""
    report.append(f"INPUT{edited}\n", palette.muted)
    for name, value in _inputs(facts, results[:NEIGHBOURS]).items():
        _json(report, printable(name), value, palette)
    if len(results) > NEIGHBOURS:
        report.append(f"and from {count(len(results) - NEIGHBOURS)} more\n", palette.muted)
    return report


def inputs_of(facts: StepFacts) -> dict[str, Any]:
    """What the handler is given, by where it comes from."""
    return _inputs(facts, [parent for parent in facts.parents if parent.result is not None])


def edited_by(step: StepRow) -> str:
    """Who edited the inputs last, when and why; empty if nobody did."""
    if step.edit is None:
        return ""
    by, reason = printable(step.edit.actor), printable(step.edit.reason)[:80]
    return f"edited by {by} at {clock_time(step.edit.edited_at)}: {reason}"


def _inputs(facts: StepFacts, from_parents: Sequence[StepRow]) -> dict[str, Any]:
    step = facts.step
    inputs = {"context": given_inputs(facts.context or {}, step.inputs)}
    if step.inputs:
        inputs["edited" if step.edit else "of the step"] = step.inputs
    inputs |= {f"from {parent.name}": parent.result for parent in from_parents}
    return inputs | ({"settings": step.settings} if step.settings else {})


def error_text(error: StepError, palette: Palette, width: int, limit: int | None) -> Text:
    """Type, verdict, message and the last `limit` lines of the traceback, None for all of it."""
    text = Text()
    verdict = {True: " (retryable)", False: " (permanent)", None: ""}[error.retryable]
    text.append(f"{printable(error.error_type or 'error')}{verdict}\n", palette.tone("failed", bold=True))
    for line in printable_lines(error.message, 40):
        text.append(f"{line}\n", palette.tone("failed"))
    for line in error.backtrace[-limit:] if limit else error.backtrace:
        for part in printable_lines(line, 4):
            text.append("\n".join(folded(part, width, "    ")) + "\n", palette.muted)
    return text


def _told_below(facts: StepFacts) -> bool:
    return facts.reason is not None and facts.reason.kind not in TIMED


def _why(report: Text, facts: StepFacts, palette: Palette, width: int) -> None:
    if facts.reason is None or facts.reason.kind in TOLD_ELSEWHERE:
        return
    _name(report, "why", palette)
    lines = wrap(printable(facts.reason.sentence), max(20, width - NAME_WIDTH))
    report.append(f"\n{'':{NAME_WIDTH}}".join(lines) + "\n", palette.tone("waiting"))


def _failed(step: StepRow) -> bool:
    return step.state is StepState.ERROR


def _error(report: Text, facts: StepFacts, palette: Palette, width: int) -> None:
    error = facts.step.error
    if error is None or facts.step.state in STEP_SATISFIES:
        return
    report.append_text(error_text(error, palette, width, BACKTRACE_LINES))
    report.append("\n")


def _attempts(report: Text, facts: StepFacts, palette: Palette, width: int) -> None:
    if facts.audit is None:
        _fact(report, "attempts", "loading…" if facts.step.attempts else "", palette)
        return
    for i, entry in enumerate(facts.audit):
        _name(report, "attempts" if i == 0 else "", palette)
        stored = entry.result if isinstance(entry.result, dict) else {}
        failure = None if entry.success else step_error(stored.get("error"))
        tone = palette.tone("ok" if entry.success else "failed")
        glyph = ("✓" if entry.success else "✗") if not facts.ascii_only else ("C" if entry.success else "E")
        spent = "" if entry.execution_time_ms is None else duration(entry.execution_time_ms / 1000)
        worker = str(entry.worker_uuid)[-4:] if entry.worker_uuid else "-"
        line = Text.assemble(
            (f"{glyph} ", tone),
            (f"{clock_time(entry.recorded_at)} {spent:>6}", palette.text),
            (f"  worker {worker}", palette.muted),
            (f"  {_one_line(failure.message)}" if failure else "", tone),
        )
        line.truncate(max(20, width - NAME_WIDTH), overflow="ellipsis")
        report.append_text(line)
        report.append("\n")


def _log(report: Text, facts: StepFacts, palette: Palette) -> None:
    if not facts.log:
        return
    report.append(f"\nLOG of attempt {facts.log[-1].attempt}\n", palette.muted)
    for line in facts.log[-LOG_LINES:]:
        report.append(f"{clock_time(line.at)} ", palette.faint)
        loud = line.level in ("ERROR", "CRITICAL") or line.stream == "stderr"
        report.append(f"{printable(line.message)}\n", palette.tone("failed") if loud else palette.text)


def _one_line(message: str) -> str:
    return printable(message.strip().partition("\n")[0])


def _neighbours(
    report: Text, name: str, steps: Sequence[StepRow], facts: StepFacts, palette: Palette, width: int
) -> None:
    if not steps:
        return
    _name(report, name, palette)
    column = NAME_WIDTH
    shown = _at_most(NEIGHBOURS, steps)
    for i, step in enumerate(shown):
        cells = cell_len(printable(step.name)) + len("  ✓ ")
        if i and column + cells > width:
            report.append(f"\n{'':{NAME_WIDTH}}")
            column = NAME_WIDTH
        elif i:
            report.append("  ")
        column += cells
        report.append(f"{step.mark.glyph(facts.ascii_only)} ", palette.tone(step.mark.tone))
        report.append(printable(step.name), palette.text)
    if len(steps) > len(shown):
        report.append(f"\n{'':{NAME_WIDTH}}and {count(len(steps) - len(shown))} more", palette.muted)
    report.append("\n")


def _fact(report: Text, name: str, value: str, palette: Palette) -> None:
    if value:
        _name(report, name, palette)
        report.append(f"{value}\n", palette.text)


def _name(report: Text, name: str, palette: Palette) -> None:
    report.append(f"{name:<{NAME_WIDTH}}", palette.muted)


def _json(report: Text, name: str, value: Any, palette: Palette) -> None:
    line = json_line(value)
    report.append(f"{name}  ", palette.muted)
    if len(line) <= 60:
        report.append_text(json_text(line, palette))
        report.append("\n")
        return
    report.append("\n")
    for part in json_lines(value):
        report.append_text(json_text(f"  {part}", palette))
        report.append("\n")


def json_text(line: str, palette: Palette) -> Text:
    """A line of JSON with keys, texts and other values told apart."""
    text = Text(line, palette.text)
    text.highlight_regex(r"-?\b\d[\d.eE+-]*\b|\btrue\b|\bfalse\b|\bnull\b", palette.tone("manual"))
    text.highlight_regex(r'"(?:[^"\\]|\\.)*"', palette.tone("ok"))
    text.highlight_regex(r'"(?:[^"\\]|\\.)*"(?=:)', palette.accent)
    return text
