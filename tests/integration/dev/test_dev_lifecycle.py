"""How `tasker dev` ends and begins again, what it leaves behind, and what it notices while it runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tasker_tui.dev import rabbitmq
from tasker_tui.dev.errors import StackError
from tests.support.dev import Start, starter, until

TEMPLATE = """
name: greeting
namespace_name: demo
version: 1.0.0
identity_strategy: always_unique
steps:
  - name: greet
    handler: {callable: greet}
"""
HANDLER = """
from workers import step_handler

@step_handler("greet")
def greet(context):
    return {"text": "WORD"}
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starter(tmp_path) as start:
        yield start


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_the_data_stays(start: Start, how: signal.Signals) -> None:
    dev = start()
    uuid = dev.runs("linear_workflow")
    assert dev.stop(how) == 0
    assert dev.survivors() == []
    assert dev.process.stdout.read() == ""

    again = start()
    assert json.loads(again.tasker("show", uuid, "--json").stdout)["status"] == "complete"


def test_killed_in_the_middle_it_leaves_nothing_and_starts_again(start: Start) -> None:
    dev = start()
    dev.runs("linear_workflow")
    dev.stop(signal.SIGKILL)
    assert dev.survivors() == []
    start().runs("linear_workflow")


def _broker(url: str) -> object:
    return httpx.get(f"{url}/v1/queues").json()["broker"]


def test_a_rabbitmq_of_its_own_ends_with_it(start: Start) -> None:
    dev = start("--broker", "rabbitmq")
    dev.runs("linear_workflow")
    until(
        lambda: _broker(dev.url) == {"name": "rabbitmq", "connected": True, "problem": None},
        "the broker is told as connected",
    )
    programs = {Path(child.exe()).name for child in dev.first_children}
    assert {"beam.smp", "epmd"} <= programs
    dev.stop(signal.SIGKILL)
    assert dev.survivors() == []


def test_without_rabbitmq_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq, "SERVER_PLACES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackError, match="RabbitMQ is not installed") as refused:
        rabbitmq.PrivateRabbit(tmp_path)
    assert "apt-get install rabbitmq-server" in refused.value.hint
    assert "RABBITMQ_URL" in refused.value.hint


def test_own_workflows_are_served_and_edits_are_picked_up(start: Start, tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "greeting.yaml").write_text(TEMPLATE)
    (flows / "handlers.py").write_text(HANDLER.replace("WORD", "hello"))
    dev = start("--templates", flows, "--handlers", flows)

    def greeting() -> str:
        uuid = dev.runs("greeting", namespace="demo")
        return json.loads(dev.tasker("steps", uuid, "--json").stdout)[0]["results"]["result"]["text"]

    assert greeting() == "hello"
    (flows / "handlers.py").write_text(HANDLER.replace("WORD", "good evening"))
    until(lambda: "handlers.py changed; the worker restarts" in dev.log, "the restart")
    until(lambda: greeting() == "good evening", "the new greeting")

    (flows / "greeting.yaml").write_text(TEMPLATE.replace("name: greet\n", "name: salute\n"))
    until(lambda: "greeting.yaml changed; the worker restarts" in dev.log, "the restart")

    def step_names() -> list[str]:
        uuid = dev.runs("greeting", namespace="demo")
        return [step["name"] for step in json.loads(dev.tasker("steps", uuid, "--json").stdout)]

    until(lambda: step_names() == ["salute"], "the new template")


def test_a_database_of_the_users_is_used_and_left_alone(start: Start, database: str) -> None:
    dev = start("--database-url", database)
    uuid = dev.runs("linear_workflow")
    assert sorted(child.cmdline()[-1] for child in dev.first_children) == ["server", "worker"]
    assert dev.stop() == 0

    again = start("--database-url", database)
    assert json.loads(again.tasker("show", uuid, "--json").stdout)["status"] == "complete"
