"""`tasker worker --debug HANDLER` in a terminal: a debugger stands still, and nobody takes the step away."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support.stack import Stack
from tests.support.waiting import until
from tests.support.workflows import step

PATIENCE = 60.0
HANDLERS = """\
import os

from workers import step_handler


@step_handler("dbg.greet")
def greet():
    word = "hello"
    if "DEBUGGED" in os.environ:
        breakpoint()
    return {"text": word}


@step_handler("dbg.later")
async def later():
    count = 42
    if "DEBUGGED" in os.environ:
        breakpoint()
    return {"count": count}
"""


class Terminals:
    """Terminals in which workers debug."""

    def __init__(self, stack: Stack) -> None:
        self.handlers = stack.folder / "dbg.py"
        self.handlers.write_text(HANDLERS)
        self.opened: list[pexpect.spawn] = []
        self._stack = stack

    def debug(self, handler: str, **env: str) -> pexpect.spawn:
        argv = ["-m", "tasker_tui.cli", "worker", "--debug", handler, "--handlers", str(self.handlers)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TASKER_")}
        ours = {
            "DATABASE_URL": self._stack.dsn,
            "DEBUGGED": "1",
            "TERM": "dumb",
            "PYTHONPATH": str(Path.cwd()),
        }
        terminal = pexpect.spawn(
            sys.executable, argv, env=inherited | ours | env, timeout=PATIENCE, encoding="utf-8",
            dimensions=(40, 200), cwd=str(self._stack.folder),
        )  # fmt: skip
        self.opened.append(terminal)
        return terminal


@pytest.fixture
def terminals(stack: Stack) -> Iterator[Terminals]:
    terminals = Terminals(stack)
    yield terminals
    for terminal in terminals.opened:
        terminal.close(force=True)


@pytest.mark.parametrize(
    ("handler", "name", "value"), [("dbg.greet", "word", "'hello'"), ("dbg.later", "count", "42")]
)
async def test_a_breakpoint_is_talked_to_while_the_step_is_kept(
    stack: Stack, terminals: Terminals, handler: str, name: str, value: str
) -> None:
    await stack.engine()
    other = await stack.worker(handlers=terminals.handlers)
    task = await stack.flows.run([step("one", handler=handler, timeout_seconds=1)])
    await stack.flows.reaches(task, "complete")  # the other worker has the handler as well

    terminal = terminals.debug(handler)
    terminal.expect(f"debugging {handler}")

    async def left() -> bool:
        return handler not in (await other.get("/health/detailed")).json()["handlers"]

    await until(left, "the other worker leaves the handler alone")
    task = await stack.flows.run([step("one", handler=handler, timeout_seconds=1)])
    terminal.expect(r"\(Pdb\) ")
    terminal.sendline(f"p {name}")
    terminal.expect_exact(value)

    async def kept() -> bool:
        query = "SELECT deadline = 'infinity' FROM tasker.leases"
        return bool(await stack.flows.conn.fetchval(query))

    await until(kept, "the time-out does not end the lease")
    terminal.sendline("c")
    terminal.expect("step one is complete")
    await stack.flows.reaches(task, "complete")

    again = await stack.flows.run([step("one", handler=handler, timeout_seconds=1)])
    terminal.expect(r"\(Pdb\) ")
    if handler == "dbg.later":  # the debugger stands in the loop that hears of ctrl+c
        terminal.sendline("c")
        await stack.flows.reaches(again, "complete")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0
    await stack.flows.reaches(again, "complete")


async def test_what_cannot_be_debugged_is_said(stack: Stack, terminals: Terminals) -> None:
    unknown = terminals.debug("dbg.gret")
    unknown.expect("no handler named 'dbg.gret'")
    unknown.expect("dbg.greet")
    unknown.expect(pexpect.EOF)
    unknown.wait()
    assert unknown.exitstatus == 2

    production = terminals.debug("dbg.greet", TASKER_ENV="production")
    production.expect("in production nobody else would run the steps of dbg.greet")
    production.wait()
    assert production.exitstatus == 2
