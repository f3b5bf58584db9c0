"""The tabs that tell in words: the error, and why the step is where it is."""

from __future__ import annotations

from textwrap import wrap

from rich.text import Text

from tasker_tui.backtraces import failing_place
from tasker_tui.reasons import TOLD_ELSEWHERE
from tasker_tui.step_report import StepFacts, error_text, json_text, why
from tasker_tui.step_tabs.base import TextTab
from tasker_tui.text import clock_time, folded, json_lines, printable
from tasker_tui.themes import Palette


class ErrorTab(TextTab):
    """The newest error, where it was raised, and the whole traceback."""

    NAME = "error"

    def text(self, facts: StepFacts, palette: Palette, width: int) -> Text:
        """The line of source first: it is what one looks for."""
        error = facts.step.error
        if error is None:
            return Text("\n  No attempt of this step has failed.", palette.muted)
        text = Text("\n")
        place = failing_place(error.backtrace)
        if place is not None:
            where = f"{printable(place.name)} in " if place.name else ""
            text.append(f"{where}{printable(str(place))}\n", palette.strong)
            if place.source:
                text.append(
                    "\n".join(folded(f"  {printable(place.source)}", width, "    ")) + "\n", palette.accent
                )
            text.append("\n")
        text.append_text(error_text(error, palette, width, limit=None))
        return text


class WhyTab(TextTab):
    """Why the step is where it is, from what it waits for to what is known of it."""

    NAME = "why"

    def text(self, facts: StepFacts, palette: Palette, width: int) -> Text:
        """The sentence, the steps that it waits for, and the server's data."""
        step, reason = facts.step, facts.reason
        text = Text("\n")
        own = why(step, facts.parents, facts.now)
        said = (
            reason.sentence if reason is not None and (reason.kind not in TOLD_ELSEWHERE or not own) else own
        )
        if said is None:
            ended = f", since {clock_time(step.completed_at)}" if step.completed_at else ""
            said = f"{step.name} is {step.mark.word}{ended}: it waits for nothing"
        lines = [piece for line in printable(said).splitlines() for piece in wrap(line, width) or [""]]
        text.append("\n".join(lines) + "\n", palette.strong)
        if facts.parents:
            text.append("\nafter\n", palette.muted)
        for parent in facts.parents:
            text.append(f"  {parent.mark.glyph(facts.ascii_only)} ", palette.tone(parent.mark.tone))
            text.append(f"{printable(parent.name)}  ", palette.text)
            text.append(f"{parent.mark.word}\n", palette.tone(parent.mark.tone))
        if reason is not None and reason.data:
            text.append("\nas the server counts it\n", palette.muted)
            for line in json_lines(reason.data):
                text.append_text(json_text(f"  {line}", palette))
                text.append("\n")
        return text
