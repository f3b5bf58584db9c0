"""The way to a running `tasker dev` from outside: a Unix socket that only its user can reach.

It is named after the port of the stack's REST API, so whoever has the URL of a server finds the stack that it
is part of. A request is one line of JSON with the name of what to `do`; answers are lines of JSON as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from tasker_tui.dev.errors import StackError
from tasker_tui.dev.report import LogLines, Reloaded, StackReport
from tasker_tui.dev.sockets import places

Verb = Literal["start", "stop", "restart"]
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
LINE_LIMIT = 64 * 1024 * 1024
ANSWER_SECONDS = 30.0


class NoStack(StackError):
    """No `tasker dev` of this user runs behind the URL."""


class StackPort(Protocol):
    """What the Stack screen needs of a stack; all raise NoStack when there is none, StackError for a no."""

    async def report(self) -> StackReport: ...

    async def order(self, verb: Verb, part: str) -> None:
        """Start, stop or restart a part; returns when that has begun."""
        ...

    async def reset(self) -> None:
        """Begin to throw the database away and start anew."""
        ...

    async def log(self, part: str, after: int = 0) -> LogLines: ...

    def news(self) -> AsyncIterator[Reloaded]:
        """What comes of edits, from now on; ends when the stack does."""
        ...


def folder_name() -> str:
    """The name of the folder with the doors of this user's stacks."""
    return f"tasker-dev-{os.geteuid()}"


def door_name(port: int) -> str:
    """The name of the socket of the stack whose REST API is on the port."""
    return f"{port}.sock"


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except ValueError as error:  # half a line, or another shape
        raise StackError("the stack's answer can't be read", "is it of another version?") from error


class Door:
    """The stack that the server at `url` is part of; every call opens a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def report(self) -> StackReport:
        """How the stack is."""
        with _readable():
            return StackReport.model_validate(await self._ask(do="status"))

    async def order(self, verb: Verb, part: str) -> None:
        """Start, stop or restart a part; returns when that has begun."""
        await self._ask(do=verb, part=part)

    async def reset(self) -> None:
        """Begin to throw the database away and start anew."""
        await self._ask(do="reset")

    async def log(self, part: str, after: int = 0) -> LogLines:
        """What a part wrote after its first `after` lines, as far as it is kept."""
        with _readable():
            return LogLines.model_validate(await self._ask(do="log", part=part, after=after))

    async def environment(self) -> Mapping[str, str]:
        """The variables that its parts are configured with."""
        answer: dict[str, str] = await self._ask(do="environment")
        return answer

    async def news(self) -> AsyncIterator[Reloaded]:
        """What comes of edits, from now on; ends when the stack does."""
        async with self._connected({"do": "news"}) as reader:
            while (line := await reader.readline()).endswith(b"\n"):
                with _readable():
                    told = Reloaded.model_validate_json(line)
                yield told

    async def _ask(self, **request: object) -> Any:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._connected(request) as reader:
                line = await reader.readline()
        except TimeoutError:
            raise StackError(f"the stack did not answer within {ANSWER_SECONDS:g} s") from None
        if not line:
            raise self._absent()
        with _readable():
            answer = json.loads(line)
        if isinstance(answer, dict) and "error" in answer:
            raise StackError(answer["error"], answer.get("hint", ""))
        return answer

    @contextlib.asynccontextmanager
    async def _connected(self, request: Mapping[str, object]) -> AsyncIterator[asyncio.StreamReader]:
        path = self._path()
        if path is None:
            raise self._absent()
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=LINE_LIMIT)
        except OSError:  # a stack that was killed leaves its socket behind
            raise self._absent() from None
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            yield reader
        except ConnectionError:
            raise self._absent() from None
        finally:
            writer.close()

    def _path(self) -> Path | None:
        split = urlsplit(self._url)
        if split.hostname not in LOCAL_HOSTS:
            return None
        runtime = Path(f"/run/user/{os.geteuid()}")  # where the stack saw XDG_RUNTIME_DIR and we do not
        for place in (*places(), runtime):
            path = place / folder_name() / door_name(split.port or 80)
            with contextlib.suppress(OSError):
                if path.parent.stat().st_uid == os.geteuid() and path.is_socket():
                    return path
        return None

    def _absent(self) -> NoStack:
        return NoStack(
            f"no tasker dev of yours runs behind {self._url}",
            "start one with tasker dev, or give the address of another with --url",
        )
