"""A running `tasker dev` from another terminal: parts are looked at, stopped, started; edits are told of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasker_tui.dev.door import Door
from tests.support.dev import Dev, starter, until

TEMPLATE = """\
name: greeting
namespace_name: demo
version: 1.0.0
identity_strategy: always_unique
steps:
  - name: greet
    handler: {callable: demo.greet}
  - name: wave
    dependencies: [greet]
    handler: {callable: demo.wav}
"""
HANDLERS = """\
from workers import step_handler

@step_handler("demo.greet")
def greet():
    return {"text": "hello"}

@step_handler("demo.wave")
def wave():
    return {}
"""


@dataclass
class Developed:
    """A stack with a workflow of its developer's."""

    dev: Dev
    flows: Path

    def command(self, *arguments: str, code: int = 0) -> str:
        done = self.dev.tasker(*arguments, group="dev")
        assert done.returncode == code, done.stdout + done.stderr + self.dev.log
        return done.stdout if code == 0 else done.stderr

    def status(self) -> dict[str, Any]:
        return asyncio.run(Door(self.dev.url).report()).model_dump(mode="json")

    def part(self, name: str) -> dict[str, Any]:
        return next(part for part in self.status()["parts"] if part["name"] == name)

    def edit(self, problems: int, **texts: str) -> tuple[list[str], list[str]]:
        """Change files and wait until so many problems are left: what came of it in all, and the problems.

        A busy machine may notice the changes one after the other.
        """
        before = len(self.status()["reloads"])
        for name, text in texts.items():
            (self.flows / name.replace("_", ".")).write_text(text)

        def told() -> bool:
            reloads = self.status()["reloads"][before:]
            files = {file for one in reloads for file in one["files"]}
            return len(files) == len(texts) and len(reloads[-1]["problems"]) == problems

        until(told, f"a reload with {problems} problems")
        reloads = self.status()["reloads"][before:]
        return [line for one in reloads for line in one["came"]], reloads[-1]["problems"]


@pytest.fixture(scope="module")
def developed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Developed]:
    folder = tmp_path_factory.mktemp("control")
    flows = folder / "flows"
    flows.mkdir()
    (flows / "greeting.yaml").write_text(TEMPLATE)
    (flows / "handlers.py").write_text(HANDLERS)
    with starter(folder) as start:
        yield Developed(start("--templates", flows, "--handlers", flows), flows)


def problems(status: dict[str, Any]) -> list[str]:
    return [check["text"] for check in status["checks"] if check["verdict"] == "problem"]


def test_it_says_what_runs_and_which_handler_is_missing_where(developed: Developed) -> None:
    status = json.loads(developed.command("status", "--json"))
    assert [(part["name"], part["state"]) for part in status["parts"]] == [
        ("postgres", "running"), ("server", "running"), ("worker", "running"),
    ]  # fmt: skip
    assert status["url"] == developed.dev.url
    assert all(part["memory_bytes"] > 1_000_000 for part in status["parts"])
    (missing,) = problems(status)
    assert missing.startswith(
        f"{developed.flows / 'greeting.yaml'}:10: step 'wave': no handler named 'demo.wav'"
    )
    assert "Did you mean 'demo.wave'?" in missing
    shown = developed.command("status")
    assert "PostgreSQL 18" in shown
    assert f"✗ {developed.flows / 'greeting.yaml'}:10" in shown
    assert "runs with 100 slots" in developed.command("logs", "worker")


def test_an_edit_is_told_with_what_came_of_it(developed: Developed) -> None:
    invalid = TEMPLATE.replace("[greet]", "[great]")
    came, told = developed.edit(2, handlers_py=HANDLERS + "\nrate = 1 / 0\n", greeting_yaml=invalid)
    assert "handler demo.greet is gone" in came
    handlers, template = told
    assert handlers == f"{developed.flows / 'handlers.py'}:11: ZeroDivisionError: division by zero"
    assert template.startswith(
        f"{developed.flows / 'greeting.yaml'}:9: steps[1].dependencies[0]: unknown step"
    )

    fitting = HANDLERS.replace("demo.wave", "demo.wav")
    came, told = developed.edit(0, handlers_py=fitting, greeting_yaml=TEMPLATE)
    assert {"handler demo.greet is new", "handler demo.wav is new"} < set(came)
    worker = developed.part("worker")
    assert (worker["restarts"], worker["reloads"]) == (0, len(developed.status()["reloads"]))
    assert "reload: handler demo.wav is new" in developed.command("logs", "worker", "-n", "1000")


def test_an_edit_is_picked_up(developed: Developed) -> None:
    def greeting() -> list[str]:
        uuid = developed.dev.runs("greeting", namespace="demo")
        first = json.loads(developed.dev.tasker("steps", uuid, "--json").stdout)[0]
        return [first["name"], first["results"]["result"]["text"]]

    fitting = HANDLERS.replace("demo.wave", "demo.wav")
    assert greeting() == ["greet", "hello"]
    developed.edit(0, handlers_py=fitting.replace("hello", "good evening"))
    until(lambda: greeting() == ["greet", "good evening"], "the new greeting")
    renamed = TEMPLATE.replace("name: greet\n", "name: salute\n").replace("[greet]", "[salute]")
    developed.edit(0, greeting_yaml=renamed)
    until(lambda: greeting() == ["salute", "good evening"], "the new template")


def test_parts_are_stopped_and_started_and_the_work_goes_on(developed: Developed) -> None:
    before = developed.part("worker")["pid"]
    stopped = json.loads(developed.command("stop", "worker", "--json"))
    assert (stopped["state"], stopped["pid"], stopped["detail"]) == ("stopped", None, "stopped by hand")
    body = {"template_name": "linear_workflow", "namespace": "example"}
    uuid = httpx.post(f"{developed.dev.url}/v1/tasks", json=body).json()["task_uuid"]
    assert "server is running after" in developed.command("restart", "server")
    started = json.loads(developed.command("start", "worker", "--json"))
    assert started["pid"] not in (before, None)
    assert developed.dev.tasker("watch", uuid).returncode == 0
    assert "its parts are postgres, server, worker" in developed.command("stop", "nothing", code=1)


def test_a_reset_leaves_an_empty_database(developed: Developed) -> None:
    assert "add --yes" in developed.command("reset", code=2)
    assert "is empty and ready" in developed.command("reset", "--yes")
    assert httpx.get(f"{developed.dev.url}/v1/tasks").json()["tasks"] == []
    developed.dev.runs("linear_workflow")


def test_the_stack_ends_by_command(developed: Developed) -> None:
    assert "has ended" in developed.command("stop")
    assert developed.dev.process.wait(60) == 0
    refused = developed.command("status", code=4)
    assert "no tasker dev of yours runs behind" in refused
    assert "start one with tasker dev" in refused
