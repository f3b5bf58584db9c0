"""A `tasker dev` that answers from memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from tasker_tui.dev.door import NoStack, Verb
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.report import Check, LogLines, Part, Reloaded, StackReport
from tests.tui.support import NOW

INVALID = "flows/orders.yaml:9: steps[1].dependencies[0]: unknown step 'validat'"
MISSING = "flows/etl.yaml:14: step 'load': no handler named 'etl.load_snapshot'"
LOG = (
    "12:06:08.120 INFO    tasker.worker: 60 handlers from flows",
    f"12:06:08.125 WARNING tasker.worker: {MISSING}",
    f"12:06:08.201 ERROR   tasker.worker: {INVALID}",
    "payment.py changed; the worker restarts",
    "reload: handler payments.refund is new",
    "12:06:11.009 INFO    tasker.worker: worker 01a20edc-f23a-728e-b795-6dd0db780a38 runs with 100 slots",
)


def part(name: str, state: str = "running", **fields: object) -> Part:
    """A process."""
    up = state == "running"
    values = {
        "detail": "", "since": NOW - timedelta(minutes=4), "pid": 9120 if up else None, "port": None,
        "cpu_percent": 2.0 if up else None, "memory_bytes": 92_000_000 if up else None, "restarts": 0,
        "reloads": 0,
    }  # fmt: skip
    return Part(name=name, state=state, **(values | fields))


def reloaded(*problems: str) -> Reloaded:
    """An edit of a handler and a template."""
    came = ["61 handlers and 14 templates are loaded", "handler payments.refund is new"]
    return Reloaded(
        number=1, at=NOW - timedelta(seconds=30), files=["payment.py", "refund.yaml"], seconds=0.9,
        came=came, problems=list(problems),
    )  # fmt: skip


class FakeStack:
    """What a test does to it is what it answers; `orders` is what was asked of it."""

    def __init__(self) -> None:
        self.parts = [
            part("postgres"),
            part("server", port=8080, pid=9144, cpu_percent=4.0, memory_bytes=64_000_000),
            part("worker", port=8081, pid=9171, cpu_percent=11.0, memory_bytes=109_000_000, reloads=2),
        ]
        self.checks = [
            Check(verdict="ok", text="tasker 0.1.0, PostgreSQL 18"),
            Check(verdict="ok", text="port 8080 (server) answers"),
            Check(verdict="ok", text="port 8081 (worker) answers"),
            Check(verdict="ok", text="14 templates and 61 handlers are loaded"),
            Check(verdict="problem", text=INVALID),
            Check(verdict="problem", text=MISSING),
        ]  # fmt: skip
        self.reloads = [reloaded(INVALID)]
        self.logs = {"postgres": ["ready"], "server": ["listening on 8080"], "worker": list(LOG)}
        self.orders: list[tuple[str, ...]] = []
        self.doing = ""
        self.gone = False
        self._news: asyncio.Queue[Reloaded] = asyncio.Queue()

    async def report(self) -> StackReport:
        self._be_there()
        return StackReport(
            url="http://127.0.0.1:8080", pid=9100, version="0.1.0", data_dir="/home/ana/tasker/dev",
            database="PostgreSQL 18", started_at=NOW - timedelta(minutes=4, seconds=12), doing=self.doing,
            trouble="", parts=self.parts, checks=self.checks, reloads=self.reloads,
        )  # fmt: skip

    async def order(self, verb: Verb, part: str) -> None:
        self._be_there()
        if self.doing:
            raise StackError(f"the stack is {self.doing}")
        self.orders.append((verb, part))
        state = {"stop": "stopped", "start": "running", "restart": "running"}[verb]
        self.parts = [
            one.model_copy(update={"state": state}) if one.name == part else one for one in self.parts
        ]

    async def reset(self) -> None:
        self._be_there()
        self.orders.append(("reset",))
        self.doing = "resetting the database"

    async def log(self, part: str, after: int = 0) -> LogLines:
        self._be_there()
        return LogLines(written=len(self.logs[part]), lines=self.logs[part][after:])

    async def news(self) -> AsyncIterator[Reloaded]:
        self._be_there()
        while True:
            yield await self._news.get()

    def tell(self, edit: Reloaded) -> None:
        """An edit was noticed."""
        self._news.put_nowait(edit)

    def _be_there(self) -> None:
        if self.gone:
            raise NoStack("no tasker dev of yours runs behind http://127.0.0.1:8080")
