"""How `tasker dev` ends and begins again, and what it leaves behind."""

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


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starter(tmp_path) as start:
        yield start


def test_however_it_ends_the_data_stays_and_nothing_is_left_behind(start: Start) -> None:
    dev = start()
    uuid = dev.runs("linear_workflow")
    for how in (signal.SIGTERM, signal.SIGINT):
        assert dev.stop(how) == 0
        assert dev.survivors() == []
        assert dev.process.stdout.read() == ""
        dev = start()
        assert json.loads(dev.tasker("show", uuid, "--json").stdout)["status"] == "complete"

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


def test_a_database_of_the_users_is_used_and_left_alone(start: Start, database: str) -> None:
    dev = start("--database-url", database)
    uuid = dev.runs("linear_workflow")
    assert sorted(child.cmdline()[-1] for child in dev.first_children) == ["server", "worker"]
    assert dev.stop() == 0

    again = start("--database-url", database)
    assert json.loads(again.tasker("show", uuid, "--json").stdout)["status"] == "complete"
