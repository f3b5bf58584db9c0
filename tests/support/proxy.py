"""A proxy in front of PostgreSQL that loses or holds an answer: what was asked for is done, nobody hears."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

READY_FOR_QUERY = b"Z\x00\x00\x00\x05I"
DATA_ROW = b"D\x00"
PARSE = rb"P....([^\x00]+)\x00[^\x00]*tasker\.%s\("
BIND = rb"B....[^\x00]*\x00%s\x00"


class Proxy:
    """Listens on a port of this machine. `dsn` leads through it."""

    def __init__(self, target: str, port: int) -> None:
        parts = urlsplit(target)
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self.dsn = parts._replace(netloc=f"tasker@127.0.0.1:{port}", query="").geturl()
        self.lost = asyncio.Event()
        """Set when an answer was lost."""
        self.released = asyncio.Event()
        self._function: bytes | None = None
        self._late = False

    def lose_answer_of(self, function: str) -> None:
        """Lose the next answer of a SQL function that has a row, and cut the connection."""
        self.lost.clear()
        self._function = function.encode()
        self._late = False

    def hold_answer_of(self, function: str) -> None:
        """The same, but the answer comes once `released` is set."""
        self.lose_answer_of(function)
        self._late = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        connection = _Connection()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._to_server(connection, reader, server_writer))
                group.create_task(self._to_client(connection, server_reader, writer))
        except* (_Cut, OSError):
            pass
        finally:
            server_writer.close()
            writer.close()

    async def _to_server(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            connection.remember(data)
            if self._function and connection.calls(self._function, data):
                connection.withheld = b""
            writer.write(data)
            await writer.drain()
        raise _Cut

    async def _to_client(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if connection.withheld is not None:
                connection.withheld += data
                if not connection.withheld.endswith(READY_FOR_QUERY):
                    continue
                data, connection.withheld = connection.withheld, None
                if self._function and DATA_ROW in data:
                    self._function = None
                    self.lost.set()
                    if not self._late:
                        raise _Cut
                    await self.released.wait()
            writer.write(data)
            await writer.drain()
        raise _Cut


class _Cut(Exception):
    """The connection ends."""


class _Connection:
    """The statements that a client prepared, and the answer that is held back (None: none is)."""

    def __init__(self) -> None:
        self.withheld: bytes | None = None
        self._prepared = b""

    def remember(self, data: bytes) -> None:
        if b"tasker." in data:
            self._prepared += data

    def calls(self, function: bytes, data: bytes) -> bool:
        """Whether a statement that calls the function is executed by this."""
        names = re.findall(PARSE % re.escape(function), self._prepared, re.DOTALL)
        return any(re.search(BIND % re.escape(name), data, re.DOTALL) for name in names)


@asynccontextmanager
async def proxy_to(dsn: str) -> AsyncIterator[Proxy]:
    """A proxy to a server that listens on a Unix socket."""
    proxy: Proxy | None = None

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert proxy is not None
        await proxy.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = Proxy(dsn, server.sockets[0].getsockname()[1])
    async with server:
        yield proxy
