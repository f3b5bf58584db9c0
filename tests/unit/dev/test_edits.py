"""What is told of an edit."""

from __future__ import annotations

from tasker_tui.dev.edits import what_came
from tasker_tui.dev.report import WorkerFacts


def test_only_what_changed_is_told():
    before = WorkerFacts(
        registered=["a", "gone"],
        templates={"demo/same 1.0.0": "unchanged", "demo/old 1.0.0": "unchanged"},
        problems=["a.py:1: wrong", "b.py:1: wrong"],
    )
    now = WorkerFacts(
        registered=["a", "fresh"],
        templates={"demo/new 1.0.0": "created", "demo/same 1.0.0": "replaced"},
        problems=["b.py:1: wrong", "c.py:1: wrong"],
    )
    assert what_came(before, now) == [
        "2 handlers and 2 templates are loaded",
        "handler fresh is new",
        "handler gone is gone",
        "template demo/new 1.0.0 was created",
        "template demo/same 1.0.0 was replaced",
        "template demo/old 1.0.0 is no longer read",
        "mended: 1 of the problems before",
    ]
    assert what_came(now, now)[1:] == [
        "template demo/new 1.0.0 was created",
        "template demo/same 1.0.0 was replaced",
    ]
