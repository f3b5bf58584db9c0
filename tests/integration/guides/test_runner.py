"""The runner of the guides notices what is not as a guide shows it."""

from __future__ import annotations

import pytest

from tests.support.doc_examples import worker_environment
from tests.support.doc_guides import Guide, commands
from tests.support.doc_output import Bindings

ONE, OTHER = "019ab000-0000-7000-8000-000000000001", "019ab000-0000-7000-8000-000000000002"
REAL, REAL_OTHER = "01a20df8-bcdd-7b5d-979e-1c0b9e4ed8d7", "01a20df8-bcdd-7b5d-979e-1c0b9e4ed8d8"


@pytest.mark.parametrize(
    ("shown", "written", "same"),
    [
        ("a  b", "a     b  \n\n", True),
        ("a b", "a c", False),
        ("a\nb", "a", False),
        ("a", "a\nb", False),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\n…\nd", "a\nd", True),
        ("a\n…\nd", "a\nb", False),
        ("error: … is wrong", "error: the name is wrong", True),
        ("error: … is wrong", "error: the name is right", False),
        ("by <name>", "by ada", True),
        ("by <name>", "by ada lovelace", False),
        ("after 41ms, at 2026-11-24 14:38:42 UTC", "after 1m 03s, at 2026-01-02 03:04:05 UTC", True),
        ("4/4 steps", "3/4 steps", False),
        ("attempt 2", "attempt 3", False),
        (f"{ONE} and {ONE}", f"{REAL} and {REAL}", True),
        (f"{ONE} and {ONE}", f"{REAL} and {REAL_OTHER}", False),
        (ONE, "01a20df8", False),
    ],
)
def test_what_counts_as_the_same_output(shown: str, written: str, same: bool):
    assert Bindings().matches(shown.splitlines(), written) is same


def test_an_id_of_a_guide_is_one_and_the_same_task_from_then_on():
    known = Bindings()
    assert known.matches([f"created task {ONE}"], f"created task {REAL}")
    assert known.translate(f"show {ONE} {OTHER}") == f"show {REAL} {OTHER}"
    assert not known.matches([f"retried {ONE}"], f"retried {REAL_OTHER}")
    assert known.matches([f"retried {OTHER}"], f"retried {REAL_OTHER}")


def test_a_console_block_is_commands_and_what_they_write(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text\n\n```console\n$ tasker a \\\n>   'b c'\nout\n\n$ tasker d  # says why\n```\n")
    (fence,) = Guide.read(page).fences
    found = [(one.words, one.shown, one.line) for one in commands(fence)]
    assert found == [(["tasker", "a", "b c"], ["out", ""], 4), (["tasker", "d"], [], 8)]


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("yaml\nname: x\nnamespace_name: n\nversion: 1.0.0\nsteps: []\n", r"page.md:2: the yaml is wrong"),
        ("yaml\nretry: {max_atempts: 3}\n", r"max_atempts"),
        ("yaml\n- {name: a, handlr: {}}\n", r"handlr"),
        ("json\n{'a': 1}\n", r"page.md:2: the json is wrong"),
        ("python\ndef f(:\n", r"page.md:2: the python is wrong"),
        (
            'python\n@step_handler("a")\ndef f(): ...\n@step_handler("a")\ndef g(): ...\n',
            "once: a",
        ),
    ],
)
def test_a_block_that_cannot_be_right_is_named(block: str, complaint: str, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```{block}```\n")
    with pytest.raises(AssertionError, match=complaint):
        worker_environment([Guide.read(page)], tmp_path)
