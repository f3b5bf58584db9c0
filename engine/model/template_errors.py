"""What is wrong with a template, told so that its author can mend all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class TemplateProblem:
    """One thing to mend: `line` and `column` count from 1 (None: not read from a text), `path` as
    `steps[2].dependencies[0]` (empty: the whole template), `hint` what to do (or None)."""

    source: str
    line: int | None
    column: int | None
    path: str
    message: str
    hint: str | None = None


class TemplateInvalid(ValueError):
    """A template that cannot be used; `problems` holds all that is wrong, in the order of the file."""

    def __init__(self, problems: Iterable[TemplateProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
        super().__init__("\n".join(map(explain, self.problems)))


def explain(problem: TemplateProblem) -> str:
    """One line: `order.yaml:12: steps[2].dependencies[0]: unknown step 'foo'; did you mean 'food'?`."""
    place = problem.source if problem.line is None else f"{problem.source}:{problem.line}"
    path = f" {problem.path}:" if problem.path else ""
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"{place}:{path} {problem.message}{hint}"
