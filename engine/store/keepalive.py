"""Noticing within half a minute that a PostgreSQL, or the network before it, is gone without a word.

The driver sets nothing of it, and the system waits two hours. A Unix socket needs none: its other end cannot
vanish alone.
"""

from __future__ import annotations

import socket
from typing import Any

import asyncpg

IDLE_SECONDS, INTERVAL_SECONDS, PROBES = 10, 5, 4
DEAD_PEER_SECONDS = IDLE_SECONDS + INTERVAL_SECONDS * PROBES

OPTIONS = {
    "TCP_KEEPIDLE": IDLE_SECONDS,
    "TCP_KEEPALIVE": IDLE_SECONDS,  # as macOS calls it
    "TCP_KEEPINTVL": INTERVAL_SECONDS,
    "TCP_KEEPCNT": PROBES,
    "TCP_USER_TIMEOUT": 1000 * DEAD_PEER_SECONDS,
}
"""By their names in `socket`, which has those of the system."""

# A pooler knows no such parameters of a connection's start, so they are set by a statement.
KEEP_SERVER = "; ".join(
    (
        f"SET tcp_keepalives_idle = {IDLE_SECONDS}",
        f"SET tcp_keepalives_interval = {INTERVAL_SECONDS}",
        f"SET tcp_keepalives_count = {PROBES}",
        f"SET tcp_user_timeout = {1000 * DEAD_PEER_SECONDS}",
    )
)


class KeptConnection(asyncpg.Connection):
    """A connection that notices; with `keep_server`, its server notices too that we are gone."""

    __slots__ = ("is_tcp",)

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        self.is_tcp = keep_alive(transport.get_extra_info("socket"))

    def get_reset_query(self) -> str:
        """A pool forgets all settings of a connection that is given back, but not these."""
        query = super().get_reset_query()
        return f"{query}\n{KEEP_SERVER};" if self.is_tcp else query


async def keep_server(conn: asyncpg.Connection[asyncpg.Record], /) -> None:
    """Have the server notice that we are gone, and end what we began."""
    if isinstance(conn, KeptConnection) and conn.is_tcp:
        await conn.execute(KEEP_SERVER)


def keep_alive(sock: socket.socket | None) -> bool:
    """Have our end notice; returns whether the other one can vanish at all."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in OPTIONS.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return True
