"""Asking a part of the stack over HTTP: whether it does its work, and how it is.

Done over a plain connection: a client library would take longer to import than the part to start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

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


async def fetch_json(port: int, path: str) -> Any:
    """What the process answers, whatever its status; None when it does not answer, or not with JSON."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            _, _, body = (await _get(port, path, -1)).partition(b"\r\n\r\n")
            return json.loads(body)
    except (OSError, TimeoutError, ValueError):
        return None


async def _is_ready(port: int, path: str) -> bool:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return READY in (await _get(port, path, 64)).split(b"\r\n", 1)[0]
    except (OSError, TimeoutError):
        return False


async def _get(port: int, path: str, most: int) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.read(most)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
