"""The dashboard in a browser, over HTTP and websocket."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tasker_tui.browser import is_loopback
from tests.tui.test_terminal import NOBODY, PATIENCE

PROGRAM = [sys.executable, "-m", "tasker_tui.cli", "tui", "--serve"]


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """The address of a served dashboard of a server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    program = await asyncio.create_subprocess_exec(
        *PROGRAM, "--port", str(port), "--url", NOBODY, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert program.stdout is not None
        said = [(await asyncio.wait_for(program.stdout.readline(), PATIENCE)).decode() for _ in range(2)]
        assert said[0] == f"the dashboard is at http://127.0.0.1:{port}\n"
        assert "It has no login" in said[1]
        yield f"127.0.0.1:{port}"
    finally:
        program.terminate()
        await program.wait()


async def shown_until(page: aiohttp.ClientWebSocketResponse, text: bytes) -> None:
    """Read what is drawn until a text is in it."""
    drawn = b""
    async with asyncio.timeout(PATIENCE):
        while text not in drawn:
            message = await page.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), drawn[-2000:]
            drawn += message.data if isinstance(message.data, bytes) else message.data.encode()


async def test_a_page_opens_the_dashboard_and_other_sites_cannot():
    async with served() as address, aiohttp.ClientSession() as session:
        async with session.get(f"http://{address}/") as answer:
            text = await answer.text()
            assert answer.status == 200
            assert f"ws://{address}/ws" in text
            assert "https://" not in text
        async with session.get(f"http://{address}/static/js/textual.js") as script:
            assert script.status == 200
        async with session.get(f"http://{address}/", headers={"Host": "evil.example"}) as renamed:
            assert renamed.status == 403
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await session.ws_connect(f"ws://{address}/ws", headers=headers)
        here = {"Origin": f"http://{address}"}
        async with session.ws_connect(f"ws://{address}/ws?width=100&height=30", headers=here) as page:
            await shown_until(page, b"The server cannot be reached")
            await page.send_json(["resize", {"width": 58, "height": 16}])
            await page.send_json(["stdin", "?"])
            await shown_until(page, b"Keys")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 can be reached from other machines, and the dashboard has no login"),
        (["--port", "99999"], "cannot be listened on"),
        (["nowhere/at/all"], "leads nowhere"),
    ],
    ids=["open", "port", "locator"],
)
async def test_what_is_refused_is_told(arguments, said):
    program = await asyncio.create_subprocess_exec(
        *PROGRAM, *arguments, "--url", NOBODY, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(program.communicate(), PATIENCE)
    assert program.returncode == 2
    assert said in errors.decode()
    assert "Traceback" not in errors.decode()


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("box", False),
    ],
    ids=lambda value: str(value),
)
def test_a_loopback_address_is_known(host, alone):
    assert is_loopback(host) is alone
