"""Which hosts the engine may call on behalf of whoever registers an address."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
"""Networks whose last 32 bits are an IPv4 address."""


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
    inner = _inside(address) if isinstance(address, ipaddress.IPv6Address) else None
    return address.is_global and not address.is_multicast and (inner is None or inner.is_global)


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that is reached by it: mapped, by 6to4, translated (RFC 6052, 8215) or compatible."""
    if any(address in network for network in TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
