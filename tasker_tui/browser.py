"""The dashboard in a browser: `serve` answers a page, and runs `tasker tui` for each that opens it.

There is no login: whoever reaches the address can do what the served profile allows. It listens on this
machine alone unless told otherwise, and pages of other sites cannot reach it through somebody's browser.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from textual_serve.server import Server

from tasker_tui.served import SERVED

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
FOREIGN_FONT = re.compile(r'<link\s[^>]*href="https://[^>]*>')
"""A laptop that is locked down would wait for it, and the others would tell who looks at what."""


FOCUS = """<script>
const focusing = setInterval(() => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys) { keys.focus(); clearInterval(focusing); }
}, 100);
</script>"""
"""Without it the keys do nothing before the first click."""


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class BrowserServer(Server):
    """Serves the dashboard; `arguments` are those of `tasker`."""

    def __init__(self, arguments: Sequence[str], host: str, port: int) -> None:
        super().__init__(
            shlex.join([sys.executable, "-m", "tasker_tui.cli", *arguments]), host, port, title="tasker"
        )
        self._guarded = is_loopback(host)

    def initialize_logging(self) -> None:
        """Tell what goes wrong, not who looks at what."""
        super().initialize_logging()
        logging.getLogger().setLevel(logging.WARNING)

    async def on_startup(self, app: web.Application) -> None:
        """Nothing is served yet; `serve` tells when it is."""

    def serve(self, debug: bool = False) -> None:
        """Serve until interrupted."""
        self.debug = debug
        self.initialize_logging()
        web.run_app(self._make_app(), host=self.host, port=self.port, print=self._announce)

    def _announce(self, *_: object) -> None:
        """Say where it is, and that it has no login; called when it listens."""
        whoever = "whoever is on this machine" if self._guarded else "whoever reaches this address"
        print(
            f"the dashboard is at {self.public_url}\n"
            f"It has no login: {whoever} can do there what you can. ctrl+c ends it.",
            flush=True,
        )

    async def handle_index(self, request: web.Request) -> Any:
        """The page; it finds its way back by the name that the browser knows."""
        self._refuse_others(request)
        response = await super().handle_index(request)  # its decorator makes a response of the values
        assert isinstance(response, web.Response)
        page = FOREIGN_FONT.sub("", response.text or "")
        here = re.escape(self.public_url.partition("://")[2])
        page = re.sub(rf"(?<=//){here}(?=/)", lambda _: request.host, page)
        response.text = page.replace("</body>", f"{FOCUS}</body>")
        response.headers["X-Frame-Options"] = "DENY"
        return response

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """The terminal of one page."""
        self._refuse_others(request)
        return await super().handle_websocket(request)

    def _refuse_others(self, request: web.Request) -> None:
        """A page of another site may not use the browser of somebody here to get in (by name or origin)."""
        name = request.host.rpartition(":")[0] or request.host
        origin = request.headers.get("Origin")
        if self._guarded and name not in LOCAL_NAMES:
            raise web.HTTPForbidden(text=f"the dashboard is served to {', '.join(LOCAL_NAMES)} alone")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text=f"a page of {origin} may not open this dashboard")


def serve(arguments: Sequence[str], host: str, port: int) -> None:
    """Serve `tasker` with these arguments until interrupted."""
    os.environ[SERVED] = "1"
    os.environ["PYTHONUTF8"] = "1"  # the browser speaks it, whatever this terminal does
    BrowserServer(arguments, host, port).serve()
