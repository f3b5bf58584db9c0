"""Something that is called: a web server which answers as a test says, and keeps what it was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Heard:
    """One call."""

    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """`answers` are the statuses of the next calls, `usual` of those after them; 0 never answers."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[Heard] = []
        self.answers: list[int] = []
        self.usual = 200
        self.headers = ""
        self.text = "thanks"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            read = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in read[1:] if line)}
            self.heard.append(Heard(headers, await reader.readexactly(int(headers["content-length"]))))
            status = self.answers.pop(0) if self.answers else self.usual
            if status == 0:
                await reader.read()
                return
            body = self.text.encode()
            head = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", "connection: close", self.headers]
            writer.write("\r\n".join(head).encode() + b"\r\n" + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
