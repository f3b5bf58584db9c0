"""Asks a process of the stack whether it is ready, with nothing but a socket: it is asked often and early."""

from __future__ import annotations

import asyncio
import contextlib

from tasker_tui.dev.ports import LOOPBACK

POLL = 0.02
ANSWER_TIMEOUT = 5.0
READY = b" 200 "


async def until_ready(port: int, path: str = "/health/ready") -> None:
    """Return once the process on the port of this machine answers 200."""
    while True:
        if await _is_ready(port, path):
            return
        await asyncio.sleep(POLL)


async def _is_ready(port: int, path: str) -> bool:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return READY in await _status_line(port, path)
    except (OSError, TimeoutError):
        return False


async def _status_line(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.readline()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
