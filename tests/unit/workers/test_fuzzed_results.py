"""Whatever a handler returns is stored, or is a permanent error that says why: nothing is lost."""

from __future__ import annotations

import asyncio
import json
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import reduce
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, field_serializer

from tests.unit.workers.executing import bench
from workers import StepContext, StepHandler, StepHandlerResult


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text of this error either")


def fail(*_: Any) -> Any:
    raise Broken


class NoText:
    __str__ = __repr__ = fail


class NoItems(Mapping[str, Any]):
    __getitem__ = __iter__ = __len__ = fail


class BadDict(dict[str, Any]):
    items = keys = __iter__ = fail


class BadList(list[Any]):
    __iter__ = fail


class Colour(Enum):
    ODD = NoText()


@dataclass
class Point:
    x: Any


class Model(BaseModel):
    value: int = 1

    @field_serializer("value")
    def written(self, value: int) -> Any:
        return fail()


class SaysWorse(BaseModel):
    said: str

    @field_serializer("said")
    def written(self, said: str) -> Any:
        raise ValueError(said)


class Converts:
    def __step_result__(self) -> StepHandlerResult:
        return next(iter([]))


def raising(error: BaseException) -> Iterator[int]:
    yield 1
    raise error


async def asynchronous() -> Any:
    yield 1


def nested(depth: int) -> Any:
    return reduce(lambda inner, n: [inner] if n % 2 else {"in": inner}, range(depth), 0)


def circle() -> Any:
    around: list[Any] = []
    around.append(around)
    return around


ODD: list[Callable[[], Any]] = [
    NoText,
    NoItems,
    BadDict,
    lambda: BadDict(a=1),
    BadList,
    lambda: BadList([1]),
    lambda: Colour.ODD,
    Model,
    Converts,
    object,
    lambda: NoText,
    lambda: Point(NoText()),
    lambda: UserDict(a=1),
    circle,
    lambda: fail,
    lambda: (n for n in range(3)),
    lambda: raising(ValueError("late")),
    lambda: raising(Broken()),
    lambda: raising(SystemExit(3)),
    lambda: raising(KeyboardInterrupt()),
    lambda: raising(StopIteration()),
    asynchronous,
    lambda: b"\xff\x00",
    lambda: bytearray(b"ok"),
    lambda: {1, "a"},
    lambda: frozenset([NoText()]),
    lambda: Decimal("NaN"),
    lambda: 10**5000,
    lambda: -(10**4299),
    lambda: 1j,
    lambda: datetime.now(UTC),
    lambda: {NoText(): 1},
    lambda: {(1, 2): 3},
    lambda: {None: 1, 1: 2},
    lambda: {"\ud800": 1},
    lambda: {"\0": 1},
    lambda: "x" * 2**20,
    lambda: {"a": "x" * 2**21, "b": NoText},
    lambda: ValueError("returned"),
    lambda: ...,
]

texts = st.text(st.characters(), max_size=20) | st.sampled_from(["\0", "\ud800", "NaN", "\\u0000", '"\\'])
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(4290, 4310).map(lambda digits: 10**digits)
    | st.floats()
    | texts
    | st.binary(max_size=20)
    | st.integers(95, 2000).map(nested)
    | st.sampled_from(ODD).map(lambda make: make())
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts | st.integers() | st.none(), inner, max_size=4)
        | st.tuples(inner)
        | st.builds(Point, inner)
    ),
    max_leaves=8,
)
metadata = st.dictionaries(texts | st.sampled_from(["context", "headers", "retry_after"]), values, max_size=3)
results = (
    values
    | st.builds(StepHandlerResult.success, values, metadata)
    | st.builds(StepHandlerResult.failure, values, values, st.booleans(), metadata, values)
)


class Returns(StepHandler):
    value: Any = None

    async def call(self, context: StepContext) -> Any:
        return self.value


class ReturnsFromAThread(Returns):
    def call(self, context: StepContext) -> Any:
        return self.value


def check_stored(text: str) -> None:
    """PostgreSQL takes it as jsonb."""
    json.loads(text, parse_constant=fail, parse_int=str)
    text.encode()
    assert "\\u0000" not in text.replace("\\\\", "")


@pytest.mark.parametrize(
    "value",
    [
        SaysWorse(said="no \0 and \ud800"),
        SaysWorse(said="x" * 2**21),
        {"k" * 2**21: 1},
        {"a\0": "x" * 2**21},
    ],
    ids=["odd words", "many words", "long key", "odd key"],
)
async def test_a_reason_that_could_not_be_stored_either_is_cut(value: Any) -> None:
    handler = Returns()
    handler.value = value
    with bench(handler) as executor:
        finished = await executor.run()
    assert finished.details is not None
    check_stored(finished.details)
    assert len(finished.details) < 64 * 1024
    assert json.loads(finished.details)["message"].startswith("what the handler returned can't be stored")


@pytest.mark.parametrize("kind", [Returns, ReturnsFromAThread])
def test_whatever_is_returned_is_stored_or_says_why(kind: type[Returns]) -> None:
    handler = kind()

    async def submitted(value: Any) -> Any:
        handler.value = value
        with bench(handler) as executor:
            return await executor.run()

    with asyncio.Runner() as runner:

        @settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
        @given(results)
        def check(value: Any) -> None:
            finished = runner.run(submitted(value))
            if finished.success:
                check_stored(finished.result)
            if finished.details is not None:
                check_stored(finished.details)
            if not finished.success:
                said = json.loads(finished.details, parse_int=str)
                assert said["message"]
                asked = isinstance(value, StepHandlerResult) and not value.is_success
                assert asked or said["retryable"] is False, said

        check()
