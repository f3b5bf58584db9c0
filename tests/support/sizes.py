"""Shows how large files and functions are, and fails above the limits: `python -m tests.support.sizes`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "workers", "tasker_tui", "migrations")
FILE_LIMIT = 400
FUNCTION_LIMIT = 60
USUAL_FUNCTION = 25
USUAL_SHARE = 0.9

Sized = tuple[int, str]


def files() -> list[Sized]:
    """Lines and path of every module."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [(len(path.read_text().splitlines()), str(path.relative_to(ROOT))) for path in paths]


def functions(path: Path) -> Iterator[Sized]:
    """Lines, without the docstring, and place of every function of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            documented = node.body[0] if ast.get_docstring(node) else None
            described = (
                documented.end_lineno - documented.lineno + 1 if documented and documented.end_lineno else 0
            )
            length = node.end_lineno - node.lineno + 1 - described
            yield length, f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"


def main() -> None:
    """Print the largest and the shares, and end with 1 when a limit is passed."""
    modules = files()
    all_functions = [sized for _, path in modules for sized in functions(ROOT / path)]
    for title, sized, limit in (("files", modules, FILE_LIMIT), ("functions", all_functions, FUNCTION_LIMIT)):
        largest = sorted(sized, reverse=True)[:3]
        print(
            f"{len(sized)} {title}, at most {limit} lines; largest:",
            *(f"{n} {at}" for n, at in largest),
            sep="\n  ",
        )
    usual = sum(length <= USUAL_FUNCTION for length, _ in all_functions) / len(all_functions)
    print(f"{usual:.0%} of functions have at most {USUAL_FUNCTION} lines ({USUAL_SHARE:.0%} are wanted)")
    too_large = [
        *(m for m in modules if m[0] > FILE_LIMIT),
        *(f for f in all_functions if f[0] > FUNCTION_LIMIT),
    ]
    for length, place in too_large:
        print(f"too large: {place} has {length} lines")
    if too_large or usual < USUAL_SHARE:
        sys.exit(1)


if __name__ == "__main__":
    main()
