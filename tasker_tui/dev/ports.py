"""Whether the stack's ports are free, asked before anything uses them."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from tasker_tui.dev.errors import StackError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the engine's REST API and the worker listen."""

    server: int
    worker: int


def claim_ports(server: int, worker: int) -> Ports:
    """The ports to use: those asked for, or free ones for 0. Raises StackError when one is taken."""
    if server and server == worker:
        raise StackError(f"--port and --worker-port are both {server}", "give them different numbers")
    return Ports(_usable(server, "--port"), _usable(worker, "--worker-port"))


def _usable(port: int, option: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do it: connections of an earlier server that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StackError(
                f"port {port} of {LOOPBACK} cannot be used: {error.strerror}{_holder(port)}",
                f"stop what uses it, or choose another with {option} NUMBER",
            ) from error
        return int(probe.getsockname()[1])


def _holder(port: int) -> str:
    import psutil

    try:
        listening = [
            connection
            for connection in psutil.net_connections("tcp")
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
        ]
        if listening and listening[0].pid:
            return f" (by {psutil.Process(listening[0].pid).name()}, pid {listening[0].pid})"
    except psutil.Error:
        pass
    return ""
