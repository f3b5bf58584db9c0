"""Which hosts the engine may call on behalf of whoever registers an address."""

from __future__ import annotations

import asyncio
import ipaddress
import socket


class HostRefused(Exception):
    """The host is not called; the message says why."""


async def public_address(host: str, port: int) -> str:
    """A number of the host that is in the public internet; raises HostRefused if it has any other, or none.

    Loopback, private and link-local networks, and what else is not public, are what somebody outside could
    not reach, and should not through us (the cloud's metadata at 169.254.169.254, for one).
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise HostRefused(f"the host {host} is not known: {error}") from None
    numbers = [str(address[4][0]) for address in found]
    for number in numbers:
        if not is_public(number):
            raise HostRefused(
                f"the host {host} is {number}, which is not in the public internet; "
                "webhooks.allow_private_networks lets it be called"
            )
    if not numbers:
        raise HostRefused(f"the host {host} has no address")
    return numbers[0]


def is_public(number: str) -> bool:
    """Whether an IP address is one of the public internet."""
    address = ipaddress.ip_address(number.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (inner is None or inner.is_global)
