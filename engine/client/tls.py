"""How a client checks the server's certificate."""

from __future__ import annotations

import ssl
from urllib.request import getproxies


def verification(url: str) -> ssl.SSLContext | bool:
    """What httpx checks certificates with: True for the known authorities.

    To read those takes longer than a command does, so that a connection without TLS trusts nobody instead.
    """
    if url.startswith("http:") and not getproxies():
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return True
