"""A small HTTP/1.1 client on bare asyncio: the load must not be limited by what makes it.

It knows what Tasker's server sends and no more: answers with a Content-Length on connections that stay open.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from tasker_tui.bench.errors import BenchError

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
LIMIT = 64 * 1024 * 1024
TIMEOUT = 60.0


class Answer(NamedTuple):
    """Status and body of a response."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return orjson.loads(self.body)


class Connection:
    """One connection that is kept open, for one request at a time; use as `async with`.

    Raises BenchError when the server cannot be reached or stops answering.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise BenchError(f"{url} is not an http:// address", "give the address of a Tasker server")
        self._host, self._port = parts.hostname, parts.port or 80
        self._head = f"Host: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: "
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Connection:
        try:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=LIMIT)
        except OSError as error:
            raise BenchError(
                f"no server answers at http://{self._host}:{self._port}: {error.strerror}",
                "start one with `tasker dev`, or leave --url out",
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    async def get(self, path: str) -> Answer:
        """Read something; `path` includes the query."""
        return await self._request("GET", path, b"")

    async def post(self, path: str, body: bytes) -> Answer:
        """Send JSON."""
        return await self._request("POST", path, body)

    async def delete(self, path: str) -> Answer:
        """Cancel or remove something."""
        return await self._request("DELETE", path, b"")

    async def _request(self, method: str, path: str, body: bytes) -> Answer:
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}{len(body)}\r\n\r\n".encode() + body)
        try:
            async with asyncio.timeout(TIMEOUT):
                head = await self._reader.readuntil(HEAD_END)
                return Answer(int(head[9:12]), await self._reader.readexactly(content_length(head)))
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise BenchError(f"the server did not answer {method} {path}", "look at its log") from error


def content_length(head: bytes) -> int:
    """The length that a response's head declares; 0 without one."""
    _, found, rest = head.lower().partition(LENGTH)
    return int(rest.partition(b"\r\n")[0]) if found else 0


def expect(answer: Answer, status: int) -> Answer:
    """The answer, if it has this status; raises BenchError with what the server said otherwise."""
    if answer.status == status:
        return answer
    try:
        error = answer.json()["error"]
        message, hint = error["message"], error.get("hint", "")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message, hint = answer.body[:200].decode(errors="replace"), ""
    raise BenchError(f"the server answered {answer.status}: {message}", hint)
