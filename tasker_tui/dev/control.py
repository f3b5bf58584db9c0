"""Answers at the door of a running stack (see `door.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.model.wire.base import WireModel
from tasker_tui.dev.door import door_name, folder_name
from tasker_tui.dev.errors import StackError
from tasker_tui.dev.sockets import private_folder

if TYPE_CHECKING:
    from tasker_tui.dev.stack import Stack

REQUEST_LIMIT = 64 * 1024


class Control:
    """Listens between `open` and `close`."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._path: Path | None = None
        self._server: asyncio.Server | None = None
        self._verbs: Mapping[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "status": self._status,
            "start": self._order,
            "stop": self._order,
            "restart": self._order,
            "reset": self._reset,
            "log": self._log,
            "environment": self._environment,
        }

    async def open(self, port: int) -> bool:
        """Listen; False when no folder can hold the socket. Whoever has the port owns the name."""
        folder = private_folder(folder_name(), os.geteuid())
        if folder is None:
            return False
        self._path = folder / door_name(port)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=REQUEST_LIMIT)
        return True

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None and self._path is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.CancelledError):
            request = json.loads(await reader.readline())
            if request["do"] == "news":
                await self._tell_news(reader, writer)
            else:
                writer.write(await self._answer(request) + b"\n")
                await writer.drain()
        writer.close()

    async def _answer(self, request: dict[str, Any]) -> bytes:
        try:
            verb = self._verbs.get(request["do"])
            if verb is None:
                raise StackError(f"this stack cannot {request['do']}", "is it of another version?")
            answer = await verb(request)
        except StackError as error:
            answer = {"error": str(error), "hint": error.hint}
        if isinstance(answer, WireModel):
            return answer.model_dump_json().encode()
        return json.dumps(answer).encode()

    async def _status(self, request: dict[str, Any]) -> WireModel:
        return await self._stack.report()

    async def _order(self, request: dict[str, Any]) -> dict[str, Any]:
        part = self._stack.part(str(request["part"]))
        {"start": part.resume, "stop": part.halt, "restart": part.restart}[request["do"]]()
        return {}

    async def _reset(self, request: dict[str, Any]) -> dict[str, Any]:
        self._stack.reset()
        return {}

    async def _log(self, request: dict[str, Any]) -> dict[str, Any]:
        written, lines = self._stack.part(str(request["part"])).lines_after(int(request["after"]))
        return {"written": written, "lines": lines}

    async def _environment(self, request: dict[str, Any]) -> Mapping[str, str]:
        return self._stack.environment

    async def _tell_news(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send each reload as it is over, until the other side goes."""
        left = asyncio.create_task(reader.read())
        try:
            told = self._stack.edits.last
            while not left.done():
                news = asyncio.create_task(self._stack.edits.after(told))
                await asyncio.wait((left, news), return_when=asyncio.FIRST_COMPLETED)
                if not news.done():
                    news.cancel()
                    return
                for one in news.result():
                    writer.write(one.model_dump_json().encode() + b"\n")
                    told = one.number
                await writer.drain()
        finally:
            left.cancel()
