"""Logging: JSON for machines in production, lines for people elsewhere, one way for all loggers."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from engine.observability.logging import configure_logging
from engine.settings import load_settings


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(environment: str, **logging_settings: str) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(load_settings(environment=environment, logging=logging_settings), stream=stream)
    return stream


def test_production_writes_one_json_object_an_event() -> None:
    stream = lines("production")
    with structlog.contextvars.bound_contextvars(task_uuid="t-1"):
        structlog.get_logger("engine").info("task created", steps=4)
        extra = {"step": "a", "color_message": "it [bold]works"}
        logging.getLogger("someone.else").warning("it %s", "works", extra=extra)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first | {"timestamp": ""} == {
        "event": "task created",
        "steps": 4,
        "task_uuid": "t-1",
        "level": "info",
        "logger": "engine",
        "timestamp": "",
    }
    assert (second["event"], second["logger"], second["task_uuid"]) == ("it works", "someone.else", "t-1")
    assert second["step"] == "a"
    assert "color_message" not in second


def test_an_exception_in_json_is_structured_and_shows_no_variables() -> None:
    stream = lines("production")
    password = "s3cret"
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("handler failed")
    event = json.loads(stream.getvalue())
    assert password not in stream.getvalue()
    assert event["exception"][0]["exc_type"] == "ValueError"


def test_development_writes_for_people() -> None:
    stream = lines("development")
    structlog.get_logger("engine").info("task created", steps=4)
    assert "task created" in stream.getvalue()
    assert "steps=4" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(("format_", "is_json"), [("json", True), ("console", False)])
def test_the_format_can_be_chosen(format_: str, is_json: bool) -> None:
    stream = lines("test", format=format_)
    structlog.get_logger().info("hello")
    assert stream.getvalue().startswith("{") is is_json


def test_the_level_is_respected_by_both_kinds_of_loggers() -> None:
    stream = lines("test", level="warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("x").info("quiet")
    logging.getLogger("x").error("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()
