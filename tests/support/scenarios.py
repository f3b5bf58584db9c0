"""Checks that every promised acceptance scenario has a test: `python -m tests.support.scenarios`.

A test names the scenarios that it proves by `@pytest.mark.scenario(61)`; `tests/scenarios.toml` says which
numbers are promised.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

PROMISED = Path(__file__).parents[1] / "scenarios.toml"


class Collector:
    """A pytest plugin that notes which scenarios the collected tests are marked with."""

    def __init__(self) -> None:
        self.proven: set[int] = set()
        self.tests = 0

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Called by pytest once all tests are found."""
        self.tests = len(items)
        for item in items:
            for mark in item.iter_markers("scenario"):
                self.proven.update(mark.args)


def numbers(ranges: Iterable[str]) -> set[int]:
    """`["1-3", "7"]` is {1, 2, 3, 7}."""
    found: set[int] = set()
    for text in ranges:
        first, _, last = text.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def collect() -> Collector:
    """Let pytest find all tests; exits when it cannot."""
    collector = Collector()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = pytest.main(["--collect-only", "--quiet", "-p", "no:cacheprovider"], plugins=[collector])
    if code != pytest.ExitCode.OK:
        sys.exit(f"the tests cannot be collected:\n{output.getvalue()[-3000:]}")
    return collector


def main() -> None:
    """Print what is missing, and end with 1 if anything is."""
    promised: Mapping[str, list[str]] = tomllib.loads(PROMISED.read_text())["issues"]
    collector = collect()
    missing = {
        issue: sorted(numbers(ranges) - collector.proven)
        for issue, ranges in promised.items()
        if numbers(ranges) - collector.proven
    }
    for issue, lacking in missing.items():
        print(f"issue {issue}: no test for scenario {', '.join(map(str, lacking))}")
    if missing:
        sys.exit(1)
    print(f"{len(collector.proven)} scenarios are proven by {collector.tests} tests")


if __name__ == "__main__":
    main()
