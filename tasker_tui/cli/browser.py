"""`tasker tui --serve`: the dashboard in a browser."""

from __future__ import annotations

import socket

from tasker_tui.cli.errors import USAGE, CommandError
from tasker_tui.locator import parse_locator
from tasker_tui.profiles import Profile


def serve_dashboard(
    profile: Profile, locator: str | None, host: str, port: int, *, unprotected: bool
) -> None:
    """Serve the dashboard of a server. Raises CommandError for what is in its way, and LocatorError."""
    try:
        from tasker_tui.browser import is_loopback, serve
    except ModuleNotFoundError as error:
        raise CommandError(
            f"--serve needs a part that is not installed ({error.name})",
            "pip install 'tasker[browser]'",
            USAGE,
        ) from error
    if locator:
        parse_locator(locator)
    if not is_loopback(host) and not unprotected:
        raise CommandError(
            f"{host} can be reached from other machines, and the dashboard has no login",
            "leave --host out and use `ssh -L`, or add --unprotected if whoever gets there may do everything",
            USAGE,
        )
    _try_to_listen(host, port)
    where = ["--profile", profile.name] if profile.name else ["--url", profile.url]
    serve(["tui", *([locator] if locator else []), *where], host, port)


def _try_to_listen(host: str, port: int) -> None:
    """Raise CommandError if the address cannot be listened on."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"{host}:{port} cannot be listened on: {reason}", "--port", USAGE) from error
