"""Runs the command `tasker` with a clock that is wrong.

    python -m tasker_tui.chaos.wrong_clock SECONDS ARGUMENT ...

Python code that asks for the time of day gets one that is so many seconds ahead (below 0: behind). The clock
that only counts forward (time.monotonic) is right, as it is on a machine whose clock is wrong.
"""

import datetime
import runpy
import sys
import time
from typing import Self


def shift(seconds: float) -> None:
    """Make `time.time`, `time.time_ns` and `datetime.now` wrong; to be done before others are imported."""
    right_time, right_ns = time.time, time.time_ns

    class Wrong(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Self:
            return cls.fromtimestamp(right_time() + seconds, tz)

    time.time = lambda: right_time() + seconds
    time.time_ns = lambda: right_ns() + int(seconds * 1e9)
    datetime.datetime = Wrong  # type: ignore[misc]


if __name__ == "__main__":
    shift(float(sys.argv.pop(1)))
    runpy.run_module("tasker_tui.cli", run_name="__main__", alter_sys=True)
