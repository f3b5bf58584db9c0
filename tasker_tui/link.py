"""The state of the connection, as every header shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Literal

from tasker_tui.feed import Batch, Live, Lost, News

LAG_SECONDS = 5
"""For so long a measured lag is shown."""


@dataclass(frozen=True, slots=True)
class Link:
    """Whether the server talks to us, how far behind we are, and what it has to do (None until known)."""

    url: str
    profile: str = ""
    read_only: str = ""
    """Why nothing can be changed there; empty if it can."""
    color: str = ""
    """Of the header, as the profile names it."""
    state: Literal["connecting", "live", "lost"] = "connecting"
    lag_ms: int | None = None
    lag_at: datetime | None = None
    """When the lag was measured: what it was minutes ago says nothing."""
    reason: str = ""
    retry_at: datetime | None = None
    failing: int | None = None
    active: int | None = None
    workers: int | None = None
    bulk: tuple[int, int] | None = None
    """How far the bulk operations are that were sent from here: done with, of how many."""

    @property
    def host(self) -> str:
        """The address without the scheme."""
        return self.url.partition("://")[2].rstrip("/") or self.url

    @property
    def live(self) -> bool:
        """Whether what is shown is up to date."""
        return self.state == "live"

    def after(self, news: News, now: datetime) -> Link:
        """The link as the news leave it."""
        match news:
            case Live():
                return replace(self, state="live", reason="", retry_at=None, lag_ms=None)
            case Lost(reason, retry_at):
                return replace(self, state="lost", reason=reason, retry_at=retry_at, lag_ms=None)
            case Batch(lag=lag):
                return replace(self, lag_ms=round(lag.total_seconds() * 1000), lag_at=now)
        return self

    def recent_lag_ms(self, now: datetime) -> int | None:
        """The lag of the last change, None if that was a while ago."""
        fresh = self.lag_at is not None and (now - self.lag_at).total_seconds() < LAG_SECONDS
        return self.lag_ms if fresh else None

    def seconds_to_retry(self, now: datetime) -> int:
        """Whole seconds until the next attempt, 0 when it is being made."""
        return max(0, ceil((self.retry_at - now).total_seconds())) if self.retry_at else 0
