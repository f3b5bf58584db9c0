"""Queues that do not answer while their broker does, such as one whose leader is gone."""

from __future__ import annotations

import logging
import time
from collections import Counter

log = logging.getLogger("tasker.messaging")

ALONE_SECONDS = (30.0, 600.0)
"""How long one is left alone, at first and at most."""


class StuckQueues:
    """By their namespaces. Who fails twice in a row is left alone for a while, so that the others go on.

    The first time the broker itself may be at fault, and a new connection finds that out.
    """

    def __init__(self) -> None:
        self._failures: Counter[str] = Counter()
        self._until: dict[str, float] = {}

    def failed(self, namespace: str) -> None:
        """It did not answer."""
        self._failures[namespace] += 1
        again = self._failures[namespace] - 2
        if again < 0:
            return
        if again == 0:
            log.warning("the queue of namespace %s does not answer; its steps are polled", namespace)
        first, longest = ALONE_SECONDS
        self._until[namespace] = time.monotonic() + min(longest, first * 2 ** min(again, 10))

    def answered(self, namespace: str) -> None:
        """It is well."""
        del self._failures[namespace]
        self._until.pop(namespace, None)

    def left_alone(self, namespace: str) -> bool:
        """Whether it is not to be asked for anything now."""
        return self._until.get(namespace, 0.0) > time.monotonic()
