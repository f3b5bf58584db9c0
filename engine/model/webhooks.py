"""What webhooks are made of: events, secrets and signatures as Standard Webhooks describes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import random
import secrets

TASK_FAILED = "task.failed"
DEAD_LETTER_CREATED = "dead_letter.created"
PING = "webhook.ping"
"""What a test sends; every webhook gets it, whatever it wants to hear of."""

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret."""

WAITS = (5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600)
"""Seconds before the second attempt and those after it; the last one counts for all that follow."""


def new_secret() -> str:
    """A secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def secret_key(secret: str) -> bytes:
    """The bytes that a secret stands for; raises ValueError with what is wrong about it."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a secret is {PREFIX} and base64") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"a secret is {SHORTEST} to {LONGEST} bytes as base64, this one is {len(key)}")
    return key


def signed_headers(secret: str, delivery: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of a call; `at` is the second of the attempt."""
    content = b".".join((delivery.encode(), str(at).encode(), body))
    signature = base64.b64encode(hmac.new(secret_key(secret), content, hashlib.sha256).digest()).decode()
    return {"webhook-id": delivery, "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}


def wait_after(attempt: int) -> float:
    """Seconds from the end of an attempt (from 1 on) to the next one, spread by a fifth."""
    return WAITS[min(attempt, len(WAITS)) - 1] * random.uniform(0.8, 1.2)
