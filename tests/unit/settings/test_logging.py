"""Logging: JSON for machines in production, lines for people elsewhere, one way for all loggers."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine.observability.logging import configure_logging
from engine.settings import load_settings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(environment: str, **logging_settings: str) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(load_settings(environment=environment, logging=logging_settings), stream=stream)
    return stream


def test_production_writes_one_json_object_an_event() -> None:
    stream = lines("production")
    extra = {"steps": 4, "color_message": "made [bold]4", "odd": {1: object}}
    before = datetime.now(UTC)
    logging.getLogger("engine").info("made %s", "4\nsteps", extra=extra)
    [line] = stream.getvalue().splitlines()
    event = json.loads(line)
    assert before <= datetime.fromisoformat(event.pop("timestamp")) <= datetime.now(UTC)
    assert event == {
        "event": "made 4\nsteps",
        "steps": 4,
        "odd": {"1": "<class 'object'>"},
        "level": "info",
        "logger": "engine",
    }


@pytest.mark.parametrize("environment", ["production", "development"])
def test_an_exception_is_written_with_its_traceback(environment: str) -> None:
    stream = lines(environment)
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("x").exception("handler failed")
    assert "ValueError: broken" in stream.getvalue()
    assert "test_logging.py" in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 1 or environment == "development"


@pytest.mark.parametrize("value", ["\ud800", 2**80])
def test_what_json_can_hardly_hold_is_written_all_the_same(value: object) -> None:
    stream = lines("production")
    logging.getLogger("x").info("odd", extra={"value": value})
    assert json.loads(stream.getvalue())["value"] == value


def test_development_writes_for_people() -> None:
    stream = lines("development")
    logging.getLogger("engine").info("task created", extra={"steps": 4})
    assert stream.getvalue().endswith(" INFO    engine: task created steps=4\n")


@pytest.mark.parametrize(("format_", "is_json"), [("json", True), ("console", False)])
def test_the_format_can_be_chosen(format_: str, is_json: bool) -> None:
    stream = lines("test", format=format_)
    logging.getLogger().info("hello")
    assert stream.getvalue().startswith("{") is is_json


def test_only_what_is_as_loud_as_the_level_is_written() -> None:
    stream = lines("test", level="warning")
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").error("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_what_libraries_say_of_every_request_is_left_out() -> None:
    stream = lines("development")
    logging.getLogger("httpx").info("GET /")
    assert stream.getvalue() == ""


def test_a_library_that_reports_a_lost_connection_does_so_in_a_line() -> None:
    stream = lines("development")
    try:
        raise OSError("100 % gone")
    except OSError:
        logging.getLogger("asyncpg.pool").warning("not %s; retrying", "restored", exc_info=True)
    [line] = stream.getvalue().splitlines()
    assert line.endswith("asyncpg.pool: not restored; retrying: 100 % gone")
