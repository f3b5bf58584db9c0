"""One `tasker dev` between its start and its end: the user's first calls, the commands, parts that die."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.support.dev import Dev, starter, until


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    with starter(tmp_path_factory.mktemp("stack")) as start:
        yield start()


def test_ready_stands_alone_on_a_line(dev: Dev) -> None:
    assert dev.first_line == f"ready {dev.url}\n"
    assert urlsplit(dev.url).hostname == "127.0.0.1"


def test_the_call_that_users_know_works(dev: Dev) -> None:
    body = '{"template_name": "linear_workflow", "namespace": "example"}'
    answer = httpx.post(f"{dev.url}/v1/tasks", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    assert httpx.get(f"{dev.url}/health").json()["status"] == "healthy"


def test_a_bundled_workflow_is_followed_to_its_end(dev: Dev) -> None:
    done = dev.tasker("create", "example/diamond_workflow", "--watch")
    assert done.returncode == 0
    assert "diamond_end" in done.stdout
    assert "✓ complete, 4/4 steps" in done.stdout


def test_a_failure_is_shown_repaired_and_ends_with_1(dev: Dev) -> None:
    done = dev.tasker("create", "permanent_failure_workflow", "-n", "example", "--watch", "--json")
    assert done.returncode == 1
    uuid = json.loads(done.stdout.splitlines()[-1])["task_uuid"]

    steps = json.loads(dev.tasker("steps", uuid, "--json").stdout)
    assert [step["name"] for step in steps if step["current_state"] == "error"] == ["charge_account"]
    assert "the account is closed" in dev.tasker("show", uuid).stdout

    wrong = dev.tasker("retry", uuid, "charge_acount")
    assert (wrong.returncode, wrong.stdout) == (3, "")
    assert "did you mean charge_account?" in wrong.stderr
    assert dev.tasker("retry", uuid, "charge_account", "--watch").returncode == 1
    assert dev.tasker("cancel", uuid).returncode == 0
    assert dev.tasker("cancel", uuid).returncode == 1
    assert dev.tasker("retry", uuid).returncode == 1


def test_a_dead_letter_is_taken_on_and_closed_from_the_command_line(dev: Dev) -> None:
    def dlq(*arguments: str, code: int = 0) -> str:
        done = dev.tasker(*arguments, group="dlq")
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    assert "no dead letters" in dlq("list", "--template", "nothing")
    created = dev.tasker("create", "permanent_failure_workflow", "-n", "example", "--watch", "--json")
    uuid = json.loads(created.stdout.splitlines()[-1])["task_uuid"]
    entry = json.loads(dlq("show", uuid, "--json"))
    shown = dlq("show", uuid)
    assert "permanent_failure (max_retries_exceeded)" in shown
    assert "the account is closed" in shown
    waits = next(line for line in dlq("queue").splitlines() if uuid in line)
    step, error = waits.split(maxsplit=7)[7].split(maxsplit=1)
    assert (step, error.startswith("the account is closed")) == ("charge_account", True)
    assert "is with ana" in dlq("assign", uuid, "ana")
    assert json.loads(dlq("list", "--assignee", "ana", "--json"))[0]["task_uuid"] == uuid
    assert "max_retries_exceeded" in dlq("stats")
    assert "nothing to change was given" in dlq("update", uuid, code=2)
    assert "manually_resolved" in dlq("update", uuid, "-s", "cancelled", "-a", "retry", code=2)
    would = dlq("resolve", uuid, "--action", "cancel", "--dry-run")
    assert "would be: changed; the dead letter is cancelled, the task cancelled" in would
    told = dlq("update", entry["dlq_entry_uuid"], "-s", "permanently_failed", "-n", "no account", "-b", "ana")
    assert "the dead letter is permanently_failed, the task error" in told
    assert "was so already" in dlq("update", uuid, "-s", "permanently_failed", "-b", "ana")
    fine = dev.runs("linear_workflow")
    assert "has ended" in dlq("add", fine, "--reason", "odd", code=1)
    assert "does not exist" in dlq("show", fine, code=3)
    assert dlq("staleness", "--json").startswith("[")


def test_words_of_others_are_shown_as_they_are(dev: Dev) -> None:
    uuid = dev.runs("linear_workflow")
    odd = "see [/bold] \x1b[31m"
    forked = dev.tasker("fork", uuid, "--from", "linear_step_4", "--by", "[ana]", "-r", odd, "--json")
    fork = json.loads(forked.stdout)["task_uuid"]
    listed = dev.tasker("forks", uuid)
    assert listed.returncode == 0, listed.stderr
    assert "see [/bold]" in listed.stdout
    assert "[ana]" in listed.stdout
    assert "\x1b" not in listed.stdout
    compared = dev.tasker("diff", uuid, fork)
    assert compared.returncode == 0, compared.stderr


def test_tasks_are_listed_by_what_they_are(dev: Dev) -> None:
    for tag in ("blue", "red"):
        created = dev.tasker("create", "linear_workflow", "-n", "example", "--tag", tag, "-p", "7", "--json")
        assert json.loads(created.stdout)["priority"] == 7
    listed = json.loads(dev.tasker("list", "--tag", "blue", "--json").stdout)
    assert [task["tags"] for task in listed["tasks"]] == [["blue"]]
    assert listed["pagination"]["total_count"] == 1


def test_a_key_used_twice_names_the_task_that_is_there(dev: Dev) -> None:
    arguments = ("create", "linear_workflow", "-n", "example", "--idempotency-key", "k")
    first = json.loads(dev.tasker(*arguments, "--json").stdout)["task_uuid"]
    again = dev.tasker(*arguments)
    assert again.returncode == 1
    assert f"tasker task show {first}" in again.stderr
    assert "--existing open shows it, --existing start starts another one" in again.stderr
    assert "exists: it is " in again.stderr


def test_an_equal_task_is_opened_or_another_one_started(dev: Dev) -> None:
    arguments = ("create", "linear_workflow", "-n", "example", "--idempotency-key", "both")
    first = json.loads(dev.tasker(*arguments, "--watch", "--json").stdout.splitlines()[-1])["task_uuid"]
    opened = dev.tasker(*arguments, "--existing", "open")
    assert opened.returncode == 0
    assert first in opened.stdout
    assert "linear_step_4" in opened.stdout
    as_json = json.loads(dev.tasker(*arguments, "--existing", "open", "--json").stdout)
    assert (as_json["task_uuid"], as_json["status"]) == (first, "complete")
    watched = dev.tasker(*arguments, "--existing", "open", "--watch", "--json")
    assert (watched.returncode, json.loads(watched.stdout.splitlines()[-1])["task_uuid"]) == (0, first)
    other = json.loads(dev.tasker(*arguments, "--existing", "start", "--json").stdout)
    assert other["task_uuid"] != first
    # The key is still the first one's.
    assert json.loads(dev.tasker(*arguments, "--existing", "open", "--json").stdout)["task_uuid"] == first
    wrong = dev.tasker(*arguments, "--existing", "maybe")
    assert wrong.returncode == 2


def test_children_are_found_by_their_parents_correlation(dev: Dev) -> None:
    ours = str(uuid4())
    parent = dev.tasker("create", "linear_workflow", "-n", "example", "--correlation-id", ours, "--json")
    assert json.loads(parent.stdout)["correlation_id"] == ours
    child = dev.tasker(
        "create", "linear_workflow", "-n", "example", "--parent-correlation-id", ours, "--json"
    )
    found = json.loads(child.stdout)
    assert found["parent_correlation_id"] == ours
    for option, wanted in (
        ("--parent-correlation-id", found),
        ("--correlation-id", json.loads(parent.stdout)),
    ):
        listed = json.loads(dev.tasker("list", option, ours, "--json").stdout)
        assert [task["task_uuid"] for task in listed["tasks"]] == [wanted["task_uuid"]]
    assert f"a task of correlation {ours}" in dev.tasker("show", found["task_uuid"]).stdout
    refused = dev.tasker("list", "--correlation-id", "nonsense")
    assert refused.returncode == 1
    assert "correlation_id" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("show", "01a20c87-1fba-7748-80c4-bc3ce77cbf76"), 3, "does not exist"),
        (("show", "nonsense"), 2, "'nonsense' is not a task's id"),
        (("create", "nowhere", "-n", "example"), 3, "no template 'nowhere'"),
        (("create",), 2, "the template's name is given nowhere"),
        (("create", "linear_workflow", "--input", '{"a":'), 2, "--input is not JSON"),
        (("create", "linear_workflow", "--input", "[1]"), 2, "must be a JSON object, and is an array"),
        (("create", "linear_workflow", "--input", "@nowhere.json"), 2, "cannot read nowhere.json"),
        (("list", "--status", "compleet"), 1, "there is no state 'compleet'"),
    ],
)
def test_mistakes_end_with_a_line_and_a_code(
    dev: Dev, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = dev.tasker(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert message in done.stderr.splitlines()[0]


@pytest.mark.parametrize("name", ["worker", "server", "postgres"])
def test_a_killed_part_is_started_again_and_the_work_goes_on(dev: Dev, name: str) -> None:
    killed = dev.part(name)
    others = [dev.part(other).pid for other in ("worker", "server", "postgres") if other != name]
    killed.kill()
    until(lambda: f"{name} was ended by SIGKILL; starts again" in dev.log, f"a word about {name}")
    # The list answers before the breaker, which has seen the database away, lets new tasks in again.
    created = ("create", "linear_workflow", "-n", "example")
    until(lambda: dev.tasker(*created).returncode == 0, "a task that is taken in")
    dev.runs("linear_workflow")
    assert [dev.part(other).pid for other in ("worker", "server", "postgres") if other != name] == others


def test_each_part_has_a_session_of_its_own(dev: Dev) -> None:
    for name in ("worker", "server", "postgres"):
        assert os.getsid(dev.part(name).pid) == dev.part(name).pid
