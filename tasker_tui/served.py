"""Whether this dashboard is shown in somebody's browser, who may not change to another profile."""

from __future__ import annotations

import os

SERVED = "TASKER_SERVED"
"""Set for the dashboards that `tasker tui --serve` runs."""


def is_served() -> bool:
    """Whether whoever looks is not known to be the user of this account."""
    return os.environ.get(SERVED) == "1"
