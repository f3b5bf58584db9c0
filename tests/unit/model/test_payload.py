import contextlib
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_serializer

from engine.model.payload import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    PayloadRejected,
    PayloadTooLarge,
    dump_json,
    load_json,
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=30)

odd_texts = st.text(st.characters() | st.sampled_from('\0\ud800\\"[]{}'))
odd_scalars = scalars | st.floats() | odd_texts | st.sampled_from([object(), b"\xff", 1j, "NaN", "\\u0000"])
odd_values = st.recursive(
    odd_scalars,
    lambda inner: st.lists(inner) | st.dictionaries(odd_texts, inner) | st.tuples(inner),
    max_leaves=30,
)


def nested(depth: int, leaf: Any = 1) -> Any:
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"k": leaf}
    return leaf


def rejected(value: Any, **options: int) -> PayloadRejected:
    with pytest.raises(PayloadRejected) as caught:
        dump_json(value, **options)
    return caught.value


@given(values)
def test_what_is_written_is_read_again(value):
    again = load_json(dump_json(value))
    assert again == value
    assert json.dumps(again) == json.dumps(value)  # 1, 1.0 and True are told apart


@given(odd_values)
@example({"a": [1.0, {"b": math.nan}]})
@example({'"]': nested(150, '["'), "[": "]"})
def test_any_value_is_kept_exactly_or_refused(value):
    try:
        text = dump_json(value)
    except PayloadRejected:
        return
    read = json.loads(text, parse_constant=pytest.fail)
    assert read == load_json(text)
    assert not [text for text in flat_texts(read) if "\0" in text]


def flat_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in flat_texts(item)]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in [key, *flat_texts(item)]]
    return []


@given(st.text() | st.binary())
@example("NaN")
@example('"\\ud800"')
@example("[" * 1000)
def test_a_text_is_read_or_refused(text):
    with contextlib.suppress(PayloadRejected):
        load_json(text)


@pytest.mark.parametrize("number", [6**64, -(6**64), 2**63, 10**MAX_DIGITS - 1])
def test_whole_numbers_keep_every_digit(number):
    assert load_json(dump_json({"n": number})) == {"n": number}


class Item(BaseModel):
    price: Decimal
    at: datetime
    parts: list[float] = Field(serialization_alias="pieces", default_factory=list)


class Reading(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")
    values: list[float]


@dataclass
class Box:
    content: Any


def test_python_values_are_written_as_pydantic_does():
    item = Item(price=Decimal("1.10"), at=datetime(2026, 1, 31, tzinfo=UTC), parts=[1.5])
    written = load_json(dump_json({"item": item, "id": UUID(int=1), "box": Box({1, 2})}))
    assert written["item"] == item.model_dump(mode="json")
    assert written["id"] == str(UUID(int=1))
    assert sorted(written["box"]["content"]) == [1, 2]


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ({"a": [1, {"b": math.nan}]}, "a[1].b", "NaN"),
        ([math.inf], "[0]", "Infinity"),
        ({"reading": Reading(values=[0.5, -math.inf])}, "reading.values[1]", "Infinity"),
        ({"box": Box([math.nan])}, "box.content[0]", "NaN"),
        ({"a b": {"c": "x\0"}}, '["a b"].c', "NUL"),
        ({"x": {"k\0": 1}}, "x", "NUL"),
        ({"x": ["ok", "\ud800"]}, "x[1]", "surrogate"),
        ({"x": {"\ud800": 1}}, "x", "cannot be written as JSON"),
        ({"x": [object()]}, "x[0]", "type object"),
        ({"x": ({"y": test_whole_numbers_keep_every_digit},)}, "x[0].y", "type function"),
        ({"x": b"\xff"}, "x", "not UTF-8"),
        ({"x": 10**MAX_DIGITS}, "x", "digits"),
        (nested(MAX_DEPTH + 1), "", "deeper than 100"),
        (nested(3000), "", "deeper than 100"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(value, path, words):
    problem = rejected(value)
    assert problem.path == path
    assert words in problem.reason
    assert problem.hint


@pytest.mark.parametrize(
    "value",
    [
        "NaN", "-Infinity", "\\u0000", "\\", '"', "9" * 5000, ["["] * 200, [["x"]] * 200,
        {"{": ["}"] * 200}, nested(MAX_DEPTH), {"text": "9" * 5000, "n": 1},
    ],
)  # fmt: skip
def test_what_only_looks_bad_is_kept(value):
    assert load_json(dump_json(value)) == value


def test_a_value_that_contains_itself_is_refused():
    loop: dict[str, Any] = {}
    loop["again"] = [loop]
    assert "contains itself" in rejected(loop).reason


class Broken(BaseModel):
    @model_serializer
    def give_up(self) -> dict[str, Any]:
        raise RuntimeError("no price list")


def test_a_serialiser_that_raises_is_named_with_its_place():
    problem = rejected({"a": [Broken()]})
    assert problem.path == "a[0]"
    assert "no price list" in problem.reason


def test_the_limit_counts_bytes_and_names_the_largest_part():
    value = {"small": 1, "rows": ["é" * 10] * 10}
    size = len(dump_json(value).encode())
    assert dump_json(value, limit_bytes=size)
    problem = rejected(value, limit_bytes=size - 1)
    assert isinstance(problem, PayloadTooLarge)
    assert "'rows'" in problem.reason
    assert f"{size:,} bytes" in problem.reason


def test_the_limit_is_one_mebibyte_by_default():
    assert len(dump_json("x" * (MAX_BYTES - 2))) == 1_048_576
    assert isinstance(rejected("x" * (MAX_BYTES - 1)), PayloadTooLarge)
