"""`tasker bulk …` against a running server: what is shown, asked, followed and listed."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pexpect
import pytest

from tests.support.commands import Commands, Done
from tests.support.e2e_stack import Stack, running_stack
from tests.support.forks import FORKS
from tests.support.hand_worker import HandWorker, process_all
from tests.support.invariants import assert_invariants
from tests.support.postgres import PgServer
from tests.support.waiting import until
from tests.support.workflows import Workflows, step

NUMBERS = itertools.count(1)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
async def server(pg_server: PgServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A server without a worker: steps fail by hand."""
    folder = tmp_path_factory.mktemp("bulk")
    async with running_stack(pg_server, folder, {}, servers=1, workers=0) as stack:
        yield stack
        assert_invariants(stack.dsn)


@pytest.fixture(scope="module")
def programs(server: Stack) -> Commands:
    return Commands(server.url)


class Cli:
    """The command, and failed tasks of a template of the test's own."""

    def __init__(self, stack: Stack, programs: Commands, conn: asyncpg.Connection, folder: Path) -> None:
        self.stack = stack
        self.conn = conn
        self.name = f"bulk{next(NUMBERS)}"
        self._programs = programs
        self._folder = folder
        ours = {"TASKER_URL": stack.url, "PYTHONPATH": os.pathsep.join(sys.path)}
        self._environment = {**os.environ, **ours}

    def run(self, *words: str) -> Done:
        return self.command("bulk", *words)

    def command(self, *words: str) -> Done:
        """Any command of `tasker`."""
        environment = {"TASKER_URL": self.stack.url, "USER": "ada"}
        return self._programs.run(list(words), self._folder, environment)

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.code == 0, done.output
        return json.loads(done.output)

    def here(self, *words: str) -> list[str]:
        """A verb and its options, limited to the test's template."""
        return [words[0], "--template", self.name, *words[1:]]

    def typed(self, text: str, *words: str) -> subprocess.CompletedProcess[str]:
        """The command with something typed."""
        return FORKS.run(["bulk", *words], input=text, cwd=self._folder, env=self._environment)

    def terminal(self, *words: str) -> pexpect.spawn:
        """The command in a terminal."""
        return pexpect.spawn(
            sys.executable, ["-m", "tasker_tui.cli", "bulk", *words], cwd=str(self._folder), timeout=60,
            env=self._environment | {"TERM": "xterm-256color"}, dimensions=(30, 160), encoding="utf-8",
        )  # fmt: skip

    async def failed(self, count: int) -> None:
        flows = Workflows(self.conn)
        steps = [step("charge", handler=self.name), step("ship", "charge", handler=self.name)]
        await flows.create(await flows.register(steps, self.name), count=count)
        worker = HandWorker(self.conn, handlers=[self.name])
        await worker.fail(*await worker.claim(count), retryable=False, message="card 4711 refused")
        await process_all(self.conn)

    async def states(self, name: str) -> set[str]:
        rows = await self.conn.fetch(
            """
            SELECT DISTINCT s.state::text FROM tasker.steps s
            JOIN tasker.template_steps ts USING (template_step_id) WHERE ts.handler = $1 AND ts.name = $2
            """,
            self.name,
            name,
        )
        return {row[0] for row in rows}


@pytest.fixture
async def cli(server: Stack, programs: Commands, tmp_path: Path) -> AsyncIterator[Cli]:
    conn = await asyncpg.connect(server.dsn)
    yield Cli(server, programs, conn, tmp_path)
    await conn.close()


async def test_the_count_is_typed_before_anything_is_done(cli: Cli) -> None:
    await cli.failed(3)
    refused = cli.typed("2\n", *cli.here("retry"))
    assert (refused.returncode, await cli.states("charge")) == (1, {"error"})
    assert f"3      error  test/{cli.name}@1.0.0 charge" in refused.stdout
    assert "card 4711 refused" in refused.stdout
    assert "type 3 to retry 3 steps of 3 tasks: error: not confirmed: nothing was done" in refused.stderr
    done = cli.typed("3\n", *cli.here("retry", "--reason", "the bank is back", "--by", "ana"))
    assert (done.returncode, await cli.states("charge")) == (0, {"enqueued"})
    assert "is complete: 3 of 3 done" in done.stdout


async def test_a_terminal_shows_progress_and_can_be_left(cli: Cli) -> None:
    await cli.failed(40)
    terminal = cli.terminal(*cli.here("retry", "--rate", "2"))
    terminal.expect("type 40 to retry 40 steps of 40 tasks: ")
    terminal.sendline("40")
    terminal.expect(r"(\d+)/40.* of 40 done, \d+ to go, [0-9.]+ a second")
    seen = int(terminal.match[1])
    terminal.sendintr()
    terminal.expect("it goes on; `tasker bulk stop ([0-9a-f-]+)` stops it")
    token = terminal.match[1]
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130

    async def goes_on() -> bool:
        return cli.json("show", token)["done"] > seen

    await until(goes_on, "the engine goes on alone")
    cli.run("stop", token)


async def test_a_signature_of_the_failures_selects(cli: Cli) -> None:
    await cli.failed(2)
    signature = "by_hand: card # refused"
    answer = cli.json(*cli.here("skip", "--signature", signature, "--result", '{"paid": 0}', "--yes"))
    assert (answer["state"], answer["done"], answer["filter"]["signatures"]) == ("complete", 2, [signature])
    assert (await cli.states("charge"), await cli.states("ship")) == ({"resolved_manually"}, {"enqueued"})


async def test_a_dry_run_is_run_later(cli: Cli) -> None:
    await cli.failed(2)
    shown = cli.run(*cli.here("cancel", "--dry-run"))
    assert (shown.code, await cli.states("charge")) == (0, {"error"})
    assert "cancel 2 tasks" in shown.output
    (token,) = re.findall(r"tasker bulk run (\S+)", shown.output)
    done = cli.run("run", token, "--yes")
    assert (done.code, await cli.states("charge")) == (0, {"cancelled"})
    again = cli.run("run", token, "--yes")
    assert (again.code, again.output) == (0, f"{token} is complete: 2 of 2 done\n")


async def test_an_operation_is_shown_stopped_and_resumed(cli: Cli) -> None:
    await cli.failed(3)
    begun = cli.run(*cli.here("retry", "--rate", "0.01", "--yes", "--detach", "--reason", "slowly"))
    (token,) = set(UUID.findall(begun.output)) - set(re.findall(r"for example (\S+)", begun.output))

    async def one_is_done() -> bool:
        return "1 of 3 done, 2 to go" in cli.run("show", token).output

    await until(one_is_done, "the first is done")
    assert re.search(r"rate +0.01 a second", cli.run("show", token).output)
    stopped = cli.run("stop", token, "--reason", "wrong ones")
    assert stopped.output == f"{token} stopped; 1 of 3 done, 2 to go\n"
    assert cli.run("stop", token).output.startswith(f"{token} did not run: it is stopped")
    assert re.search(rf"{token}  retry +stopped +1 of 3 done, 2 to go +ada .* slowly", cli.run("list").output)
    waiting = cli.json("items", token, "--outcome", "waiting")
    assert [one["number"] for one in waiting["items"]] == [2, 3]
    assert "done" in cli.run("items", token, "--limit", "1").output
    resumed = cli.json("resume", token, "--detach")
    assert (resumed["state"], resumed["remaining"]) == ("running", 2)
    cli.run("stop", token)


async def test_what_was_skipped_says_why(cli: Cli) -> None:
    await cli.failed(2)
    token = cli.json(*cli.here("retry", "--dry-run"))["bulk_uuid"]
    cli.json(*cli.here("resolve", "--yes"))
    done = cli.run("run", token, "--yes")
    assert done.code == 0
    assert f"tasker bulk items {token} --outcome skipped" in done.output
    assert "the step is resolved_manually" in cli.run("items", token, "--outcome", "skipped").output


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["retry"], 2, "the filter is empty, and would select everything"),
        (["retry", "--state", "blocked"], 2, "--state: "),
        (["retry", "--failed-since", "yesterday"], 2, "--failed-since: "),
        (["retry", "--task", "7"], 2, "--task: "),
        (["cancel", "--state", "complete"], 1, "cancel does nothing to tasks that are complete"),
        (["complete", "--namespace", "test"], 2, "complete needs"),
        (["show", "7"], 2, "'7' is not a bulk operation's id"),
        (["show", "019ab004-0000-7000-8000-000000000001"], 3, "does not exist"),
        (["items", "019ab004-0000-7000-8000-000000000001", "--outcome", "bad"], 2, "--outcome: there is no"),
    ],
)
def test_what_is_wrong_is_said(cli: Cli, words: list[str], code: int, message: str) -> None:
    done = cli.run(*words)
    assert (done.code, message in done.output) == (code, True), done.output
    assert "hint: " in done.output


def test_nothing_to_do_says_so(cli: Cli) -> None:
    done = cli.run("retry", "--template", cli.name, "--failed-since", "2h")
    assert (done.code, done.output) == (0, "nothing fits: there is nothing to retry\n")


async def test_a_group_of_failures_is_given_to_somebody_and_noted(cli: Cli) -> None:
    await cli.failed(2)
    done = cli.command("failures", "assign", "CARD # ref", "ana")
    assert (done.code, done.output.strip()) == (0, "by_hand: card # refused: new, with ana")
    done = cli.command("failures", "note", "card # ref", "bank is [down]", "--state", "triaged", "--json")
    now = json.loads(done.output)
    assert (now["state"], now["owner"], now["notes"][0]["note"]) == ("triaged", "ana", "bank is [down]")
    assert now["notes"][0]["noted_by"] == "ada"
    table = cli.command("failures", "--template", cli.name).output
    assert re.search(r"by_hand: card # refused .*triaged +ana", table)
    for words, code, said in (
        (["assign", "no such error", "ana"], 3, "does not exist"),
        (["note", "card # ref"], 2, "give a text"),
        (["note", "card # ref", "--state", "old"], 2, "state"),
    ):
        refused = cli.command("failures", *words)
        assert refused.code == code, refused
        assert said in refused.output
