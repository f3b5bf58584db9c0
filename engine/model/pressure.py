"""How full a queue is, in the tiers of the reference (section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tier(StrEnum):
    """From `critical` on nothing new is taken in."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"
    OVERFLOW = "overflow"

    @property
    def level(self) -> int:
        """0 for normal to 3 for overflow."""
        return list(Tier).index(self)

    @property
    def retry_after_seconds(self) -> int | None:
        """When to try again who is refused; None where nobody is."""
        return {Tier.CRITICAL: 30, Tier.OVERFLOW: 60}.get(self)


@dataclass(frozen=True, slots=True)
class Tiers:
    """The depths at which a queue's tiers begin."""

    warning: int
    critical: int
    overflow: int

    def of(self, depth: int) -> Tier:
        """The tier of a queue that so many wait in."""
        if depth >= self.overflow:
            return Tier.OVERFLOW
        if depth >= self.critical:
            return Tier.CRITICAL
        return Tier.WARNING if depth >= self.warning else Tier.NORMAL
