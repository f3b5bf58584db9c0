"""Connections whose other end may vanish without a word find out, and so does the server."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.store.keepalive import keep_alive
from engine.store.pool import Connection, connect, open_pool
from tasker_tui.dev.ports import LOOPBACK, claim_ports
from tasker_tui.dev.postgres import running_postgres
from tests.support.postgres import VOLATILE

SETTINGS = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30000",
}


@pytest.fixture
def tcp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server that listens on a port."""
    port = str(claim_ports(0, 0).server)
    monkeypatch.setenv("PGPORT", port)  # for its Unix socket has the name of the port
    with running_postgres(tmp_path, overrides=VOLATILE | {"listen_addresses": LOOPBACK, "port": port}) as dsn:
        yield urlsplit(dsn)._replace(netloc=f"tasker@{LOOPBACK}:{port}", query="").geturl()


async def settings_of(conn: Connection) -> dict[str, str]:
    """What the server has for this connection."""
    return {name: await conn.fetchval(f"SHOW {name}") for name in SETTINGS}


async def test_both_ends_of_a_connection_over_tcp_notice_within_half_a_minute(tcp: str) -> None:
    alone = await connect(tcp)
    assert await settings_of(alone) == SETTINGS
    await alone.close()
    pool = await open_pool(tcp, max_size=1)
    for _ in range(2):  # the second time it was given back before
        async with pool.acquire() as conn:
            assert await settings_of(conn) == SETTINGS
    await pool.close()


async def test_our_end_sends_probes(tcp: str) -> None:
    parts = urlsplit(tcp)
    with socket.create_connection((parts.hostname, parts.port)) as sock:
        assert keep_alive(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 5
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 4


async def test_a_unix_socket_is_left_as_it_is(database: str) -> None:
    conn = await connect(database)
    assert (await settings_of(conn))["tcp_keepalives_idle"] == "0"
    await conn.close()
