import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.payload import dump_json
from engine.model.template_errors import TemplateInvalid, explain
from engine.model.template_yaml import MAX_CHARACTERS, read_yaml


def first_problem(text: str) -> str:
    with pytest.raises(TemplateInvalid) as caught:
        read_yaml(text, "t.yaml")
    return explain(caught.value.problems[0])


def told(text: str) -> list[str]:
    return [explain(problem) for problem in read_yaml(text, "t.yaml").problems]


def test_plain_words_are_read_as_yaml_1_2_does():
    text = "a: [no, on, yes, 2026-01-31, 1:30, 0o17, 0x1f, 1e3, .5, +7, -0, ~, null, true, FALSE, 1_000, 007]"
    assert read_yaml(text, "t").value == {
        "a": ["no", "on", "yes", "2026-01-31", "1:30", 15, 31, 1000.0, 0.5, 7, 0, None, None, True, False,
              "1_000", 7]
    }  # fmt: skip


def test_quotes_and_tags_decide():
    text = (
        """["1", 'true', !!str 1, !!int "5", !!float 1.5, !!null "", !!bool true, !!timestamp 2026-01-31]"""
    )
    assert read_yaml(text, "t").value == ["1", "true", "1", 5, 1.5, None, True, "2026-01-31"]


def test_keys_are_texts_as_written():
    read = read_yaml("{1: a, no: b, 1.50: c, null: d}", "t").value
    assert read == {"1": "a", "no": "b", "1.50": "c", "null": "d"}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_json_is_read_as_itself(value):
    assert json.dumps(read_yaml(dump_json(value), "t").value) == json.dumps(value)


def test_every_key_and_item_has_its_line_and_column():
    mark = read_yaml("a:\n  b:\n    - 1\n    - c: 2\n", "t").mark
    assert (mark.at(("a", "b")).line, mark.at(("a", "b")).column) == (2, 3)
    assert (mark.at(("a", "b", 1, "c")).line, mark.at(("a", "b", 1, "c")).column) == (4, 7)
    assert mark.at(("a", "b", 9, "x")).line == 2


def test_aliases_and_merge_keys_work():
    text = """\
base: &base {retries: 1, tags: [a]}
more: &more {retries: 2, other: 3}
one: {<<: *base, tags: [b]}
two: {<<: [*base, *more]}
three: *base
"""
    read = read_yaml(text, "t").value
    assert read["one"] == {"retries": 1, "tags": ["b"]}
    assert read["two"] == {"retries": 1, "tags": ["a"], "other": 3}
    assert read["three"] == {"retries": 1, "tags": ["a"]}


def test_a_problem_in_a_merged_key_points_to_where_it_is_written():
    mark = read_yaml("base: &base\n  retries: 1\none:\n  <<: *base\n", "t").mark
    assert mark.at(("one", "retries")).line == 2


def test_a_key_given_twice_is_told_with_both_lines():
    assert told("a: 1\nb: 2\na: 3\n") == ["t.yaml:3: a: is given twice, first in line 1; keep one"]


def test_all_doubles_are_told_and_the_first_value_stays():
    read = read_yaml("x: {a: 1, a: 2}\nx: 3\n", "t.yaml")
    assert read.value == {"x": {"a": 1}}
    assert len(read.problems) == 2


def bomb(levels: int) -> str:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_a_bomb_of_aliases_is_refused_before_it_goes_off():
    assert "more than 500,000 values" in first_problem(bomb(30))


def test_a_few_aliases_are_no_bomb():
    assert read_yaml(bomb(4), "t").problems == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.yaml: the template is empty"),
        ("# nothing", "t.yaml: the template is empty"),
        ("a: 1\n---\nb: 2", "t.yaml:2: a second document begins here"),
        ("a: 'x", "t.yaml:1: not valid YAML: while scanning a quoted scalar, found unexpected end of stream"),
        ("a:\n  b: c: d", "t.yaml:2: not valid YAML: mapping values are not allowed"),
        ("a: 1\nb: \x01", "t.yaml:2: not valid YAML: control characters"),
        ("a: 1\nb: \ud800", "t.yaml:2: text with a lone surrogate"),
        ("a: *nowhere", "t.yaml:1: alias '*nowhere' without an anchor before it"),
        ("a: &a [*a]", "t.yaml:1: alias '*a' without an anchor before it"),
        ("? [a, b]\n: 1", "t.yaml:1: a key must be a plain text"),
        ("[" * 200_000, "t.yaml:1: nested deeper than 100 levels"),
        ("x" * (MAX_CHARACTERS + 1), "t.yaml: 8,388,609 characters"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text, message):
    assert first_problem(text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: .nan", "a: .nan is not JSON"),
        ("a: [-.inf]", "a[0]: -.inf is not JSON"),
        ("a: 1e999", "a: 1e999 is too large a number"),
        ("a: " + "9" * 5000, "a: a whole number of 5,000 digits"),
        ("a: !foo 1", "a: '1' with the tag !foo cannot be read"),
        ("a: !!int x", "a: 'x' with the tag"),
        ("a: !!set {x}", "a: the tag tag:yaml.org,2002:set is not supported"),
        ("a: {<<: 5}", "`<<` takes a mapping"),
    ],
)
def test_what_is_not_json_is_told(text, message):
    [problem] = told(text)
    assert message in problem
    assert problem.startswith("t.yaml:1: ")
